/** Returns bytes in pieces, each as long as `length` returns, but for the last. */
export function piecesOf(bytes: Buffer, length: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)!.length) {
    pieces.push(bytes.subarray(at, at + length()));
  }
  return pieces;
}

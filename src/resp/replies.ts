/** RESP2 replies of the commands that run outside the kernel. */

const CRLF = '\r\n';

export function simpleString(text: string): Buffer {
  return Buffer.from(`+${text}${CRLF}`);
}

/** `text` begins with the error's word (`ERR …`); line breaks in it become blanks, as Redis does. */
export function errorReply(text: string): Buffer {
  return Buffer.from(`-${text.replace(/[\r\n]/g, ' ')}${CRLF}`, 'latin1');
}

export function integer(value: number): Buffer {
  return Buffer.from(`:${value}${CRLF}`);
}

export function bulk(value: Uint8Array | string | null): Buffer {
  if (value === null) return Buffer.from(`$-1${CRLF}`);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from(`$${bytes.length}${CRLF}`), bytes, Buffer.from(CRLF)]);
}

export function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`*${items.length}${CRLF}`), ...items]);
}

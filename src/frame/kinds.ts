/** The kinds of FCRP frames (fcrp-v1.md "Frame"). */

export const FrameKind = {
  Hello: 1,
  SnapshotBegin: 2,
  SnapshotChunk: 3,
  SnapshotEnd: 4,
  MutationBatch: 5,
  Ack: 6,
  Error: 7,
  /** Between peers of ours alone (design.md, "Status"). */
  Status: 64,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
export type FrameKindName = keyof typeof FrameKind;

const names = new Map<number, FrameKindName>(
  Object.entries(FrameKind).map(([name, kind]) => [kind, name as FrameKindName]),
);

export function isFrameKind(byte: number): byte is FrameKind {
  return names.has(byte);
}

export function frameKindName(kind: FrameKind): FrameKindName {
  return names.get(kind)!;
}

/** The kinds of FCRP frames (docs/protocol.md, "Frame"), and how long each may be ("Limits by kind"). */
import {
  COMPARED_MAX_BYTES,
  DIGESTS_MAX_BYTES,
  ERROR_MAX_BYTES,
  FAILOVER_MAX_BYTES,
  HELLO_MAX_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  MESSAGES_MAX_BYTES,
  SEAL_BYTES,
  STATUS_MAX_BYTES,
  WATERMARKS_MAX_BYTES,
} from '../limits.js';

/** The byte of each kind, by its name. */
export const FrameKind = {
  Hello: 1,
  SnapshotBegin: 2,
  SnapshotChunk: 3,
  SnapshotEnd: 4,
  MutationBatch: 5,
  Ack: 6,
  Error: 7,
  /** This kind and the next ones, only fastcache's peers send (docs/protocol.md, "Status" to "Compare"). */
  Status: 64,
  Messages: 65,
  Failover: 66,
  Digests: 67,
  Leave: 68,
  Compare: 69,
  Compared: 70,
  /** No peer sends this one: it stands in the segments of a data directory (docs/protocol.md, "Seal"). */
  Seal: 71,
} as const;

/** The byte of a known kind. */
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
/** The name of a known kind, as documents write it. */
export type FrameKindName = keyof typeof FrameKind;

const names = new Map<number, FrameKindName>(
  Object.entries(FrameKind).map(([name, kind]) => [kind, name as FrameKindName]),
);

/** Returns whether a byte is of a known kind. */
export function isFrameKind(byte: number): byte is FrameKind {
  return names.has(byte);
}

/** Returns the name of `kind`. */
export function frameKindName(kind: FrameKind): FrameKindName {
  return names.get(kind)!;
}

const limits: Record<FrameKind, number> = {
  [FrameKind.Hello]: HELLO_MAX_BYTES,
  [FrameKind.SnapshotBegin]: WATERMARKS_MAX_BYTES,
  [FrameKind.SnapshotChunk]: MAX_FRAME_PAYLOAD_BYTES,
  [FrameKind.SnapshotEnd]: WATERMARKS_MAX_BYTES,
  [FrameKind.MutationBatch]: MAX_FRAME_PAYLOAD_BYTES,
  [FrameKind.Ack]: 2 * WATERMARKS_MAX_BYTES,
  [FrameKind.Error]: ERROR_MAX_BYTES,
  [FrameKind.Status]: STATUS_MAX_BYTES,
  [FrameKind.Messages]: MESSAGES_MAX_BYTES,
  [FrameKind.Failover]: FAILOVER_MAX_BYTES,
  [FrameKind.Digests]: DIGESTS_MAX_BYTES,
  [FrameKind.Leave]: WATERMARKS_MAX_BYTES,
  [FrameKind.Compare]: HELLO_MAX_BYTES,
  [FrameKind.Compared]: COMPARED_MAX_BYTES,
  [FrameKind.Seal]: SEAL_BYTES,
};

/** Returns the most bytes that the payload of a frame of `kind` has, uncompressed. */
export function maxPayloadBytesOf(kind: FrameKind): number {
  return limits[kind];
}

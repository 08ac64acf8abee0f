/**
 * The bytes around a value in the payload of DUMP: its type before it; the version and the checksum behind
 * it.
 */

/** The version of the format that is written: that of Redis 7.0, which every later one reads. */
export const WRITTEN_VERSION = 10;
/** The latest version that is read: that of Redis 8. */
export const READ_VERSION_MAX = 12;
/** Bytes of the version. */
export const VERSION_BYTES = 2;
/** Bytes of the checksum. */
export const CHECKSUM_BYTES = 8;
/** Bytes of both, behind the value. */
export const FOOTER_BYTES: number = VERSION_BYTES + CHECKSUM_BYTES;

/** The types of values in Redis' dumps, by their numbers. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'string'],
  ...[1, 10, 14, 18].map((type) => [type, 'list'] as const),
  ...[2, 11, 20].map((type) => [type, 'set'] as const),
  ...[3, 5, 12, 17].map((type) => [type, 'sorted set'] as const),
  ...[4, 9, 13, 16, 22, 23, 24, 25].map((type) => [type, 'hash'] as const),
  ...[6, 7].map((type) => [type, 'module value'] as const),
  ...[15, 19, 21].map((type) => [type, 'stream'] as const),
]);

/** The version that a payload of `FOOTER_BYTES` bytes at least says it has. */
export function versionOf(payload: Buffer): number {
  return payload.readUInt16LE(payload.length - FOOTER_BYTES);
}

/** The checksum that it says it has. */
export function checksumOf(payload: Buffer): bigint {
  return payload.readBigUInt64LE(payload.length - CHECKSUM_BYTES);
}

/** Returns Redis' name of a type of values; undefined when there is no such type. */
export function typeName(type: number): string | undefined {
  return TYPES.get(type);
}

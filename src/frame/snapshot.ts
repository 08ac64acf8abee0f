/**
 * SnapshotChunk payloads (docs/protocol.md, "SnapshotChunk"); SnapshotBegin and SnapshotEnd are plain lists
 * of watermarks.
 *
 *     u64 chunk index | u8 is-last | u32 watermark count, count x u64 | u32 entry count | entries:
 *     u32 key length | u32 value length | u64 expiry | key | value
 *
 * A later release puts the four bytes `GOV2` behind the entry count, each entry then having a u32 governance
 * length (2^32-1: none) before its expiry and the governance bytes behind its value: read, and never written.
 */
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from './batch.js';
import { PayloadReader } from './payload-reader.js';
import { readWatermarks, type WatermarkList, watermarksBytes, writeWatermarks } from './watermarks.js';

const ENTRY_FIXED_BYTES = 16;
const GOVERNED_ENTRY_FIXED_BYTES = 20;
const GOVERNED_MARK = Buffer.from('GOV2');
const NO_GOVERNANCE = 0xffff_ffff;

/** One key that the store held. */
export interface SnapshotEntry {
  key: Uint8Array;
  value: Uint8Array;
  /** The absolute expiry, Unix ms; null: none. */
  expireAtMs: bigint | null;
}

/** An entry as it was read. */
export interface DecodedSnapshotEntry extends SnapshotEntry {
  /** Payload offset of the entry's first byte. */
  offset: number;
  /** The key, like the value a view of the payload. */
  key: Buffer;
  value: Buffer;
  governance: Buffer | undefined;
}

/** A part of a snapshot, to be encoded. */
export interface SnapshotChunk {
  chunkIndex: bigint;
  last: boolean;
  watermarks: ArrayLike<bigint>;
  entryCount: number;
  /** The entries, encoded: from a scan of the store, or from `encodeSnapshotEntries`. */
  entries: Uint8Array;
}

/** A chunk as it was opened. */
export interface DecodedSnapshotChunk {
  chunkIndex: bigint;
  last: boolean;
  watermarks: WatermarkList;
  entryCount: number;
  /**
   * Payload offset of the first entry, and whether each has governance bytes, for code that reads them in
   * its own way.
   */
  entriesOffset: number;
  governed: boolean;
  /**
   * The entries in order, each decoded when it is asked for; to be walked once. Throws as
   * `decodeSnapshotChunk` does.
   */
  entries: IterableIterator<DecodedSnapshotEntry>;
}

/** Encodes a payload. */
export function encodeSnapshotChunk(chunk: SnapshotChunk): Buffer {
  const payload = Buffer.allocUnsafeSlow(13 + watermarksBytes(chunk.watermarks) + chunk.entries.length);
  let position = payload.writeBigUInt64LE(chunk.chunkIndex);
  position = payload.writeUInt8(chunk.last ? 1 : 0, position);
  position = writeWatermarks(payload, position, chunk.watermarks);
  position = payload.writeUInt32LE(chunk.entryCount, position);
  payload.set(chunk.entries, position);
  return payload;
}

/** Encodes `SnapshotChunk.entries`. */
export function encodeSnapshotEntries(entries: readonly SnapshotEntry[]): Buffer {
  let size = 0;
  for (const entry of entries) size += ENTRY_FIXED_BYTES + entry.key.length + entry.value.length;
  const encoded = Buffer.allocUnsafeSlow(size);
  let position = 0;
  for (const entry of entries) {
    position = encoded.writeUInt32LE(entry.key.length, position);
    position = encoded.writeUInt32LE(entry.value.length, position);
    position = encoded.writeBigUInt64LE(entry.expireAtMs ?? NO_EXPIRY, position);
    encoded.set(entry.key, position);
    encoded.set(entry.value, position + entry.key.length);
    position += entry.key.length + entry.value.length;
  }
  return encoded;
}

/**
 * Decodes what `encodeSnapshotEntries` returns, each entry when it is asked for. Throws as
 * `decodeSnapshotChunk`, with offsets in `entries`.
 */
export function decodeSnapshotEntries(
  entries: Uint8Array,
  entryCount: number,
): Generator<DecodedSnapshotEntry> {
  return readEntries(new PayloadReader(entries), entryCount, false);
}

/**
 * Opens a payload. Throws `FCRP_FIELD_PAST_PAYLOAD`, `FCRP_COUNT_OVER_PAYLOAD`, `FCRP_SNAPSHOT_LAST_BYTE`,
 * and while the entries are walked also, behind the last, `FCRP_TRAILING_BYTES`; with payload offsets.
 */
export function decodeSnapshotChunk(payload: Uint8Array): DecodedSnapshotChunk {
  const reader = new PayloadReader(payload);
  const chunkIndex = reader.u64('chunk index');
  const last = readLast(reader);
  const watermarks = readWatermarks(reader);
  const countOffset = reader.position;
  const entryCount = reader.u32('entry count');
  // These four bytes as a key length would be 844 million, more than any payload holds.
  const governed = reader.skipIf(GOVERNED_MARK);
  const leastBytes = governed ? GOVERNED_ENTRY_FIXED_BYTES : ENTRY_FIXED_BYTES;
  reader.checkCount(entryCount, leastBytes, 'entry count', countOffset);
  const entriesOffset = reader.position;
  const entries = readEntries(reader, entryCount, governed);
  return { chunkIndex, last, watermarks, entryCount, entriesOffset, governed, entries };
}

function* readEntries(
  reader: PayloadReader,
  entryCount: number,
  governed: boolean,
): Generator<DecodedSnapshotEntry> {
  for (let index = 0; index < entryCount; index += 1) yield readEntry(reader, governed);
  reader.finish();
}

function readEntry(reader: PayloadReader, governed: boolean): DecodedSnapshotEntry {
  const offset = reader.position;
  const keyBytes = reader.u32('key length');
  const valueBytes = reader.u32('value length');
  const governanceBytes = governed ? reader.u32('governance length') : NO_GOVERNANCE;
  const expiry = reader.u64('expiry');
  const key = reader.bytes(keyBytes, 'key');
  const value = reader.bytes(valueBytes, 'value');
  const governance =
    governanceBytes === NO_GOVERNANCE ? undefined : reader.bytes(governanceBytes, 'governance');
  return { offset, key, value, expireAtMs: expiry === NO_EXPIRY ? null : expiry, governance };
}

function readLast(reader: PayloadReader): boolean {
  const offset = reader.position;
  const byte = reader.u8('is-last byte');
  if (byte <= 1) return byte === 1;
  throw new FastcacheError(
    'FCRP_SNAPSHOT_LAST_BYTE',
    `The chunk's is-last byte is ${byte}; it must be 0 or 1.`,
    { offset, expected: '0 or 1', found: byte },
  );
}

/** Makes the error for frames of a snapshot that are sound, and do not belong where they are. */
export function snapshotOutOfOrder(
  what: string,
  expected: string | number | bigint,
  found: string | number | bigint,
): FastcacheError {
  return new FastcacheError('SNAPSHOT_OUT_OF_ORDER', `${what}: expected ${expected}, found ${found}.`, {
    expected,
    found,
  });
}

/**
 * The state with which a tap continues where it stopped (docs/operations.md, "State files"), as a file's
 * bytes.
 */
import type { RecordPrint } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { isFields, MAX_STATE_BYTES, openState, sealState } from '../../files/sealed-state.js';
import { isShardCount } from '../../limits.js';
import type { History } from '../history.js';

/** The dump of a tap. */
export interface RecordedDump {
  /** Its name without folders. */
  file: string;
  /** Its length up to the state. */
  bytes: number;
  /** The digest of these bytes (files/dump-digest.ts), 64 hex digits. */
  sha256: string;
}

/** How far a tap has come, and with which outputs. */
export interface TapState {
  /** The history that the watermarks count in; undefined for a Rust primary's content, which has none. */
  history: Pick<History, 'id' | 'base'> | undefined;
  /** The highest sequence of each shard that is out. */
  watermarks: bigint[];
  /** A shard's last record, by which a primary without a history is known again; undefined: not known. */
  last: RecordPrint | undefined;
  /** The dump that belongs to it; undefined: none. */
  record: RecordedDump | undefined;
  /** Whether changes go out too. */
  changes: boolean;
}

const FORMAT = 'fastcache tap state';
const VERSION = 2;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

const HISTORY_ID = /^[0-9a-f]{32}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** Encodes a state for a file. */
export function encodeTapState({ history, watermarks, last, record, changes }: TapState): Buffer {
  return sealState({
    format: FORMAT,
    version: VERSION,
    history: history === undefined ? null : { id: history.id, base: history.base },
    watermarks,
    last: last ?? null,
    record: record ?? null,
    changes,
  });
}

/**
 * Decodes a state. Throws `STATE_UNUSABLE`, whose message says what `bytes` are instead; the caller names the
 * file.
 */
export function decodeTapState(bytes: Buffer): TapState {
  if (bytes.length > MAX_STATE_BYTES) {
    throw unusable(
      `It is of ${bytes.length} bytes, and no state of a tap is of more than ${MAX_STATE_BYTES}`,
    );
  }
  const fields = openState(bytes);
  if (fields === undefined) throw unusable('It is damaged, or no state of a tap');
  const { format, version, history, watermarks, last = null, record, changes } = fields;
  if (format !== FORMAT) throw unusable('It is no state of a tap');
  if (version !== VERSION)
    throw unusable(`It is of version ${String(version)}, and this release knows ${VERSION}`);
  if (
    !(history === null || isHistory(history)) ||
    !isWatermarks(watermarks) ||
    !(last === null || isPrint(last, watermarks)) ||
    !(record === null || isRecord(record)) ||
    typeof changes !== 'boolean'
  ) {
    throw unusable('It is no sound state of a tap');
  }
  return {
    history: history === null ? undefined : { id: history.id, base: history.base },
    watermarks,
    last: last === null ? undefined : { shard: last.shard, sequence: last.sequence, print: last.print },
    record: record === null ? undefined : { file: record.file, bytes: record.bytes, sha256: record.sha256 },
    changes,
  };
}

function isHistory(value: unknown): value is { id: string; base: bigint } {
  return isFields(value) && typeof value.id === 'string' && HISTORY_ID.test(value.id) && isU64(value.base);
}

function isRecord(value: unknown): value is RecordedDump {
  if (!isFields(value)) return false;
  const { file, bytes, sha256 } = value;
  const isLength = Number.isSafeInteger(bytes) && Number(bytes) >= 0;
  return isLength && typeof file === 'string' && typeof sha256 === 'string' && SHA256.test(sha256);
}

function isPrint(value: unknown, { length: shards }: readonly bigint[]): value is RecordPrint {
  if (!isFields(value)) return false;
  const { shard, sequence, print } = value;
  const isShard = Number.isInteger(shard) && Number(shard) >= 0 && Number(shard) < shards;
  return isShard && isU64(sequence) && isU64(print);
}

function isWatermarks(value: unknown): value is bigint[] {
  if (!Array.isArray(value) || !isShardCount(value.length)) return false;
  return value.every(isU64);
}

function isU64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value <= LARGEST_U64;
}

function unusable(what: string): FastcacheError {
  return new FastcacheError(
    'STATE_UNUSABLE',
    `${what}. To start over, with a snapshot, move it away or name another file.`,
  );
}

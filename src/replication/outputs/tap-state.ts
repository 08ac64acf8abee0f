/**
 * The state with which a tap continues where it stopped (docs/operations.md, "State files"), as a file's
 * bytes.
 */
import { FastcacheError } from '../../errors.js';
import { isFields, MAX_STATE_BYTES, openState, sealState } from '../../files/sealed-state.js';
import { isShardCount } from '../../limits.js';
import type { History } from '../history.js';

/** How far a tap has come, and with which outputs. */
export interface TapState {
  /** The history that the watermarks count in; undefined for a Rust primary's content, which has none. */
  history: Pick<History, 'id' | 'base'> | undefined;
  /** The highest sequence of each shard that is out. */
  watermarks: bigint[];
  /** The dump that belongs to it: its name without folders, and its length up to here; undefined: none. */
  record: { file: string; bytes: number } | undefined;
  /** Whether changes go out too. */
  changes: boolean;
}

const FORMAT = 'fastcache tap state';
const VERSION = 1;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

const HISTORY_ID = /^[0-9a-f]{32}$/;

/** Encodes a state for a file. */
export function encodeTapState({ history, watermarks, record, changes }: TapState): Buffer {
  return sealState({
    format: FORMAT,
    version: VERSION,
    history: history === undefined ? null : { id: history.id, base: history.base },
    watermarks,
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
  const { format, version, history, watermarks, record, changes } = fields;
  if (format !== FORMAT) throw unusable('It is no state of a tap');
  if (version !== VERSION)
    throw unusable(`It is of version ${String(version)}, and this release knows ${VERSION}`);
  if (
    !(history === null || isHistory(history)) ||
    !isWatermarks(watermarks) ||
    !(record === null || isRecord(record)) ||
    typeof changes !== 'boolean'
  ) {
    throw unusable('It is no sound state of a tap');
  }
  return {
    history: history === null ? undefined : { id: history.id, base: history.base },
    watermarks,
    record: record === null ? undefined : { file: record.file, bytes: record.bytes },
    changes,
  };
}

function isHistory(value: unknown): value is { id: string; base: bigint } {
  return isFields(value) && typeof value.id === 'string' && HISTORY_ID.test(value.id) && isU64(value.base);
}

function isRecord(value: unknown): value is { file: string; bytes: number } {
  if (!isFields(value)) return false;
  return typeof value.file === 'string' && Number.isSafeInteger(value.bytes) && Number(value.bytes) >= 0;
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

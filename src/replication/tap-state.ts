/**
 * What a tap needs to go on where it stopped (cli.md, `--state`), as a file's bytes: one msgpack map, and behind it, as bin,
 * the map's SHA-256, so that a state that was damaged is never taken for another.
 */
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import { FastcacheError } from '../errors.js';
import { MAX_SHARDS } from '../limits.js';
import type { History } from './history.js';

export interface TapState {
  /** Whose sequences the watermarks are; undefined: a Rust primary's, which has no histories. */
  history: Pick<History, 'id' | 'base'> | undefined;
  /** One for each shard: what is out. */
  watermarks: bigint[];
  /** The dump that goes with it: its name without folders, and how long it is up to here. */
  record: { file: string; bytes: number } | undefined;
  /** Whether changes go out too. */
  changes: boolean;
}

/** More than a state of as many shards as there may be. */
export const MAX_STATE_BYTES = 65_536;

const FORMAT = 'fastcache tap state';
const VERSION = 1;
const DIGEST_BYTES = 32;
/** bin 8, and its length. */
const DIGEST_HEAD = Buffer.from([0xc4, DIGEST_BYTES]);
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

const HISTORY_ID = /^[0-9a-f]{32}$/;

const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'bigint' });

export function encodeTapState({ history, watermarks, record, changes }: TapState): Buffer {
  const fields = packr.pack({
    format: FORMAT,
    version: VERSION,
    history: history === undefined ? null : { id: history.id, base: history.base },
    watermarks,
    record: record ?? null,
    changes,
  });
  return Buffer.concat([fields, DIGEST_HEAD, digestOf(fields)]);
}

/** Throws `STATE_UNUSABLE`, whose message says what `bytes` are instead; the file is the caller's to name. */
export function decodeTapState(bytes: Buffer): TapState {
  if (bytes.length > MAX_STATE_BYTES) {
    throw unusable(
      `It is of ${bytes.length} bytes, and no state of a tap is of more than ${MAX_STATE_BYTES}`,
    );
  }
  const end = bytes.length - DIGEST_BYTES - DIGEST_HEAD.length;
  const fields = bytes.subarray(0, Math.max(0, end));
  const isWhole = end > 0 && bytes.subarray(end).equals(Buffer.concat([DIGEST_HEAD, digestOf(fields)]));
  if (!isWhole) throw unusable('It is damaged, or no state of a tap');
  const { format, version, history, watermarks, record, changes } = unpack(fields);
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

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function unpack(bytes: Buffer): Record<string, unknown> {
  try {
    const fields: unknown = packr.unpack(bytes);
    if (isFields(fields)) return fields;
  } catch {
    // Whatever it is, it is not ours.
  }
  throw unusable('It is no state of a tap');
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHistory(value: unknown): value is { id: string; base: bigint } {
  return isFields(value) && typeof value.id === 'string' && HISTORY_ID.test(value.id) && isU64(value.base);
}

function isRecord(value: unknown): value is { file: string; bytes: number } {
  if (!isFields(value)) return false;
  return typeof value.file === 'string' && Number.isSafeInteger(value.bytes) && Number(value.bytes) >= 0;
}

function isWatermarks(value: unknown): value is bigint[] {
  if (!Array.isArray(value) || value.length > MAX_SHARDS || !Number.isInteger(Math.log2(value.length)))
    return false;
  return value.every(isU64);
}

function isU64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value <= LARGEST_U64;
}

function unusable(what: string): FastcacheError {
  return new FastcacheError(
    'STATE_UNUSABLE',
    `${what}. To begin anew, with a snapshot, move it away or name another file.`,
  );
}

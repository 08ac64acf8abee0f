/** Frames, records and entries as JSON objects, in the shapes of cli.md (JSON). */
import type { FastcacheError } from '../errors.js';
import type { DecodedRecord } from '../frame/batch.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';
import type { FrameContent, OpenedFrame } from './frame-content.js';
import { bytesField } from './json.js';

export const REDACTED = '<redacted>';

/** More watermarks than this are counted instead of listed: no store has so many shards, a hostile frame may. */
const MAX_LISTED_WATERMARKS = 65_536;

type JsonObject = Record<string, unknown>;

export function frameJson({ frame, kind, content }: OpenedFrame): JsonObject {
  const { compressed, payloadBytes, uncompressedBytes } = frame.header;
  return {
    type: 'frame',
    offset: frame.offset,
    kind,
    compressed,
    payloadBytes,
    uncompressedBytes,
    ...contentJson(content),
  };
}

export function recordJson(record: DecodedRecord): JsonObject {
  const { offset, shard, sequence, timestampMs, op, key, value, expireAtMs, keyHash, keyTag } = record;
  return {
    type: 'record',
    offset,
    shard,
    sequence: sequence.toString(),
    timestampMs: numberJson(timestampMs),
    op,
    ...bytesField('key', key),
    ...bytesField('value', value),
    ...governanceJson(record.governance),
    expireAtMs: numberJson(expireAtMs),
    keyHash: keyHash.toString(16).padStart(16, '0'),
    keyTag: numberJson(keyTag),
  };
}

export function entryJson({ offset, key, value, governance, expireAtMs }: DecodedSnapshotEntry): JsonObject {
  return {
    type: 'entry',
    offset,
    ...bytesField('key', key),
    ...bytesField('value', value),
    ...governanceJson(governance),
    expireAtMs: numberJson(expireAtMs),
  };
}

export function faultJson({ offset, code, message }: FastcacheError): JsonObject {
  return { type: 'fault', offset, code, message };
}

function contentJson(content: FrameContent): JsonObject {
  switch (content.type) {
    case 'hello': {
      const { version, role, token, watermarks } = content.hello;
      return {
        version,
        role,
        token: token === undefined ? null : REDACTED,
        ...(watermarks === undefined ? { watermarks: null } : watermarksJson(watermarks)),
        ...(content.margin === undefined ? {} : { margin: Object.fromEntries(content.margin) }),
      };
    }
    case 'watermarks':
      return watermarksJson(content.watermarks);
    case 'batch':
      return { records: content.recordCount };
    case 'chunk': {
      const { chunkIndex, last, watermarks, entryCount } = content;
      return { chunkIndex: chunkIndex.toString(), last, ...watermarksJson(watermarks), entries: entryCount };
    }
    case 'error':
      return bytesField('message', Buffer.from(content.message));
  }
}

function watermarksJson(watermarks: BigUint64Array): JsonObject {
  const listed = Array.from(watermarks.subarray(0, MAX_LISTED_WATERMARKS), String);
  return watermarks.length > MAX_LISTED_WATERMARKS
    ? { watermarks: listed, watermarkCount: watermarks.length }
    : { watermarks: listed };
}

function governanceJson(governance: Buffer | undefined): JsonObject {
  return governance === undefined ? {} : bytesField('governance', governance);
}

/** A u64 that is a number by its nature; a string where a number would no longer be exact. */
function numberJson(value: bigint | null): number | string | null {
  if (value === null) return null;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
}

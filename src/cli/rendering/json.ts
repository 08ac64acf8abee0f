/** Frames, records and entries as JSON, in the shapes of docs/command-line.md, "JSON". */
import type { FrameContent, OpenedFrame } from '../../dump/read/frame-content.js';
import type { FastcacheError } from '../../errors.js';
import type { DecodedRecord } from '../../frame/batch.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import { bytesField, bytesMember, MAX_TEXT_BYTES } from '../terminal/json.js';
import { hashText, type ValueForm } from '../terminal/text.js';

export const REDACTED = '<redacted>';

/**
 * More watermarks than this are counted instead of listed: no store has so many shards, a hostile frame may.
 */
const MAX_LISTED_WATERMARKS = 65_536;

const LARGEST_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

type JsonObject = Record<string, unknown>;

/** What a frame shows but for its items, u64 values as bigints. */
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

/** One line without its end. Built by hand: of a dump's lines nearly all are these. */
export function recordLine(record: DecodedRecord, values: ValueForm): string {
  return `{"type":"record","offset":${record.offset},${recordMembers(record, values)}}`;
}

export function entryLine(entry: DecodedSnapshotEntry, values: ValueForm): string {
  return `{"type":"entry","offset":${entry.offset},${entryMembers(entry, values)}}`;
}

/** What a record is, wherever it stands. */
export function recordMembers(record: Omit<DecodedRecord, 'offset'>, values: ValueForm): string {
  const { shard, sequence, timestampMs, op, key, value, governance, expireAtMs, keyHash, keyTag } = record;
  return `"shard":${shard},"sequence":"${sequence}","timestampMs":${numberJson(
    timestampMs,
  )},"op":"${op}",${bytesMember('key', key)},${valueMember('value', value, values)}${governanceMember(
    governance,
    values,
  )},"expireAtMs":${numberJson(expireAtMs)},"keyHash":"${hashText(keyHash)}","keyTag":${numberJson(keyTag)}`;
}

/** What an entry is, wherever it stands. */
export function entryMembers(entry: Omit<DecodedSnapshotEntry, 'offset'>, values: ValueForm): string {
  return `${bytesMember('key', entry.key)},${contentMembers(entry, values)}`;
}

/** What stands under a key. */
export function contentMembers(
  { value, governance, expireAtMs }: Pick<DecodedSnapshotEntry, 'value' | 'governance' | 'expireAtMs'>,
  values: ValueForm,
): string {
  return `${valueMember('value', value, values)}${governanceMember(governance, values)},"expireAtMs":${numberJson(expireAtMs)}`;
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
      return { chunkIndex, last, ...watermarksJson(watermarks), entries: entryCount };
    }
    case 'error':
      return bytesField('message', Buffer.from(content.message));
    case 'status':
      return { status: content.document ?? null };
  }
}

function watermarksJson(watermarks: BigUint64Array): JsonObject {
  const listed = Array.from(watermarks.subarray(0, MAX_LISTED_WATERMARKS));
  return watermarks.length > MAX_LISTED_WATERMARKS
    ? { watermarks: listed, watermarkCount: watermarks.length }
    : { watermarks: listed };
}

function governanceMember(governance: Buffer | undefined, values: ValueForm): string {
  return governance === undefined ? '' : `,${valueMember('governance', governance, values)}`;
}

function valueMember(name: string, bytes: Buffer, form: ValueForm): string {
  switch (form) {
    case 'none':
      return `"${name}Bytes":${bytes.length}`;
    case 'text':
      return bytesMember(name, bytes);
    case 'hex':
      // As with text, what would make too long a line goes as Base64.
      if (bytes.length <= MAX_TEXT_BYTES) return `"${name}Hex":"${bytes.toString('hex')}"`;
  }
  return `"${name}Base64":"${bytes.toString('base64')}"`;
}

/** A u64 that is a number by its nature; a string where a number would no longer be exact. */
function numberJson(value: bigint | null): string {
  return value === null || value <= LARGEST_EXACT ? `${value}` : `"${value}"`;
}

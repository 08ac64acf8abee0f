/** Renders frames, records and entries as JSON (docs/command-line.md, "JSON"). */
import type { KeyEntry } from '../../dump/fold/folded-key-space.js';
import type { FrameContent, OpenedFrame } from '../../dump/read/frame-content.js';
import type { FastcacheError } from '../../errors.js';
import type { DecodedRecord } from '../../frame/batch.js';
import { type DigestsMessage, digestText } from '../../frame/digests.js';
import type { FailoverMessage } from '../../frame/failover.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import { bytesField, bytesMember, MAX_TEXT_BYTES } from '../terminal/json.js';
import { hashText, type ValueForm } from '../terminal/text.js';

/** The text that is shown in place of a token. */
export const REDACTED = '<redacted>';

const LARGEST_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

type JsonObject = Record<string, unknown>;

/** Returns what is shown of a frame except its items; u64 values are bigints. */
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

/**
 * Returns a record as one line without its end. It is built by hand, because nearly all lines of a dump are
 * records.
 */
export function recordLine(record: DecodedRecord, values: ValueForm): string {
  return `{"type":"record","offset":${record.offset},${recordMembers(record, values)}}`;
}

/** Returns an entry of a snapshot as one line, like `recordLine`. */
export function entryLine(entry: DecodedSnapshotEntry, values: ValueForm): string {
  return `{"type":"entry","offset":${entry.offset},${entryMembers(entry, values)}}`;
}

/** Returns the members of a record except its offset. */
export function recordMembers(record: Omit<DecodedRecord, 'offset'>, values: ValueForm): string {
  const { shard, sequence, timestampMs, op, key, value, governance, expireAtMs, keyHash, keyTag } = record;
  return `"shard":${shard},"sequence":"${sequence}","timestampMs":${numberJson(
    timestampMs,
  )},"op":"${op}",${bytesMember('key', key)},${valueMember('value', value, values)}${governanceMember(
    governance,
    values,
  )},"expireAtMs":${numberJson(expireAtMs)},"keyHash":"${hashText(keyHash)}","keyTag":${numberJson(keyTag)}`;
}

/** Returns the members of an entry except its offset. */
export function entryMembers(
  entry: KeyEntry & { governance?: Buffer | undefined },
  values: ValueForm,
): string {
  return `${bytesMember('key', entry.key)},${contentMembers(entry, values)}`;
}

/** Returns the members that describe the value, governance bytes and expiry of a key. */
export function contentMembers(
  { value, governance, expireAtMs }: Omit<KeyEntry, 'key'> & { governance?: Buffer | undefined },
  values: ValueForm,
): string {
  const ofValue = `${valueMember('value', value, values)}${governanceMember(governance, values)}`;
  return `${ofValue},"expireAtMs":${numberJson(expireAtMs)}`;
}

/** Returns the damage that ends a dump as an object. */
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
    case 'messages':
      return { messages: content.count };
    case 'failover':
      return { failover: failoverJson(content.message) };
    case 'digests':
      return { digests: digestsJson(content.message) };
    case 'seal':
      return { seal: { ...content.message, hash: hashText(content.message.hash) } };
    case 'compare':
      return { sort: content.sort };
  }
}

function digestsJson({ says, shards }: DigestsMessage): JsonObject {
  const shown = shards.map((digest) => ({
    shard: digest.shard,
    sequence: digest.sequence,
    digest: digestText(digest),
  }));
  return { says, shards: shown };
}

function failoverJson(message: FailoverMessage): JsonObject {
  if (message.says !== 'order') return { ...message };
  const { says, history, watermarks, isForced } = message;
  return { says, history, forced: isForced, watermarks: Array.from(watermarks) };
}

function watermarksJson(watermarks: BigUint64Array): JsonObject {
  return { watermarks: Array.from(watermarks) };
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
      // Bytes that would make too long a line are written as Base64, as with text.
      if (bytes.length <= MAX_TEXT_BYTES) return `"${name}Hex":"${bytes.toString('hex')}"`;
  }
  return `"${name}Base64":"${bytes.toString('base64')}"`;
}

/** Returns a u64 as a number, or as a string where a number would not be exact. */
function numberJson(value: bigint | null): string {
  return value === null || value <= LARGEST_EXACT ? `${value}` : `"${value}"`;
}

/**
 * Renders frames, records and entries as lines for a person: columns of fixed width first, then those of any
 * length. All text from a dump is escaped.
 */
import chalk, { type ChalkInstance } from 'chalk';
import type { SequenceStep } from '../../dump/check/sequence-steps.js';
import type { FrameContent, OpenedFrame } from '../../dump/read/frame-content.js';
import type { DecodedRecord, MutationOp } from '../../frame/batch.js';
import { type DigestsMessage, digestText } from '../../frame/digests.js';
import type { FailoverMessage } from '../../frame/failover.js';
import type { FrameKindName } from '../../frame/kinds.js';
import type { DecodedSnapshotEntry } from '../../frame/snapshot.js';
import type { StatusMap } from '../../frame/status.js';
import { escapeText, quoteBytes, quoteText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import {
  countText,
  formatDuration,
  formatNumber,
  formatTime,
  hashText,
  type ValueForm,
} from '../terminal/text.js';
import { REDACTED } from './json.js';

const OFFSET_COLUMNS = 10;
const KIND_COLUMNS = 13;
const SHARD_COLUMNS = 4;
/** The columns of a sequence: clock-based ones have 16 digits. */
const SEQUENCE_COLUMNS = 16;
const TIME_COLUMNS = 24;
const OP_COLUMNS = 6;
/** The most columns of a key to show. */
export const KEY_COLUMNS = 40;
const VALUE_COLUMNS = 60;
const MESSAGE_COLUMNS = 200;
const MAX_LISTED_WATERMARKS = 16;

const kindColors: Record<FrameKindName, ChalkInstance> = {
  Hello: chalk.cyan,
  SnapshotBegin: chalk.magenta,
  SnapshotChunk: chalk.magenta,
  SnapshotEnd: chalk.magenta,
  MutationBatch: chalk.green,
  Ack: chalk.blue,
  Error: chalk.red,
  Status: chalk.blue,
  Messages: chalk.blue,
  Failover: chalk.blue,
  Digests: chalk.blue,
  Leave: chalk.blue,
  Compare: chalk.blue,
  Compared: chalk.blue,
  Seal: chalk.blue,
};

const opColors: Record<MutationOp, ChalkInstance> = {
  set: chalk.green,
  del: chalk.red,
  expire: chalk.yellow,
};

/** Returns two lines that name the columns of frames and of records. */
export function headingText(): string {
  const offset = 'offset'.padStart(OFFSET_COLUMNS);
  const fixed = [
    offset,
    'shard'.padStart(SHARD_COLUMNS),
    'sequence'.padStart(SEQUENCE_COLUMNS - 1),
    'time'.padEnd(TIME_COLUMNS),
    'op'.padEnd(OP_COLUMNS),
    'key = value',
  ];
  const ofFrames = [offset, 'frame'.padEnd(KIND_COLUMNS), 'payload'];
  return `${chalk.dim(ofFrames.join('  '))}\n${chalk.dim(fixed.join('  '))}`;
}

/** Returns the line of a frame. */
export function frameText({ frame, kind, content }: OpenedFrame): string {
  const { compressed, payloadBytes, uncompressedBytes } = frame.header;
  const size = compressed
    ? `${formatNumber(uncompressedBytes)} bytes (zstd ${formatNumber(payloadBytes)})`
    : `${formatNumber(payloadBytes)} bytes`;
  return [
    offsetText(frame.offset),
    kindColors[kind].bold(kind.padEnd(KIND_COLUMNS)),
    size,
    ...contentText(content),
  ].join('  ');
}

/** Returns the line of a record. */
export function recordText(record: DecodedRecord, values: ValueForm): string {
  const { offset, shard, sequence, timestampMs, op, keyHash, keyTag, governance } = record;
  const expiry = expiryText(record.expireAtMs, timestampMs, 'later', 'earlier');
  const trailer = [
    expiry ?? (op === 'expire' ? 'expires never' : undefined),
    governedText(governance),
    `hash ${hashText(keyHash)} tag ${keyTag}`,
  ];
  return [
    offsetText(offset),
    `${shard}`.padStart(SHARD_COLUMNS),
    `${sequence}`.padStart(SEQUENCE_COLUMNS),
    formatTime(timestampMs).padEnd(TIME_COLUMNS),
    opColors[op](op.padEnd(OP_COLUMNS)),
    op === 'set' ? pairText(record, values) : quoteBytes(record.key, KEY_COLUMNS),
    trailerText(trailer),
  ].join('  ');
}

/**
 * Returns the line of an entry. An entry has no time of its own, so that its expiry is shown by its distance
 * from `nowMs`.
 */
export function entryText(entry: DecodedSnapshotEntry, values: ValueForm, nowMs: number): string {
  const expiry = expiryText(entry.expireAtMs, BigInt(nowMs), 'from now', 'ago');
  const trailer = [expiry, governedText(entry.governance)];
  return [offsetText(entry.offset), pairText(entry, values), trailerText(trailer)].join('  ').trimEnd();
}

/** Returns the line before a record whose sequence does not follow the one before it in its shard. */
export function stepText({ shard, sequence }: DecodedRecord, step: SequenceStep): string {
  const text =
    step.type === 'gap'
      ? `shard ${shard}: ${missingText(step)}`
      : `shard ${shard}: goes back, from sequence ${step.after} to ${sequence}`;
  return `${' '.repeat(OFFSET_COLUMNS)}  ${chalk.yellow(`… ${text}`)}`;
}

function missingText({ from, to }: { from: bigint; to: bigint }): string {
  const count = to - from + 1n;
  return count === 1n
    ? `gap, sequence ${from} is missing`
    : `gap, ${formatNumber(count)} sequences are missing, ${from} to ${to}`;
}

function contentText(content: FrameContent): string[] {
  switch (content.type) {
    case 'hello': {
      const { version, role, token, watermarks } = content.hello;
      return [
        `version ${version}`,
        role,
        token === undefined ? 'no token' : `token ${REDACTED}`,
        watermarks === undefined ? 'no watermarks' : watermarksText(watermarks),
        ...(content.margin === undefined ? [] : ['margin']),
        ...Array.from(content.margin ?? [], ([name, value]) =>
          quoteText(`${name}=${value}`, MESSAGE_COLUMNS),
        ),
      ];
    }
    case 'watermarks':
      return [watermarksText(content.watermarks)];
    case 'batch':
      return [countText(content.recordCount, 'record', 'records')];
    case 'chunk':
      return [
        `chunk ${content.chunkIndex}${content.last ? ' (last)' : ''}`,
        countText(content.entryCount, 'entry', 'entries'),
        watermarksText(content.watermarks),
      ];
    case 'error':
      return [chalk.red(quoteText(content.message, MESSAGE_COLUMNS))];
    case 'status':
      return [content.document === undefined ? 'asks' : statusText(content.document)];
    case 'messages':
      return [countText(content.count, 'message', 'messages')];
    case 'failover':
      return failoverText(content.message);
    case 'digests':
      return digestsTexts(content.message);
    case 'seal':
      return [
        `${countText(content.message.frames, 'frame', 'frames')} from byte ${content.message.start} on`,
      ];
    case 'compare':
      return [content.sort];
  }
}

function digestsTexts({ says, shards }: DigestsMessage): string[] {
  const shown = shards.slice(0, MAX_LISTED_WATERMARKS);
  const more = shards.length - shown.length;
  return [
    says,
    ...shown.map((digest) => `shard ${digest.shard} at ${digest.sequence}: ${digestText(digest)}`),
    ...(more === 0 ? [] : [`and ${countText(more, 'more shard', 'more shards')}`]),
  ];
}

function failoverText(message: FailoverMessage): string[] {
  switch (message.says) {
    case 'order':
      return [
        message.isForced ? 'order, forced' : 'order',
        `history ${message.history}`,
        watermarksText(Array.from(message.watermarks)),
      ];
    case 'accepted':
      return ['accepted'];
    case 'refused':
      return ['refused', quoteText(message.reason, MESSAGE_COLUMNS)];
    case 'request':
      return [`request, within ${message.timeoutMs} ms`];
  }
}

/** Returns a Status document as JSON, in which all text from the dump is escaped. */
function statusText(document: StatusMap): string {
  const json = toJson(document);
  if (json.length <= MESSAGE_COLUMNS) return escapeText(json);
  return `${escapeText(json.slice(0, MESSAGE_COLUMNS))}… (${formatNumber(json.length)} characters of JSON)`;
}

/** Returns the first watermarks of a list, and how many more there are. */
export function watermarksText(watermarks: BigUint64Array | readonly bigint[]): string {
  const listed = watermarks.slice(0, MAX_LISTED_WATERMARKS).join(' ');
  const rest = watermarks.length - MAX_LISTED_WATERMARKS;
  return `watermarks ${listed || 'none'}${rest > 0 ? ` … (${formatNumber(rest)} more)` : ''}`;
}

/** Returns `"key" = "value"`. */
export function pairText({ key, value }: { key: Buffer; value: Buffer }, values: ValueForm): string {
  return `${quoteBytes(key, KEY_COLUMNS)} = ${valueText(value, values)}`;
}

/** Returns a value, cut to its columns; when it is cut or not shown, its length is shown. */
export function valueText(value: Buffer, form: ValueForm): string {
  switch (form) {
    case 'none':
      return `(${value.length} bytes)`;
    case 'text':
      return quoteBytes(value, VALUE_COLUMNS);
    default: {
      const head = value.subarray(0, form === 'hex' ? VALUE_COLUMNS / 2 : (VALUE_COLUMNS / 4) * 3);
      const cut = head.length < value.length ? `… (${value.length} bytes)` : '';
      return `${form} ${head.toString(form)}${cut}`;
    }
  }
}

/** Returns the expiry and its distance from another time: `expires 2030-01-01T00:00:00.000Z (30 s later)`. */
function expiryText(
  expireAtMs: bigint | null,
  fromMs: bigint,
  after: string,
  before: string,
): string | undefined {
  if (expireAtMs === null) return undefined;
  const distance =
    expireAtMs >= fromMs
      ? `${formatDuration(expireAtMs - fromMs)} ${after}`
      : `${formatDuration(fromMs - expireAtMs)} ${before}`;
  return `expires ${formatTime(expireAtMs)} (${distance})`;
}

function governedText(governance: Buffer | undefined): string | undefined {
  return governance === undefined ? undefined : `governance ${formatNumber(governance.length)} bytes`;
}

function trailerText(parts: readonly (string | undefined)[]): string {
  return chalk.dim(parts.filter((part) => part !== undefined).join('  '));
}

function offsetText(offset: number): string {
  return chalk.dim(`${offset}`.padStart(OFFSET_COLUMNS));
}

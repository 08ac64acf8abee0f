/**
 * The payloads of Compare and Compared frames (docs/protocol.md, "Compare"), by which what a server holds is
 * compared with something else: a byte for what is asked, and the same byte before the answer.
 *
 *     question                                            answer
 *     1 shards                                            u8 flags | 16 bytes history | u32 count | shards
 *     2 parts   u32 shard | u8 bits                       u64 watermark before, u64 after | u32 count | parts
 *     3 list    u32 shard | u8 bits | u64 cursor | 2^bits bits    u64 next cursor | u32 count | entries
 *     4 keys    u32 count | count x (u32 shard | u32 length | key)    u32 count | states
 *     5 publish (as 4)                                    u32 count
 *     6                                                   f32 share of the work that is done
 *     7                                                   u32 length | text: why not
 *
 *     shard   u64 watermark | u64 sum | u64 second sum | u64 keys
 *     part    u64 sum | u64 second sum | u64 entries
 *     entry   u64 key hash | u64 print | u64 expiry | u32 length | key
 *     state   u32 shard | u64 watermark | u8 flags | u64 print | u64 expiry
 */
import { FastcacheError } from '../errors.js';
import { isShardCount, MAX_SHARDS, SHARD_COUNTS } from '../limits.js';
import { PayloadReader } from './payload-reader.js';
import { PayloadWriter } from './payload-writer.js';

/** The shard of a key that is asked for where it routes to. */
export const ANY_SHARD = 0xffff_ffff;
/** Key hashes are divided into 2^bits parts, from 2^3 to 2^12. */
export const PART_BITS = { min: 3, max: 12 } as const;
/** The most keys of one question. */
export const COMPARED_KEYS_MAX = 512;
/** The longest key that is compared by itself, bytes: 32 KiB. */
export const COMPARED_KEY_BYTES_MAX = 32_768;
const REASON_MAX_CHARS = 500;

/** A key in a shard, or in the one that it routes to (`ANY_SHARD`). */
export interface KeyPlace {
  shard: number;
  key: Uint8Array;
}

/** The question of a Compare frame. */
export type Question =
  /** Watermark and digest of each shard, as of one moment. */
  | { readonly asks: 'shards' }
  /** The digests of the parts that all key hashes are divided into by their highest `bits`. */
  | { readonly asks: 'parts'; readonly shard: number; readonly bits: number }
  /** The entries of some of those parts, which have a bit in `wanted`; the cursor is 0 at first. */
  | {
      readonly asks: 'list';
      readonly shard: number;
      readonly bits: number;
      readonly wanted: Uint8Array;
      readonly cursor: bigint;
    }
  /** The states of keys, as of one moment. */
  | { readonly asks: 'keys'; readonly keys: readonly KeyPlace[] }
  /** That a primary publishes keys again as they are, or their deletions. */
  | { readonly asks: 'publish'; readonly keys: readonly KeyPlace[] };

/** One shard as it is. */
export interface ShardState {
  watermark: bigint;
  sum: bigint;
  second: bigint;
  keys: bigint;
}

/** The digest of the entries in one part. */
export interface PartState {
  sum: bigint;
  second: bigint;
  entries: bigint;
}

/** One entry; equal contents of a key have equal prints and expiries. */
export interface EntryState {
  keyHash: bigint;
  print: bigint;
  /** Unix ms, 2^64-1 for never. */
  expiresAtMs: bigint;
  key: Buffer;
}

/** The state of one key. */
export interface KeyState {
  shard: number;
  /** The watermark of the shard. */
  watermark: bigint;
  /** Whether the key was written, deleted or expired since it was asked for by the question before this. */
  isChanged: boolean;
  /** The entry of the key; undefined: there is none. */
  entry: { print: bigint; expiresAtMs: bigint } | undefined;
}

/** The answer of a Compared frame. */
export type Answer =
  | {
      readonly answers: 'shards';
      readonly isPrimary: boolean;
      /** Whether digests are kept; otherwise the sums are 0 and mean nothing. */
      readonly hasDigests: boolean;
      /** 32 hex digits; undefined: there is none. */
      readonly history: string | undefined;
      readonly shards: readonly ShardState[];
    }
  | {
      readonly answers: 'parts';
      /** The watermark of the shard when its first entry was counted, and when its last was. */
      readonly before: bigint;
      readonly after: bigint;
      readonly parts: readonly PartState[];
    }
  | { readonly answers: 'list'; readonly cursor: bigint; readonly entries: readonly EntryState[] }
  | { readonly answers: 'keys'; readonly keys: readonly KeyState[] }
  | { readonly answers: 'publish'; readonly count: number }
  /** The answer is still being made; `share` of that is done, 0 to 1. */
  | { readonly answers: 'working'; readonly share: number }
  /** There is no answer, for a reason in words, which are the peer's. */
  | { readonly answers: 'refused'; readonly reason: string };

const SORTS = ['shards', 'parts', 'list', 'keys', 'publish', 'working', 'refused'] as const;
const SHARD_BYTES = 32;
const PART_BYTES = 24;
const ENTRY_HEAD_BYTES = 28;
const KEY_STATE_BYTES = 29;
const KEY_HEAD_BYTES = 8;
const IS_PRIMARY = 1;
const HAS_DIGESTS = 2;
const IS_THERE = 1;
const IS_CHANGED = 2;
const NO_HISTORY = '0'.repeat(32);

/** Encodes the payload of a Compare frame. */
export function encodeQuestion(question: Question): Buffer {
  const writer = new PayloadWriter(sortOf(question.asks));
  switch (question.asks) {
    case 'shards':
      break;
    case 'parts':
      writer.u32(question.shard).u8(question.bits);
      break;
    case 'list':
      writer.u32(question.shard).u8(question.bits).u64(question.cursor).bytes(question.wanted);
      break;
    default:
      writer.u32(question.keys.length);
      for (const { shard, key } of question.keys) writer.u32(shard).u32(key.length).bytes(key);
  }
  return writer.end();
}

/** Decodes the payload of a Compare frame. Throws `FCRP_*` with payload offsets. */
export function decodeQuestion(payload: Uint8Array): Question {
  const reader = new PayloadReader(payload);
  const question = readQuestion(reader);
  reader.finish();
  return question;
}

/** Encodes the payload of a Compared frame; a reason that is too long is cut. */
export function encodeAnswer(answer: Answer): Buffer {
  const writer = new PayloadWriter(sortOf(answer.answers));
  switch (answer.answers) {
    case 'shards':
      writer.u8((answer.isPrimary ? IS_PRIMARY : 0) | (answer.hasDigests ? HAS_DIGESTS : 0));
      writer.bytes(Buffer.from(answer.history ?? NO_HISTORY, 'hex')).u32(answer.shards.length);
      for (const { watermark, sum, second, keys } of answer.shards)
        writer.u64(watermark).u64(sum).u64(second).u64(keys);
      break;
    case 'parts':
      writer.u64(answer.before).u64(answer.after).u32(answer.parts.length);
      for (const { sum, second, entries } of answer.parts) writer.u64(sum).u64(second).u64(entries);
      break;
    case 'list':
      writer.u64(answer.cursor).u32(answer.entries.length);
      for (const { keyHash, print, expiresAtMs, key } of answer.entries)
        writer.u64(keyHash).u64(print).u64(expiresAtMs).u32(key.length).bytes(key);
      break;
    case 'keys':
      writer.u32(answer.keys.length);
      for (const { shard, watermark, isChanged, entry } of answer.keys) {
        writer.u32(shard).u64(watermark);
        writer.u8((entry === undefined ? 0 : IS_THERE) | (isChanged ? IS_CHANGED : 0));
        writer.u64(entry?.print ?? 0n).u64(entry?.expiresAtMs ?? 0n);
      }
      break;
    case 'publish':
      writer.u32(answer.count);
      break;
    case 'working':
      writer.f32(answer.share);
      break;
    case 'refused': {
      const text = Buffer.from(answer.reason.slice(0, REASON_MAX_CHARS));
      writer.u32(text.length).bytes(text);
    }
  }
  return writer.end();
}

/** Decodes the payload of a Compared frame; keys are views of it. Throws `FCRP_*` with payload offsets. */
export function decodeAnswer(payload: Uint8Array): Answer {
  const reader = new PayloadReader(payload);
  const answer = readAnswer(reader);
  reader.finish();
  return answer;
}

function readQuestion(reader: PayloadReader): Question {
  const sort = readSort(reader);
  switch (sort) {
    case 'shards':
      return { asks: sort };
    case 'parts':
      return { asks: sort, shard: reader.u32('shard'), bits: readBits(reader) };
    case 'list': {
      const shard = reader.u32('shard');
      const bits = readBits(reader);
      const cursor = reader.u64('cursor');
      return { asks: sort, shard, bits, cursor, wanted: reader.bytes(2 ** (bits - 3), 'wanted parts') };
    }
    case 'keys':
    case 'publish':
      return { asks: sort, keys: readKeys(reader) };
    default:
      throw unknown('sort of the question', 0, '1 to 5', sort);
  }
}

function readKeys(reader: PayloadReader): KeyPlace[] {
  const offset = reader.position;
  const count = readCount(reader, 'count of keys', KEY_HEAD_BYTES);
  if (count > COMPARED_KEYS_MAX) throw unknown('count of keys', offset, `0 to ${COMPARED_KEYS_MAX}`, count);
  return Array.from({ length: count }, () => {
    const shard = reader.u32('shard');
    return { shard, key: reader.bytes(reader.u32('length of a key'), 'key') };
  });
}

function readAnswer(reader: PayloadReader): Answer {
  const answers = readSort(reader);
  switch (answers) {
    case 'shards': {
      const flags = reader.u8('flags');
      const history = reader.bytes(16, 'history').toString('hex');
      const offset = reader.position;
      const count = readCount(reader, 'count of shards', SHARD_BYTES);
      if (!isShardCount(count) || count > MAX_SHARDS) {
        const message = `The answer is of ${count} shards.`;
        throw new FastcacheError('SHARD_OUT_OF_RANGE', message, {
          offset,
          expected: SHARD_COUNTS,
          found: count,
        });
      }
      const shards = Array.from({ length: count }, () => ({
        watermark: reader.u64('watermark'),
        sum: reader.u64('sum'),
        second: reader.u64('second sum'),
        keys: reader.u64('count of keys'),
      }));
      const isPrimary = (flags & IS_PRIMARY) !== 0;
      const hasDigests = (flags & HAS_DIGESTS) !== 0;
      return {
        answers,
        isPrimary,
        hasDigests,
        history: history === NO_HISTORY ? undefined : history,
        shards,
      };
    }
    case 'parts': {
      const [before, after] = [reader.u64('watermark before'), reader.u64('watermark after')];
      const parts = Array.from({ length: readCount(reader, 'count of parts', PART_BYTES) }, () => ({
        sum: reader.u64('sum'),
        second: reader.u64('second sum'),
        entries: reader.u64('count of entries'),
      }));
      return { answers, before, after, parts };
    }
    case 'list': {
      const cursor = reader.u64('cursor');
      const entries = Array.from({ length: readCount(reader, 'count of entries', ENTRY_HEAD_BYTES) }, () => ({
        keyHash: reader.u64('key hash'),
        print: reader.u64('print'),
        expiresAtMs: reader.u64('expiry'),
        key: reader.bytes(reader.u32('length of a key'), 'key'),
      }));
      return { answers, cursor, entries };
    }
    case 'keys':
      return {
        answers,
        keys: Array.from({ length: readCount(reader, 'count of keys', KEY_STATE_BYTES) }, () =>
          readState(reader),
        ),
      };
    case 'publish':
      return { answers, count: reader.u32('count of records') };
    case 'working':
      return { answers, share: reader.bytes(4, 'share').readFloatLE() };
    case 'refused':
      return { answers, reason: reader.text(reader.u32('length of the reason'), 'reason') };
  }
}

function readState(reader: PayloadReader): KeyState {
  const shard = reader.u32('shard');
  const watermark = reader.u64('watermark');
  const flags = reader.u8('flags');
  const entry = { print: reader.u64('print'), expiresAtMs: reader.u64('expiry') };
  const isThere = (flags & IS_THERE) !== 0;
  return {
    shard,
    watermark,
    isChanged: (flags & IS_CHANGED) !== 0,
    entry: isThere ? entry : undefined,
  };
}

function readBits(reader: PayloadReader): number {
  const offset = reader.position;
  const bits = reader.u8('bits of a part');
  if (bits >= PART_BITS.min && bits <= PART_BITS.max) return bits;
  throw unknown('number of bits', offset, `${PART_BITS.min} to ${PART_BITS.max}`, bits);
}

function readCount(reader: PayloadReader, field: string, leastBytes: number): number {
  const offset = reader.position;
  const count = reader.u32(field);
  reader.checkCount(count, leastBytes, field, offset);
  return count;
}

function sortOf(name: (typeof SORTS)[number]): number {
  return SORTS.indexOf(name) + 1;
}

function readSort(reader: PayloadReader): (typeof SORTS)[number] {
  const sort = reader.u8('sort of the frame');
  return SORTS[sort - 1] ?? unknownSort(sort);
}

function unknownSort(sort: number): never {
  throw unknown('sort', 0, `1 to ${SORTS.length}`, sort);
}

function unknown(field: string, offset: number, expected: string, found: number | string): FastcacheError {
  const message = `The ${field} in a frame that compares is ${found}; ${expected} is known.`;
  return new FastcacheError('FCRP_COMPARE_MALFORMED', message, { offset, expected, found });
}

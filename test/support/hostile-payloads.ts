/** Hostile frames whose fault is inside the payload (see hostile-frames.ts). */
import { type HostileFrame, hostile } from './hostile-frame.js';
import { bytesOf, rawFrame, u8, u32, u64, zstdData, zstdFrame, zstdSkippable } from './raw-frames.js';

const MUCH = 0xffff_ffff;
const KEY_HASH_OF_ALPHA = 0xbe6903b5f625ab5an;

interface RecordParts {
  op?: number;
  keyHash?: bigint;
  keyBytes?: number;
  valueBytes?: number;
  behind?: Uint8Array;
}

/** One record, key `alpha` and value `one`. */
function record(parts: RecordParts = {}): Buffer {
  const keyHash = parts.keyHash ?? KEY_HASH_OF_ALPHA;
  return bytesOf(
    u32(2),
    u64(1n),
    u64(1_760_000_000_001n),
    u8(parts.op ?? 1),
    u64(keyHash),
    u64(keyHash >> 56n),
    u64(0xffff_ffff_ffff_ffffn),
    u32(parts.keyBytes ?? 5),
    u32(parts.valueBytes ?? 3),
    'alphaone',
    parts.behind ?? Buffer.alloc(0),
  );
}

const batch = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 5 }, bytesOf(...parts));
const hello = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 1 }, bytesOf(...parts));
const chunk = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 3 }, bytesOf(...parts));
const ack = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 6 }, bytesOf(...parts));
const messages = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 65 }, bytesOf(...parts));
const status = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 64 }, bytesOf(...parts));
const failover = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 66 }, bytesOf(...parts));
const error = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 7 }, bytesOf(...parts));

const bareHello = bytesOf(u8(1), u8(1), u32(0), u8(0));
const helloWithMargin = (margin: Uint8Array | string): Buffer =>
  zstdFrame(1, bareHello.length, bytesOf(zstdData(bareHello), zstdSkippable(margin)));

export const hostilePayloads: readonly HostileFrame[] = [
  hostile(
    'ack-short-count',
    'FCRP_FIELD_PAST_PAYLOAD',
    16,
    'three bytes where the count should be',
    ack('abc'),
  ),
  hostile(
    'batch-key-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    73,
    'the key length is a byte more than what is left',
    batch(u32(1), record({ keyBytes: 9, valueBytes: 0 })),
  ),
  hostile(
    'batch-value-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    78,
    'value length 2^32-1',
    batch(u32(1), record({ valueBytes: MUCH })),
  ),
  hostile(
    'batch-governance-missing',
    'FCRP_FIELD_PAST_PAYLOAD',
    81,
    'op 4 without its governance length',
    batch(u32(1), record({ op: 4 })),
  ),
  hostile(
    'batch-governance-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    85,
    'op 4 whose governance bytes are missing',
    batch(u32(1), record({ op: 4, behind: u32(1) })),
  ),
  hostile('hello-empty', 'FCRP_FIELD_PAST_PAYLOAD', 16, 'a Hello without payload', hello()),
  hostile(
    'hello-token-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    22,
    'token length 2^31',
    hello(u8(1), u8(1), u32(0x8000_0000), 'token', u8(0)),
  ),
  hostile(
    'chunk-value-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    50,
    'an entry whose value is missing',
    chunk(u64(0n), u8(1), u32(0), u32(1), u32(1), u32(1), u64(0n), 'k'),
  ),
  hostile(
    'error-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    20,
    'a text of 5 bytes that states 6',
    error(u32(6), 'sorry'),
  ),
  hostile(
    'batch-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    16,
    'record count 2^32-1 in a payload of 4 bytes',
    batch(u32(MUCH)),
  ),
  hostile(
    'batch-count-by-one',
    'FCRP_COUNT_OVER_PAYLOAD',
    16,
    'record count 2 and one record',
    batch(u32(2), record()),
  ),
  hostile(
    'batch-count-compressed',
    'FCRP_COUNT_OVER_PAYLOAD',
    0,
    'record count 2^32-1 in a compressed payload',
    zstdFrame(5, 4, zstdData(u32(MUCH))),
  ),
  hostile('ack-count', 'FCRP_COUNT_OVER_PAYLOAD', 16, 'watermark count 2^32-1', ack(u32(MUCH), u64(7n))),
  hostile(
    'hello-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    23,
    'watermark count 2^29, whose size in bytes is 2^32',
    hello(u8(1), u8(1), u32(0), u8(1), u32(0x2000_0000)),
  ),
  hostile(
    'chunk-watermark-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    25,
    'watermark count 2^32-1',
    chunk(u64(0n), u8(1), u32(MUCH), u32(0)),
  ),
  hostile(
    'chunk-entry-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    29,
    'entry count 2^32-1',
    chunk(u64(0n), u8(1), u32(0), u32(MUCH)),
  ),
  hostile(
    'chunk-governed-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    29,
    'one `GOV2` entry in the 16 bytes that a plain one takes',
    chunk(u64(0n), u8(1), u32(0), u32(1), 'GOV2', u32(0), u32(0), u64(0n)),
  ),
  hostile(
    'ack-trailing',
    'FCRP_TRAILING_BYTES',
    28,
    'a byte behind the last watermark',
    ack(u32(1), u64(7n), u8(0)),
  ),
  hostile(
    'hello-trailing',
    'FCRP_TRAILING_BYTES',
    23,
    'has no watermarks, and bytes behind',
    hello(bareHello, u32(0)),
  ),
  hostile(
    'batch-trailing',
    'FCRP_TRAILING_BYTES',
    81,
    'a byte behind the last record',
    batch(u32(1), record(), u8(0)),
  ),
  hostile(
    'chunk-trailing',
    'FCRP_TRAILING_BYTES',
    33,
    'bytes behind zero entries',
    chunk(u64(0n), u8(1), u32(0), u32(0), 'GOV1'),
  ),
  hostile(
    'error-trailing',
    'FCRP_TRAILING_BYTES',
    25,
    'a byte behind the text',
    error(u32(5), 'sorry', u8(0)),
  ),
  hostile(
    'hello-token-utf8',
    'FCRP_INVALID_UTF8',
    22,
    'a token that is an overlong `/`',
    hello(u8(1), u8(1), u32(2), u8(0xc0), u8(0xaf), u8(0)),
  ),
  hostile(
    'error-utf8',
    'FCRP_INVALID_UTF8',
    20,
    'a text that ends inside a character',
    error(u32(2), u8(0xe2), u8(0x9c)),
  ),
  hostile(
    'margin-utf8',
    'FCRP_INVALID_UTF8',
    16,
    'a margin with the byte 255',
    helloWithMargin(bytesOf('fastcache/1 a=', u8(255))),
  ),
  hostile('op-0', 'FCRP_UNKNOWN_OP', 40, 'op 0', batch(u32(1), record({ op: 0 }))),
  hostile('op-5', 'FCRP_UNKNOWN_OP', 40, 'op 5', batch(u32(1), record({ op: 5 }))),
  hostile(
    'hello-version-2',
    'FCRP_HELLO_VERSION',
    16,
    'a version-1 frame with a Hello of version 2',
    hello(u8(2), bareHello.subarray(1)),
  ),
  hostile('hello-role-0', 'FCRP_HELLO_ROLE', 17, 'role 0', hello(u8(1), u8(0), bareHello.subarray(2))),
  hostile('hello-role-3', 'FCRP_HELLO_ROLE', 17, 'role 3', hello(u8(1), u8(3), bareHello.subarray(2))),
  hostile(
    'hello-watermarks-byte-2',
    'FCRP_HELLO_WATERMARKS_BYTE',
    22,
    'has-watermarks 2',
    hello(bareHello.subarray(0, 6), u8(2), u32(0)),
  ),
  hostile('chunk-last-2', 'FCRP_SNAPSHOT_LAST_BYTE', 24, 'is-last 2', chunk(u64(0n), u8(2), u32(0), u32(0))),
  hostile(
    'margin-over-limit',
    'FCRP_MARGIN_OVER_LIMIT',
    16,
    'a margin of 4 KiB and a byte',
    helloWithMargin(`fastcache/1 a=${'x'.repeat(4083)}`),
  ),
  hostile(
    'margin-no-equals',
    'FCRP_MARGIN_MALFORMED',
    16,
    'a pair without `=`',
    helloWithMargin('fastcache/1 history'),
  ),
  hostile(
    'margin-no-name',
    'FCRP_MARGIN_MALFORMED',
    16,
    'a pair without a name',
    helloWithMargin('fastcache/1 =x'),
  ),
  hostile(
    'margin-two-blanks',
    'FCRP_MARGIN_MALFORMED',
    16,
    'two blanks between pairs',
    helloWithMargin('fastcache/1  a=b'),
  ),
  hostile(
    'margin-name-twice',
    'FCRP_MARGIN_MALFORMED',
    16,
    'a name twice',
    helloWithMargin('fastcache/1 a=b a=c'),
  ),
  hostile(
    'message-sort',
    'FCRP_MESSAGE_SORT',
    16,
    'a message of the sort 2',
    messages(u8(2), u32(0), u32(0)),
  ),
  hostile('failover-sort', 'FCRP_FAILOVER_SORT', 16, 'a failover frame of the sort 5', failover(u8(5))),
  hostile(
    'failover-forced',
    'FCRP_FAILOVER_SORT',
    17,
    'an order that is forced by 2',
    failover(u8(1), u8(2), Buffer.alloc(16), u32(0)),
  ),
  hostile(
    'failover-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    34,
    'an order with a count of watermarks that is one too many',
    failover(u8(1), u8(0), Buffer.alloc(16), u32(2), u64(1n)),
  ),
  hostile(
    'failover-reason',
    'FCRP_FIELD_PAST_PAYLOAD',
    21,
    'a refusal whose reason is longer than what is left',
    failover(u8(3), u32(MUCH), 'why'),
  ),
  hostile('failover-behind', 'FCRP_TRAILING_BYTES', 17, 'a byte behind the consent', failover(u8(2), u8(0))),
  hostile(
    'message-cut',
    'FCRP_FIELD_PAST_PAYLOAD',
    21,
    'a message that ends within its lengths',
    messages(u8(0), u32(1), u8(0)),
  ),
  hostile(
    'message-past-end',
    'FCRP_FIELD_PAST_PAYLOAD',
    26,
    'a message that announces 2^32-1 bytes',
    messages(u8(0), u32(1), u32(MUCH), 'c', 'm'),
  ),
  hostile('status-list', 'FCRP_STATUS_MALFORMED', 16, 'a list where a map must be', status(u8(0x90))),
  hostile(
    'status-key-number',
    'FCRP_STATUS_MALFORMED',
    17,
    'a key that is a number',
    status(u8(0x81), u8(1), u8(1)),
  ),
  hostile(
    'status-depth',
    'FCRP_STATUS_MALFORMED',
    27,
    'lists in lists without end',
    status(u8(0x81), u8(0xa1), 'a', Buffer.alloc(1_000, 0x91)),
  ),
  hostile(
    'status-list-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    19,
    'a list that announces 2^32-1 elements',
    status(u8(0x81), u8(0xa1), 'a', u8(0xdd), u32(MUCH)),
  ),
  hostile(
    'status-trailing',
    'FCRP_TRAILING_BYTES',
    17,
    'a byte behind the document',
    status(u8(0x80), u8(0x80)),
  ),
  {
    ...hostile(
      'key-hash',
      'FCRP_KEY_HASH_MISMATCH',
      41,
      'a record whose key hash is that of another key',
      batch(u32(1), record({ keyHash: KEY_HASH_OF_ALPHA ^ 1n })),
    ),
    refusedBy: 'store',
  },
];

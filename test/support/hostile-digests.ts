/** Hostile frames of digests and comparisons, whose fault is inside the payload (see hostile-frames.ts). */
import { type HostileFrame, hostile } from './hostile-frame.js';
import { bytesOf, rawFrame, u8, u32, u64 } from './raw-frames.js';

const MUCH = 0xffff_ffff;
const digests = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 67 }, bytesOf(...parts));
const compare = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 69 }, bytesOf(...parts));
const compared = (...parts: (Uint8Array | string)[]): Buffer => rawFrame({ kind: 70 }, bytesOf(...parts));

export const hostileDigests: readonly HostileFrame[] = [
  hostile('compare-sort', 'FCRP_COMPARE_MALFORMED', 16, 'a question of the sort 8', compare(u8(8))),
  hostile('compare-answer', 'FCRP_COMPARE_MALFORMED', 16, 'a question that is an answer', compare(u8(6))),
  hostile('compare-bits', 'FCRP_COMPARE_MALFORMED', 21, 'parts by 13 bits', compare(u8(2), u32(0), u8(13))),
  hostile(
    'compare-wanted',
    'FCRP_FIELD_PAST_PAYLOAD',
    30,
    'a list with one byte for sixteen parts',
    compare(u8(3), u32(0), u8(4), u64(0n), u8(255)),
  ),
  hostile(
    'compare-keys',
    'FCRP_COMPARE_MALFORMED',
    17,
    '513 keys in one question',
    compare(u8(4), u32(513), Buffer.alloc(8 * 513)),
  ),
  hostile(
    'compare-key-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    17,
    'a count of keys that no payload has room for',
    compare(u8(4), u32(MUCH)),
  ),
  hostile(
    'compare-key',
    'FCRP_FIELD_PAST_PAYLOAD',
    29,
    'a key that is longer than the question',
    compare(u8(5), u32(1), u32(0), u32(9), 'key'),
  ),
  hostile(
    'compared-shards',
    'SHARD_OUT_OF_RANGE',
    34,
    'an answer of three shards',
    compared(u8(1), u8(0), Buffer.alloc(16), u32(3), Buffer.alloc(96)),
  ),
  hostile(
    'compared-entries',
    'FCRP_COUNT_OVER_PAYLOAD',
    25,
    'a list of more entries than it has',
    compared(u8(3), u64(0n), u32(2), Buffer.alloc(28)),
  ),
  hostile('digests-sort', 'FCRP_DIGESTS_SORT', 16, 'digests of the sort 9', digests(u8(9), u32(0))),
  hostile(
    'digests-count',
    'FCRP_COUNT_OVER_PAYLOAD',
    17,
    'digests with a count of shards that is one too many',
    digests(u8(1), u32(2), Buffer.alloc(28)),
  ),
];

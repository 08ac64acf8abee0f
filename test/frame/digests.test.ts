/** The payload of a Digests frame, and what is refused of one. */
import { expect, it } from 'vitest';
import { type DigestsMessage, decodeDigests, digestText, encodeDigests } from '../../src/frame/digests.js';

const U64_MAX = (1n << 64n) - 1n;
const shards = [
  { shard: 0, sequence: 7n, sum: 0n, second: U64_MAX },
  { shard: 1023, sequence: U64_MAX, sum: 1n, second: 2n },
];

it.each(['state', 'proof', 'differs', 'asks'] as const)('that says %s is read as it was written', (says) => {
  const message: DigestsMessage = { says, shards };
  expect(decodeDigests(encodeDigests(message))).toEqual(message);
  expect(decodeDigests(encodeDigests({ says, shards: [] }))).toEqual({ says, shards: [] });
});

it('has 5 bytes, and 28 for each shard', () => {
  const payload = encodeDigests({ says: 'state', shards });
  expect(payload.toString('hex')).toBe(
    '0102000000' +
      '0000000007000000000000000000000000000000ffffffffffffffff' +
      'ff030000ffffffffffffffff01000000000000000200000000000000',
  );
  expect(digestText(shards[1]!)).toBe('00000000000000010000000000000002');
});

it('is refused with a sort, a count or a length that it cannot have', () => {
  const payload = encodeDigests({ says: 'state', shards });
  const with5 = Buffer.from(payload);
  with5[0] = 5;
  const withMany = Buffer.from(payload);
  withMany.writeUInt32LE(0xffff_ffff, 1);
  const fault = (bytes: Uint8Array) => {
    try {
      decodeDigests(bytes);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(fault(with5)).toBe('FCRP_DIGESTS_SORT');
  expect(fault(withMany)).toBe('FCRP_COUNT_OVER_PAYLOAD');
  expect(fault(payload.subarray(0, -1))).toBe('FCRP_COUNT_OVER_PAYLOAD');
  expect(fault(Buffer.concat([payload, Buffer.of(0)]))).toBe('FCRP_TRAILING_BYTES');
  expect(fault(Buffer.alloc(0))).toBe('FCRP_FIELD_PAST_PAYLOAD');
});

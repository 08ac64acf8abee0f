/** The hash of values in digests: an oracle in bigints for every length, and what it may not confuse. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { valueHashOf } from '../support/digest-oracle.js';
import { newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const MOST_BYTES = 1_048_576;
const { kernel } = newEngine();
const random = new RandomSource(6);
const base = kernel.allocate(MOST_BYTES + 64);
const content = random.bytes(MOST_BYTES + 64);

function hashOf(value: Buffer, start = 0): bigint {
  kernel.bytes.set(value, base + start);
  return BigInt.asUintN(64, kernel.exports.valueHash!(base + start, value.length));
}

function expectSameHash(length: number, start: number): void {
  const value = content.subarray(start, start + length);
  const [ours, theirs] = [hashOf(value, start), valueHashOf(value)];
  if (ours !== theirs) expect.fail(`${length} bytes from ${start}: ${ours}, not ${theirs}`);
}

/** Asserts that the hashes of different values differ, and that each bit of them is as often set as not. */
function expectSpread(values: Iterable<Buffer>): void {
  const hashes = new Set<bigint>();
  const set = new Uint32Array(64);
  let count = 0;
  for (const value of values) {
    const hash = hashOf(value);
    hashes.add(hash);
    for (let bit = 0; bit < 64; bit += 1) set[bit]! += Number((hash >> BigInt(bit)) & 1n);
    count += 1;
  }
  expect(hashes.size).toBe(count);
  // Six standard deviations.
  for (const times of set) expect(Math.abs(times - count / 2)).toBeLessThan(3 * Math.sqrt(count));
}

it('is the oracle, of every length from 0 to 300 at every alignment, and of long values', () => {
  for (let length = 0; length <= 300; length += 1) {
    for (let start = 0; start < 16; start += 1) expectSameHash(length, start);
  }
  for (const length of [1_024, 1_025, 65_537, MOST_BYTES]) expectSameHash(length, 3);
});

it('separates numbers in a text, at any place and of any length', () => {
  expectSpread(
    (function* () {
      for (const length of [17, 31, 32, 33, 64, 100, 240]) {
        for (const place of [0, 5, length - 6]) {
          for (let n = 0; n < 1_500; n += 1) {
            const value = Buffer.alloc(length, place);
            value.write(n.toString(36).padStart(6, '0'), place);
            yield value;
          }
        }
      }
    })(),
  );
});

it('separates values that differ in one bit or two, of zeros and of a text', () => {
  for (const before of [Buffer.alloc(40), Buffer.from('a text of 33 bytes, and number 7.')]) {
    expectSpread(
      (function* () {
        const bits = 8 * before.length;
        for (let first = 0; first < bits; first += 1) {
          for (let second = first; second < bits; second += 1) {
            const value = Buffer.from(before);
            value[first >> 3]! ^= 1 << (first & 7);
            if (second !== first) value[second >> 3]! ^= 1 << (second & 7);
            yield value;
          }
        }
      })(),
    );
  }
});

it('separates values whose words change places, and zeros by their number', () => {
  const words = Array.from({ length: 6 }, (_, n) => Buffer.from(`word ${n}, `));
  expectSpread(
    (function* () {
      for (let round = 0; round < 6 ** 6; round += 1) {
        const order = words.map((_, place) => Math.floor(round / 6 ** place) % 6);
        yield Buffer.concat(order.map((word) => words[word]!));
      }
    })(),
  );
  const zeros = Array.from({ length: 300 }, (_, length) => hashOf(Buffer.alloc(length)));
  expect(new Set(zeros).size).toBe(300);
});

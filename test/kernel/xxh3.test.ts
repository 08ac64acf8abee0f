import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import { newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const { kernel } = newEngine();
const random = new RandomSource(3);

const MOST_BYTES = 4 * 1024 * 1024;
const base = kernel.allocate(MOST_BYTES + 64);
const content = random.bytes(MOST_BYTES + 64);
kernel.bytes.set(content, base);

function expectSameHash(start: number, length: number): void {
  const ours = BigInt.asUintN(64, kernel.exports.xxh3(base + start, length));
  const theirs = xxh3.xxh64(content.subarray(start, start + length));
  if (ours !== theirs) expect.fail(`${length} bytes from ${start}: ${ours}, not ${theirs}`);
}

it('hashes every length from 0 to 1,100 at every alignment', () => {
  for (let length = 0; length <= 1100; length++) {
    for (let start = 0; start < 16; start++) expectSameHash(start, length);
  }
});

it('hashes random lengths from 0 to 4,096 at random places', () => {
  for (let round = 0; round < 20_000; round++) {
    expectSameHash(random.below(MOST_BYTES - 4096), random.between(0, 4096));
  }
});

it.each([1_048_575, 1_048_576, 1_048_577, 1_000_003, 4 * 1024 * 1024])('hashes %i bytes', (length) => {
  for (const start of [0, 1, 7, 63]) expectSameHash(start, length);
});

it('hashes what differs in one bit differently, up to the last byte', () => {
  for (const length of [1, 8, 16, 17, 128, 129, 240, 241, 1024, 1025]) {
    const at = base + random.below(16);
    const before = kernel.exports.xxh3(at, length);
    kernel.bytes[at + length - 1]! ^= 1;
    expect(kernel.exports.xxh3(at, length)).not.toBe(before);
    kernel.bytes[at + length - 1]! ^= 1;
    expect(kernel.exports.xxh3(at, length)).toBe(before);
  }
});

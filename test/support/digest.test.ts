import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf, type Entry } from './digest.js';

/** FNV-1a as it is defined, on one 64-bit number. */
function fnv1a(bytes: Buffer): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

describe('the content digest', () => {
  it('is FNV-1a over key, 0, value, 0 in the order of the keys', () => {
    for (let round = 0; round < 50; round++) {
      const entries: Entry[] = Array.from({ length: 20 }, (_, at) => [
        Buffer.concat([Buffer.from([at]), randomBytes(randomInt(40))]),
        randomBytes(randomInt(200)),
      ]);
      const zero = Buffer.alloc(1);
      const joined = Buffer.concat(entries.flatMap(([key, value]) => [key, zero, value, zero]));
      expect(digestOf(entries)).toBe(`20 ${fnv1a(joined)}`);
      expect(digestOf(entries.toReversed())).toBe(digestOf(entries));
    }
  });

  it('of nothing is the offset basis', () => {
    expect(digestOf([])).toBe('0 cbf29ce484222325');
  });
});

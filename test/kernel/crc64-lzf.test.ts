/** CRC-64 by its published check value; LZF into exactly the room that there is. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { LZF_HEADS_BYTES } from '../../src/kernel/layout.js';
import { newEngine } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const { kernel } = newEngine();
const { exports } = kernel;

function placed(bytes: Uint8Array): number {
  const address = kernel.allocate(bytes.length + 16);
  kernel.bytes.set(bytes, address);
  return address;
}

it('the checksum of 123456789 is the published one, whole and in parts', () => {
  const text = Buffer.from('123456789');
  const at = placed(text);
  const whole = BigInt.asUintN(64, exports.crc64(0n, at, text.length));
  expect(whole.toString(16)).toBe('e9c6d914c4b8d9ca');
  for (let part = 0; part <= text.length; part++) {
    const first = exports.crc64(0n, at, part);
    expect(BigInt.asUintN(64, exports.crc64(first, at + part, text.length - part))).toBe(whole);
  }
  exports.release(at);
});

it('compressed bytes stay within their room, and expand to exactly what there was', () => {
  const random = new RandomSource(8);
  for (let round = 0; round < 400; round++) {
    const pattern = random.bytes(random.between(1, 40));
    const value = Buffer.alloc(random.between(1, 3000), pattern);
    for (let n = random.below(20); n > 0; n--) value[random.below(value.length)] = random.below(256);
    const capacity = random.between(1, value.length);
    const from = placed(value);
    const heads = kernel.allocate(LZF_HEADS_BYTES);
    const target = placed(Buffer.alloc(capacity + 8, 0xaa));
    const bytes = exports.lzfCompress(from, value.length, target, capacity, heads);
    expect(kernel.bytes.subarray(target + capacity, target + capacity + 8)).toEqual(Buffer.alloc(8, 0xaa));
    if (bytes > 0) {
      const back = placed(Buffer.alloc(value.length + 9, 0xbb));
      expect(exports.lzfExpand(target, bytes, back, value.length)).toBe(1);
      expect(kernel.bytes.subarray(back, back + value.length).equals(value)).toBe(true);
      expect(kernel.bytes[back + value.length]).toBe(0xbb);
      expect(exports.lzfExpand(target, bytes, back, value.length + 1)).toBe(0);
      expect(exports.lzfExpand(target, bytes, back, value.length - 1)).toBe(0);
      expect(kernel.bytes[back + value.length]).toBe(0xbb);
      exports.release(back);
    }
    for (const buffer of [from, heads, target]) exports.release(buffer);
  }
});

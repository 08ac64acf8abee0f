/** Parts of values: read, counted and written where they lie; and values given to another key. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { contentOf, newEngine, newReplica } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const KEY = Buffer.from('key');
const OTHER = Buffer.from('other');

it('a part is read as far as the value goes', () => {
  const engine = newEngine();
  engine.set(KEY, Buffer.from('abcdef'));
  expect(engine.values.read(KEY, 2, 4)).toEqual(Buffer.from('cd'));
  expect(engine.values.read(KEY, 4, 100)).toEqual(Buffer.from('ef'));
  expect(engine.values.read(KEY, 6, 7)).toEqual(Buffer.alloc(0));
  expect(engine.values.read(KEY, 4, 2)).toEqual(Buffer.alloc(0));
  expect(engine.values.read(OTHER, 0, 1)).toBeUndefined();
  expect(engine.values.length(KEY)).toBe(6);
  expect(engine.values.length(OTHER)).toBeUndefined();
});

it('bits are counted in values of every length', () => {
  const engine = newEngine();
  const random = new RandomSource(1);
  for (let length = 0; length < 40; length++) {
    const value = random.bytes(length);
    engine.set(KEY, value);
    const start = random.below(length + 1);
    const bits = [...value.subarray(start)].reduce((sum, byte) => sum + bitsOf(byte), 0);
    expect(engine.values.countBits(KEY, start, length)).toBe(bits);
  }
  expect(engine.values.countBits(OTHER, 0, 100)).toBe(0);
});

it('parts that are written grow the value, keep its expiry and reach replicas', () => {
  const engine = newEngine();
  const replica = newReplica();
  engine.onBatch = ({ payload }) => {
    replica.apply(Buffer.from(payload));
  };
  const random = new RandomSource(2);
  let model = Buffer.from('start');
  engine.set(KEY, model, 1_900_000_000_000n);
  for (let round = 0; round < 200; round++) {
    const offset = random.skewed(3000);
    const part = random.bytes(random.skewed(300));
    const grown = Buffer.alloc(Math.max(model.length, offset + part.length));
    model.copy(grown);
    part.copy(grown, offset);
    model = grown;
    expect(engine.values.overwrite(KEY, offset, part)).toBe(true);
    expect(engine.get(KEY)).toEqual(model);
  }
  engine.flush();
  expect(engine.expiryOf(KEY)).toBe(1_900_000_000_000n);
  expect(contentOf(replica)).toEqual(contentOf(engine));
});

it('there is no writing into a key that is not there, nor beyond what a value may have', () => {
  const engine = newEngine({ maxValueBytes: 1000 });
  expect(engine.values.overwrite(KEY, 0, OTHER)).toBe(false);
  engine.set(KEY, OTHER);
  expect(() => engine.values.overwrite(KEY, 996, OTHER)).toThrow(FastcacheError);
  expect(engine.values.overwrite(KEY, 995, OTHER)).toBe(true);
});

it('when memory is exhausted nothing has changed', () => {
  const engine = newEngine({ maxMemoryBytes: 2 * 1024 * 1024 });
  engine.set(KEY, Buffer.from('value'));
  const before = contentOf(engine);
  expect(() => engine.values.overwrite(KEY, 4_000_000, OTHER)).toThrow(FastcacheError);
  expect(contentOf(engine)).toEqual(before);
});

it('a copy has the value and the expiry, or the lack of one', () => {
  const engine = newEngine();
  expect(engine.values.copy(KEY, OTHER)).toBe(false);
  engine.set(KEY, Buffer.from('value'), 1_900_000_000_000n);
  expect(engine.values.copy(KEY, OTHER)).toBe(true);
  expect(engine.get(OTHER)).toEqual(Buffer.from('value'));
  expect(engine.expiryOf(OTHER)).toBe(1_900_000_000_000n);
  engine.expire(KEY, NO_EXPIRY);
  engine.values.overwrite(KEY, 0, Buffer.alloc(10_000, 'x'));
  expect(engine.values.copy(KEY, OTHER)).toBe(true);
  expect(engine.get(OTHER)).toEqual(Buffer.alloc(10_000, 'x'));
  expect(engine.expiryOf(OTHER)).toBe(NO_EXPIRY);
  expect(engine.get(KEY)).toEqual(Buffer.alloc(10_000, 'x'));
});

it('what surely fits and what may not is told beforehand', () => {
  const engine = newEngine({ maxMemoryBytes: 8 * 1024 * 1024 });
  expect(engine.hasRoomFor(1024 * 1024)).toBe(true);
  expect(engine.hasRoomFor(16 * 1024 * 1024)).toBe(false);
});

function bitsOf(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}

/** A store that is told how much comes makes room for it at once, and is the same store afterwards. */
import '../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { newEngine } from '../support/engines.js';

const KEYS = 20_000;
const MIB = 1024 * 1024;
const keyOf = (n: number): Buffer => Buffer.from(`key:${n}`);
const value = Buffer.alloc(40, 'v');

it.each([1, 4])('expected keys take no more of tables as they come, in %i shards', (shards) => {
  const engine = newEngine({ shards });
  engine.expectContent(KEYS, 4 * MIB);
  const { tables } = engine.memory();
  const grown = engine.kernel.bytes.length;
  for (let n = 0; n < KEYS; n++) engine.set(keyOf(n), value);
  engine.kernel.invariants();
  expect(engine.memory().tables).toBe(tables);
  expect(engine.kernel.bytes.length).toBe(grown);
  expect(tables).toBeLessThan(KEYS * 32);
  for (let n = 0; n < KEYS; n++) expect(engine.get(keyOf(n))?.equals(value)).toBe(true);
});

it('keys that are there already stay where expected ones get room, and the room goes with them', () => {
  const engine = newEngine();
  for (let n = 0; n < 3_000; n++) engine.set(keyOf(n), value);
  engine.expectContent(100_000, 16 * MIB);
  engine.kernel.invariants();
  for (let n = 0; n < 3_000; n++) expect(engine.get(keyOf(n))?.equals(value)).toBe(true);
  const { tables } = engine.memory();
  for (let n = 0; n < 3_000; n++) engine.del(keyOf(n));
  engine.kernel.invariants();
  expect(engine.keyCount()).toBe(0);
  expect(engine.memory().tables).toBeLessThan(tables);
});

it('what is expected in vain leaves a limited store its room', () => {
  const large = Buffer.alloc(64 * 1024, 'v');
  const fill = (expectedKeys: number): number => {
    const engine = newEngine({ maxMemoryBytes: 16 * MIB });
    engine.expectContent(expectedKeys, 2 ** 40);
    for (let n = 0; ; n++) {
      try {
        engine.set(keyOf(n), large);
      } catch {
        return n;
      }
    }
  };
  expect(fill(2 ** 32 - 1)).toBeGreaterThan(fill(0) * 0.8);
});

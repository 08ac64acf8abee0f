/** The estimate of what will be loaded: it grows with what has come, and does not trust the first keys. */
import { expect, it } from 'vitest';
import { ComingContent } from '../../../src/dump/fold/coming-content.js';
import { WatermarkStore } from '../../../src/engine/watermark-store.js';

/** A store that keeps what it was told to expect. */
class ExpectingStore extends WatermarkStore {
  readonly expected: [keys: number, bytes: number][] = [];

  expectContent(keys: number, bytes: number): void {
    this.expected.push([keys, bytes]);
  }
}

it('room is made for eight times as much as there is, anew when that is four times as much', () => {
  const store = new ExpectingStore(1);
  const coming = new ComingContent(1_000_000_000);
  for (let loaded = 0; loaded < 1_000_000_000; loaded += 20_000_000) coming.add(store, 200_000, 20_000_000);
  expect(store.expected).toEqual([
    [1_600_000, 160_000_000],
    [6_400_000, 640_000_000],
    [10_000_000, 1_000_000_000],
  ]);
});

it('room is made at once for 128 MiB like the first part, and for no more than there is', () => {
  const store = new ExpectingStore(1);
  new ComingContent(1_000_000_000).add(store, 32, 131_072);
  new ComingContent(100_000_000).add(store, 1_000, 100_000);
  expect(store.expected).toEqual([
    [32_768, 134_217_728],
    [1_000_000, 100_000_000],
  ]);
});

it('nothing is estimated from the first few bytes, which may come with many keys', () => {
  const store = new ExpectingStore(1);
  const coming = new ComingContent(100_000_000);
  coming.add(store, 10_922, 89);
  expect(store.expected).toEqual([]);
  coming.add(store, 1_559, 999_911);
  expect(store.expected).toEqual([[1_248_100, 100_000_000]]);
});

it('nothing is estimated where the size is not known, and a store may need none', () => {
  const store = new ExpectingStore(1);
  new ComingContent(0).add(store, 100, 10_000);
  expect(store.expected).toEqual([]);
  new ComingContent(1_000_000).add(new WatermarkStore(1), 100, 10_000);
});

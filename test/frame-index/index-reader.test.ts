import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX_ENTRY_BYTES } from '../../src/frame/index-entry.js';
import { IndexReader, mayBeAbove, mayBeSince, mayReach } from '../../src/frame-index/index-reader.js';
import { Indexer } from '../../src/frame-index/indexer.js';
import { DumpBuilder } from '../support/dump-builder.js';
import { RandomSource } from '../support/random.js';

let folder: string;
let dump: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'index-'));
  dump = join(folder, 'd.fcrp');
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(frames: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(frames);
  const indexer = new Indexer();
  const index = indexer.push(bytes);
  indexer.close();
  writeFileSync(dump, bytes);
  writeFileSync(`${dump}.idx`, index);
  return index;
}

async function opened(): Promise<IndexReader> {
  const reader = await IndexReader.open(dump);
  if (typeof reader === 'string') throw new Error(`The index is ${reader}.`);
  return reader;
}

/** Calls `look` with the index, which is closed behind it. */
async function looking<T>(look: (reader: IndexReader) => Promise<T>): Promise<T> {
  const reader = await opened();
  try {
    return await look(reader);
  } finally {
    await reader.close();
  }
}

describe('the index of 10,000 frames', () => {
  const builder = new DumpBuilder(2);
  const frames = Array.from({ length: 10_000 }, (_, index) => builder.batch(index % 2, 1, 5));
  const offsets: number[] = [];
  let end = 0;
  for (const frame of frames) {
    offsets.push(end);
    end += frame.length;
  }

  it('covers the dump', async () => {
    write(frames);
    expect(await looking((reader) => reader.coverage())).toEqual({
      entries: frames.length,
      dumpBytes: end,
      isTorn: false,
    });
  });

  it('is searched by offset', async () => {
    write(frames);
    await looking(async (reader) => {
      for (const index of [0, 1, 4_999, 5_000, 9_999]) {
        const [first, last] = [offsets[index]!, offsets[index]! + frames[index]!.length - 1];
        expect((await reader.at(first))?.offset).toBe(first);
        expect((await reader.at(last))?.offset).toBe(first);
      }
      expect(await reader.at(end)).toBeUndefined();
    });
  });

  it('is searched by watermarks, sequence and time', async () => {
    write(frames);
    await looking(async (reader) => {
      expect((await reader.first(mayBeAbove([3_000n, 5_000n])))?.offset).toBe(offsets[6_000]);
      expect((await reader.first(mayBeAbove([5_000n, 2_999n])))?.offset).toBe(offsets[5_999]);
      expect(await reader.first(mayBeAbove([5_000n, 5_000n]))).toBeUndefined();
      expect((await reader.first(mayReach(4_500n)))?.offset).toBe(offsets[8_998]);
      expect((await reader.first(mayBeSince(1_760_000_000_000n)))?.offset).toBe(0);
      expect(await reader.first(mayBeSince(1_760_000_000_001n))).toBeUndefined();
    });
  });

  it('is used up to a tear, wherever that is', async () => {
    const index = write(frames);
    for (const [entry, keptBytes] of [
      [9_999, 63],
      [5_000, 1],
      [0, 0],
    ] as const) {
      truncateSync(`${dump}.idx`, (entry + 1) * INDEX_ENTRY_BYTES + keptBytes);
      const dumpBytes = offsets[entry]!;
      const coverage = await looking((reader) => reader.coverage());
      expect(coverage).toEqual({ entries: entry, dumpBytes, isTorn: keptBytes > 0 });
    }
    for (const entry of [0, 4_095, 4_096, 9_999]) {
      const torn = Buffer.from(index);
      torn.fill(0, (entry + 1) * INDEX_ENTRY_BYTES, (entry + 2) * INDEX_ENTRY_BYTES);
      writeFileSync(`${dump}.idx`, torn);
      const coverage = await looking((reader) => reader.coverage());
      expect(coverage).toEqual({ entries: entry, dumpBytes: offsets[entry], isTorn: true });
    }
  });

  it('does not use a sound entry that does not follow the one before', async () => {
    const index = write(frames);
    index.copy(index, 11 * INDEX_ENTRY_BYTES, 13 * INDEX_ENTRY_BYTES, 14 * INDEX_ENTRY_BYTES);
    writeFileSync(`${dump}.idx`, index);
    expect(await looking((reader) => reader.coverage())).toMatchObject({ entries: 10, isTorn: true });
  });
});

it('an index is missing, foreign to its dump, or unsound', async () => {
  expect(await IndexReader.open(dump)).toBe('missing');
  const index = write([new DumpBuilder().batch(0)]);
  writeFileSync(dump, new DumpBuilder().batch(1));
  expect(await IndexReader.open(dump)).toBe('foreign');
  writeFileSync(dump, '');
  expect(await IndexReader.open(dump)).toBe('foreign');
  writeFileSync(`${dump}.idx`, index.subarray(0, 63));
  expect(await IndexReader.open(dump)).toBe('unsound');
  writeFileSync(`${dump}.idx`, '');
  expect(await IndexReader.open(dump)).toBe('unsound');
  index[3]! ^= 1;
  writeFileSync(`${dump}.idx`, index);
  expect(await IndexReader.open(dump)).toBe('unsound');
});

it('whatever bytes an index has, reading it ends', async () => {
  const random = new RandomSource(11);
  const index = write(Array.from({ length: 40 }, () => new DumpBuilder().batch(0)));
  for (let round = 0; round < 300; round += 1) {
    const hostile = Buffer.from(index);
    for (let flips = random.between(1, 20); flips > 0; flips -= 1)
      hostile[random.below(hostile.length)] = random.u32();
    writeFileSync(
      `${dump}.idx`,
      random.chance(0.5) ? hostile : hostile.subarray(0, random.below(hostile.length)),
    );
    const reader = await IndexReader.open(dump);
    if (typeof reader === 'string') continue;
    await reader.coverage();
    await reader.at(random.below(10_000));
    await reader.first(mayReach(1_000n));
    await reader.close();
  }
});

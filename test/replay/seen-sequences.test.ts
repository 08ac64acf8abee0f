import { expect, it } from 'vitest';
import type { DecodedRecord } from '../../src/frame/batch.js';
import { SeenSequences } from '../../src/replay/seen-sequences.js';

/** Those of `sequences` that are done. */
function done(seen: SeenSequences, shard: number, ...sequences: bigint[]): bigint[] {
  return sequences.filter((sequence) => {
    const record = { shard, sequence } as DecodedRecord;
    const isNew = seen.isNew(record);
    if (isNew) seen.take(record);
    return isNew;
  });
}

it('what came twice is done once, in each shard for itself', () => {
  const seen = new SeenSequences();
  expect(done(seen, 0, 1n, 2n, 3n, 2n, 3n, 4n)).toEqual([1n, 2n, 3n, 4n]);
  expect(done(seen, 1, 2n, 2n, 1n)).toEqual([2n]);
});

it('gaps are no reason to leave anything out, and a sequence that was damaged stops nothing', () => {
  const seen = new SeenSequences();
  expect(done(seen, 0, 1n, 5n, 9n, 1n, 5n, 9n, 12n)).toEqual([1n, 5n, 9n, 12n]);
  expect(done(seen, 0, 2n ** 64n - 1n, 14n, 15n)).toEqual([2n ** 64n - 1n, 14n, 15n]);
});

it('a snapshot, and another history, begin anew', () => {
  const seen = new SeenSequences();
  seen.hello('a');
  expect(done(seen, 0, 10n)).toEqual([10n]);
  seen.hello('a');
  expect(done(seen, 0, 10n)).toEqual([]);
  seen.beginSnapshot([3n, 5n]);
  expect(done(seen, 0, 3n, 4n)).toEqual([4n]);
  seen.reach([6n]);
  expect(done(seen, 0, 6n, 7n)).toEqual([7n]);
  seen.hello('b');
  expect(done(seen, 0, 1n)).toEqual([1n]);
  seen.hello(null);
  expect(done(seen, 0, 1n)).toEqual([1n]);
});

it('what was saved goes on as if nothing had been', () => {
  const seen = new SeenSequences();
  seen.hello('a');
  done(seen, 3, 5n, 2n ** 64n - 1n);
  const resumed = new SeenSequences();
  resumed.restore(structuredClone(seen.save()));
  resumed.hello('a');
  expect(done(resumed, 3, 5n, 6n, 7n)).toEqual([6n, 7n]);
});

it('a list of watermarks that no store can have is not kept', () => {
  const seen = new SeenSequences();
  seen.reach(Array.from({ length: 5_000 }, () => 1n));
  expect(seen.save().shards).toHaveLength(1_024);
});

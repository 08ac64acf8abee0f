import { expect, it } from 'vitest';
import type { DecodedRecord } from '../../src/frame/batch.js';
import { SeenSequences } from '../../src/replay/seen-sequences.js';
import { historyPairs } from '../../src/replication/history.js';

const [one, other] = ['a'.repeat(32), 'b'.repeat(32)];
/** The margin of a primary's Hello. */
const told = (id: string, base = 0n, previous?: bigint[]) =>
  new Map(
    historyPairs({ id, base, ...(previous && { previous: { id: one, base: 0n, watermarks: previous } }) }),
  );

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

it('a snapshot, and another history, begin with nothing seen', () => {
  const seen = new SeenSequences();
  seen.hello(told(one), []);
  expect(done(seen, 0, 10n)).toEqual([10n]);
  seen.hello(told(one), []);
  expect(done(seen, 0, 10n)).toEqual([]);
  seen.beginSnapshot([3n, 5n]);
  expect(done(seen, 0, 3n, 4n)).toEqual([4n]);
  seen.endSnapshot([6n]);
  expect(done(seen, 0, 6n, 7n)).toEqual([7n]);
  seen.hello(told(other), []);
  expect(done(seen, 0, 1n)).toEqual([1n]);
  // A replica of ours claims something; nothing begins with it.
  seen.hello(new Map([['history', one]]), []);
  expect(done(seen, 0, 1n)).toEqual([]);
});

it('a connection without a margin begins with nothing seen only where it goes back to the first sequence', () => {
  const seen = new SeenSequences();
  const batch = (sequence: bigint) => seen.batch({ records: 1, shard: 0, sequence, timestampMs: 0 });
  expect(done(seen, 0, 1n, 2n)).toEqual([1n, 2n]);
  seen.hello(undefined, []);
  batch(2n);
  expect(done(seen, 0, 2n, 3n)).toEqual([3n]);
  batch(1n);
  expect(done(seen, 0, 1n)).toEqual([]);
  seen.hello(undefined, []);
  batch(1n);
  expect(done(seen, 0, 1n, 2n)).toEqual([1n, 2n]);
});

it('a history that continues the one before has all of that seen', () => {
  const seen = new SeenSequences();
  seen.hello(told(one), []);
  expect(done(seen, 0, 9n, 10n)).toEqual([9n, 10n]);
  seen.hello(told(other, 1000n, [10n]), []);
  expect(done(seen, 0, 10n, 1000n, 1001n)).toEqual([1001n]);
});

it('what was saved goes on as if nothing had been', () => {
  const seen = new SeenSequences();
  seen.hello(told(other, 1000n, [10n]), []);
  done(seen, 3, 5n, 2n ** 64n - 1n);
  const resumed = new SeenSequences();
  resumed.restore(structuredClone(seen.save()));
  expect(resumed.save()).toEqual(seen.save());
  resumed.hello(told(other, 1000n, [10n]), []);
  expect(done(resumed, 3, 5n, 6n, 7n)).toEqual([6n, 7n]);
  // As a release before this one saved it.
  resumed.restore({ history: one, shards: [[3, '7', '7']] });
  resumed.hello(told(one), []);
  expect(done(resumed, 3, 7n, 8n)).toEqual([8n]);
});

it('a list of watermarks that no store can have is not kept', () => {
  const seen = new SeenSequences();
  seen.endSnapshot(Array.from({ length: 5_000 }, () => 1n));
  expect(seen.save().shards).toHaveLength(1_024);
});

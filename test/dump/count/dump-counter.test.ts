/** The counts of a dump beside counts that were made one by one, in plain maps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceSteps } from '../../../src/dump/check/sequence-steps.js';
import { FrameFilter } from '../../../src/dump/choose/filter.js';
import { DumpCounter } from '../../../src/dump/count/dump-counter.js';
import { type DecodedRecord, encodeBatch, type MutationRecord } from '../../../src/frame/batch.js';
import { encodeSnapshotEntries } from '../../../src/frame/snapshot.js';
import { isHistoryBase } from '../../../src/replication/history.js';
import { setRecord } from '../../support/decode-dumps.js';

const PLACE = { offset: 0, fixed: true };
const ALL = new FrameFilter().items;

/** Counts everything, one dump after the other. */
const shared = new DumpCounter(1n, ALL);

function counted(records: MutationRecord[]): DumpCounter {
  shared.reset();
  take(shared, records);
  return shared;
}

function take(counter: DumpCounter, records: MutationRecord[]): number {
  const { items, isSound } = counter.batch(encodeBatch(records), PLACE, true, Number.POSITIVE_INFINITY);
  expect(isSound).toBe(true);
  return items;
}

function bytesOf({ key, value }: MutationRecord): number {
  return 53 + key.length + value.length;
}

const key = fc.oneof(
  fc.constantFrom('a:1', 'a:2', 'b:1', 'b', ':', 'a:b:c').map((text) => Buffer.from(text)),
  fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 6 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
);
/**
 * Not behind the base of a history, where the steps of a dump may see a promotion: a count of records does
 * not.
 */
const anySequence = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .filter((sequence) => sequence === 0n || !isHistoryBase(sequence - 1n));
const record = fc
  .record({
    shard: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(1023, 1024, 2 ** 32 - 1)),
    sequence: fc.oneof(fc.bigInt({ min: 0n, max: 20n }), anySequence),
    timestampMs: fc.bigInt({ min: 0n, max: 300n }),
    op: fc.constantFrom('set' as const, 'del' as const, 'expire' as const),
    key,
    value: fc.integer({ min: 0, max: 30 }).map((length) => Buffer.alloc(length, 'v')),
  })
  .map((fields) => setRecord(fields));

describe('counts of a dump', () => {
  it('are those that are made one by one', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const counter = counted(records);
        const prefixes = new Map<string, [number, number]>();
        const keys = new Map<string, [number, number]>();
        let without = { items: 0, bytes: 0 };
        for (const each of records) {
          const hex = Buffer.from(each.key).toString('hex');
          const colon = each.key.indexOf(0x3a);
          const bytes = bytesOf(each);
          if (colon === -1 || colon >= 80) {
            without = { items: without.items + 1, bytes: without.bytes + bytes };
          } else add(prefixes, hex.slice(0, (colon + 1) * 2), bytes);
          add(keys, hex, bytes);
        }
        expect(listed(counter.prefixes())).toEqual(sorted(prefixes));
        // Two keys of one beginning are told apart, and shown alike.
        const shown = Array.from(keys, ([hex, counts]) => [hex.slice(0, 160), ...counts]);
        expect(listed(counter.hotKeys())).toEqual(shown.toSorted(compare));
        expect(counter.withoutPrefix).toEqual(without);
        expect(counter.recordsOutOfRange).toBe(records.filter(({ shard }) => shard >= 1024).length);
      }),
    );

    function add(map: Map<string, [number, number]>, name: string, bytes: number): void {
      const [count, sum] = map.get(name) ?? [0, 0];
      map.set(name, [count + 1, sum + bytes]);
    }
    function sorted(map: Map<string, [number, number]>) {
      return Array.from(map, ([name, counts]) => [name, ...counts]).toSorted(compare);
    }
    function compare(a: unknown[], b: unknown[]): number {
      return `${a}` < `${b}` ? -1 : 1;
    }
    function listed(frequent: ReturnType<DumpCounter['hotKeys']>) {
      const rows = frequent.map((each) => {
        expect(each.countError).toBe(0);
        return [each.key.toString('hex'), each.count, each.bytes];
      });
      return rows.toSorted(compare);
    }
  });

  it('have sizes and lives by powers of two', () => {
    const MANY = 2n ** 64n - 1n;
    const written = fc.record({
      op: fc.constantFrom('set' as const, 'del' as const, 'expire' as const),
      keyBytes: fc.integer({ min: 0, max: 300 }),
      valueBytes: fc.integer({ min: 0, max: 5_000 }),
      timestampMs: fc.bigInt({ min: 0n, max: 1_000n }),
      expireAtMs: fc.option(fc.bigInt({ min: 0n, max: MANY - 1n }), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(written, { maxLength: 30 }), (all) => {
        const records = all.map(({ op, keyBytes, valueBytes, timestampMs, expireAtMs }) =>
          setRecord({
            op,
            key: Buffer.alloc(keyBytes, 'k'),
            value: Buffer.alloc(op === 'set' ? valueBytes : 0),
            timestampMs,
            expireAtMs: op === 'del' ? null : expireAtMs,
          }),
        );
        const lives = records.filter(({ op }) => op !== 'del');
        const ends = lives.flatMap(({ expireAtMs, timestampMs }) =>
          expireAtMs === null ? [] : [expireAtMs > timestampMs ? expireAtMs - timestampMs : 0n],
        );
        expect(counted(records).distributions()).toEqual({
          keyBytes: buckets(records.map((each) => BigInt(each.key.length))),
          valueBytes: buckets(
            records.flatMap(({ op, value }) => (op === 'set' ? [BigInt(value.length)] : [])),
          ),
          lifeMs: buckets(ends),
          withoutExpiry: lives.length - ends.length,
        });
      }),
    );

    function buckets(values: bigint[]) {
      const floors = values.map((value) => (value === 0n ? 0n : 1n << BigInt(value.toString(2).length - 1)));
      const sorted = [...new Set(floors)].sort((left, right) => (left < right ? -1 : 1));
      return sorted.map((from) => ({ from, count: floors.filter((floor) => floor === from).length }));
    }
  });

  it('have the steps between sequences that a reading of the dump marks', () => {
    const parts = fc.array(
      fc.oneof(
        fc.array(record, { maxLength: 10 }),
        fc.array(fc.bigInt({ min: 0n, max: 20n }), { maxLength: 4 }).map((list) => ({ list })),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(parts, (all) => {
        const counter = shared;
        counter.reset();
        const steps = new SequenceSteps();
        const expected = new Map<number, { gaps: number; missing: bigint; back: number }>();
        for (const part of all) {
          if (!Array.isArray(part)) {
            counter.reach(part.list);
            const content = { type: 'watermarks', watermarks: BigUint64Array.from(part.list) } as const;
            steps.frame({ kind: 'SnapshotEnd', content, frame: undefined as never });
            continue;
          }
          take(counter, part);
          for (const each of part) {
            if (each.shard >= 1024) continue;
            const counts = expected.get(each.shard) ?? { gaps: 0, missing: 0n, back: 0 };
            expected.set(each.shard, counts);
            const step = steps.record(each as DecodedRecord);
            if (step?.type === 'back') counts.back++;
            if (step?.type === 'gap') {
              counts.gaps++;
              counts.missing += step.to - step.from + 1n;
            }
          }
        }
        const told = counter
          .shards()
          .map(({ shard, gaps, missingSequences: missing, stepsBack: back }) => [
            shard,
            { gaps, missing, back },
          ]);
        const saturated = Array.from(expected, ([shard, counts]) => [
          shard,
          { ...counts, missing: counts.missing < 2n ** 64n ? counts.missing : 2n ** 64n - 1n },
        ]);
        expect(told).toEqual(saturated.toSorted(([a], [b]) => Number(a) - Number(b)));
      }),
    );
  });

  it('are of what the filter of the lines lets through', () => {
    const range = fc.option(fc.bigInt({ min: 0n, max: 20n }), { nil: undefined });
    const options = fc.record({
      start: range,
      sinceMs: range,
      shards: fc.option(fc.array(fc.constantFrom(0, 1, 1023, 2 ** 32 - 1), { minLength: 1 }), {
        nil: undefined,
      }),
      ops: fc.option(fc.subarray(['set' as const, 'del' as const, 'expire' as const]), { nil: undefined }),
      keys: fc.option(fc.array(fc.constantFrom('a*', '*:*', 'b', '[ab]:?', ''), { minLength: 1 }), {
        nil: undefined,
      }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), options, (records, chosen) => {
        const filter = new FrameFilter(chosen);
        const passing = records.filter((each) => filter.showsItem(each as DecodedRecord));
        const entries = records.map(({ key, value }) => ({ key, value, expireAtMs: null }));
        const counter = new DumpCounter(1n, filter.items);
        expect(take(counter, records)).toBe(passing.length);
        const { items } = counter.chunk(
          encodeSnapshotEntries(entries),
          { entriesOffset: 0, entryCount: entries.length, governed: false },
          PLACE,
          true,
          Number.POSITIVE_INFINITY,
        );
        expect(items).toBe(entries.filter((entry) => filter.showsItem(entry as never)).length);
      }),
      { numRuns: 50 },
    );
  });

  it('over time are those between the times of each bucket', () => {
    const time = fc.oneof(
      fc.bigInt({ min: 0n, max: 200n }),
      fc.bigInt({ min: 1_760_000_000_000n, max: 1_760_000_100_000n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 40 }), (times) => {
        const { startMs, bucketMs, counts } = counted(
          times.map((timestampMs) => setRecord({ timestampMs })),
        ).rate()!;
        expect(counts.length).toBeLessThanOrEqual(64);
        const expected = counts.map((_, bucket) => {
          const from = startMs + BigInt(bucket) * bucketMs;
          return times.filter((timeMs) => timeMs >= from && timeMs < from + bucketMs).length;
        });
        expect(counts).toEqual(expected);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(times.length);
        expect(counts[0]! > 0 && counts.at(-1)! > 0).toBe(true);
      }),
    );
    expect(new DumpCounter(1n, ALL).rate()).toBeUndefined();
  });

  it('name the keys with the biggest values, each once, and where they stand', () => {
    const sizes = Array.from({ length: 300 }, (_, index) => (index * 7919) % 1009);
    const records = sizes.map((size, index) =>
      setRecord({ key: Buffer.from(`k${index % 40}`), value: Buffer.alloc(size) }),
    );
    const counter = new DumpCounter(1n, ALL);
    counter.batch(encodeBatch(records), { offset: 1_000, fixed: false }, true, Number.POSITIVE_INFINITY);
    let at = 1_004;
    const best = new Map<string, { valueBytes: number; offset: number }>();
    for (const each of records) {
      const name = each.key.toString();
      if (each.value.length > (best.get(name)?.valueBytes ?? 0)) {
        best.set(name, { valueBytes: each.value.length, offset: at });
      }
      at += bytesOf(each);
    }
    const expected = Array.from(best, ([name, value]) => ({ name, ...value }))
      .toSorted((a, b) => b.valueBytes - a.valueBytes)
      .slice(0, 10);
    expect(
      counter
        .biggestValues()
        .map(({ key, valueBytes, offset }) => ({ name: key.toString(), valueBytes, offset })),
    ).toEqual(expected);
  });

  it('of more keys than are kept lose none that is frequent, and say by how much they may be too high', () => {
    const counter = new DumpCounter(1n, ALL);
    const truth = new Map<string, number>();
    let state = 1;
    let total = 0;
    for (let round = 0; round < 400; round++) {
      const records = Array.from({ length: 500 }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        // One in eight is of fifty keys, all others hardly ever come twice.
        const name = state >>> 29 === 0 ? `hot:${(state >>> 8) % 50}` : `cold${state}:x`;
        truth.set(name, (truth.get(name) ?? 0) + 1);
        total++;
        return setRecord({ key: Buffer.from(name) });
      });
      take(counter, records);
    }
    for (const [frequent, count] of [
      [counter.hotKeys(), (name: string) => truth.get(name)!],
      [counter.prefixes(), (name: string) => (name === 'hot:' ? total / 8 : 1)],
    ] as const) {
      expect(frequent).toHaveLength(4096);
      for (const { key, count: told, countError } of frequent) {
        const real = count(key.toString());
        expect(told).toBeGreaterThanOrEqual(Math.floor(real * 0.98));
        expect(told - countError).toBeLessThanOrEqual(Math.ceil(real * 1.02));
      }
    }
    const top = counter.hotKeys().slice(0, 50);
    expect(top.every(({ key }) => key.toString().startsWith('hot:'))).toBe(true);
    const often = Array.from(truth).filter(([, count]) => count > total / 4096);
    const kept = new Set(counter.hotKeys().map(({ key }) => key.toString()));
    expect(often.filter(([name]) => !kept.has(name))).toEqual([]);
    expect(counter.prefixes()[0]!.key.toString()).toBe('hot:');
  });

  it('end with what is malformed, and with the limit', () => {
    const records = [1n, 2n, 3n].map((sequence) => setRecord({ sequence }));
    const payload = encodeBatch(records);
    const counter = new DumpCounter(1n, ALL);
    expect(counter.batch(payload.subarray(0, -1), PLACE, true, 9)).toEqual({ items: 2, isSound: false });
    expect(counter.batch(Buffer.concat([payload, payload]), PLACE, true, 9)).toEqual({
      items: 3,
      isSound: false,
    });
    expect(counter.batch(Buffer.concat([payload, payload]), PLACE, true, 2)).toEqual({
      items: 2,
      isSound: true,
    });
    expect(counter.batch(payload, PLACE, false, 9)).toEqual({ items: 0, isSound: true });
    expect(counter.records).toBe(7);
    expect(counter.batch(Buffer.from([255, 255, 255, 255]), PLACE, true, 9)).toEqual({
      items: 0,
      isSound: false,
    });
    counter.reset();
    expect([
      counter.records,
      counter.shards(),
      counter.hotKeys(),
      counter.biggestValues(),
      counter.rate(),
    ]).toEqual([0, [], [], [], undefined]);
  });
});

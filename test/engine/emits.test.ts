/** The emissions of a primary's store: every change, once, in order, in batches of the size in the rules. */
import '../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { OpenBatch } from '../../src/engine/types.js';
import { type DecodedRecord, decodeBatch, RECORD_FIXED_BYTES } from '../../src/frame/batch.js';
import { contentOf, newEngine, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

/** Everything that a store emits, decoded at once, for the bytes are the kernel's. */
class Emitted {
  readonly batches: { batch: OpenBatch; records: DecodedRecord[] }[] = [];
  dirtied = 0;

  constructor(engine: ShardEngine) {
    engine.onBatch = (batch) => {
      const payload = Buffer.from(batch.payload);
      this.batches.push({ batch: { ...batch, payload }, records: [...decodeBatch(payload).records] });
    };
    engine.onDirty = () => {
      this.dirtied++;
    };
  }

  get records(): DecodedRecord[] {
    return this.batches.flatMap(({ records }) => records);
  }

  /** Returns the content that a follower that began empty would hold. */
  folded(): Map<string, string> {
    const held = new Map<string, { value: string; expireAtMs: bigint | null }>();
    for (const { op, key, value, expireAtMs } of this.records) {
      const name = key.toString('latin1');
      const before = held.get(name);
      if (op === 'set') held.set(name, { value: value.toString('latin1'), expireAtMs });
      else if (op === 'del') held.delete(name);
      else if (before !== undefined) before.expireAtMs = expireAtMs;
    }
    return new Map([...held].map(([key, { value, expireAtMs }]) => [key, `${value} @${expireAtMs}`]));
  }
}

const bytesOfRecord = ({ key, value }: DecodedRecord) => RECORD_FIXED_BYTES + key.length + value.length;

describe('after random commands', () => {
  const SHARDS = 8;
  const MAX_RECORDS = 20;
  const MAX_BYTES = 3_000;
  const random = new RandomSource(88);
  const clock = new StandingClock();
  const engine = newEngine({ shards: SHARDS, clock, batchMaxRecords: MAX_RECORDS, batchMaxBytes: MAX_BYTES });
  const emitted = new Emitted(engine);
  const driver = new RespDriver(engine);
  const key = () => `key:${random.below(2000)}`;

  for (let round = 0; round < 2000; round++) {
    const commands = Array.from({ length: random.between(1, 40) }, () =>
      random.pick([
        () => command('SET', key(), random.bytes(random.skewed(3000))),
        () => command('SET', key(), 'v', 'PX', String(random.between(1, 3000)), 'GET'),
        () => command('SET', key(), 'v', random.pick(['NX', 'XX']), 'KEEPTTL'),
        () => command('SET', key(), 'v', 'PXAT', String(clock.ms - random.below(10))),
        () => command('DEL', key(), key()),
        () => command('MSET', key(), 'a', key(), 'b'),
        () => command('INCRBY', `n${key()}`, String(random.below(1000))),
        () => command('APPEND', key(), random.bytes(random.skewed(300))),
        () => command('PEXPIRE', key(), String(random.between(-1, 3000))),
        () => command('PERSIST', key()),
        () => command('MGET', key(), key()),
      ])(),
    );
    driver.run(Buffer.concat(commands));
    clock.pass(random.below(20));
    if (random.chance(0.1)) engine.sweep(random.below(50));
    if (random.chance(0.02)) engine.flush();
  }
  engine.flush();

  it('the records folded are the content', () => {
    const content = contentOf(engine);
    expect(content.size).toBeGreaterThan(500);
    expect(emitted.folded()).toEqual(content);
  });

  it('hashes, tags, shards and times are right', () => {
    let wrong = 0;
    for (const { key, keyHash, keyTag, shard, timestampMs } of emitted.records) {
      const hash = xxh3.xxh64(key);
      const routed = Number(BigInt.asUintN(64, hash << 7n) >> 61n);
      if (keyHash !== hash || keyTag !== hash >> 56n || shard !== routed) wrong++;
      if (timestampMs < 1_800_000_000_000n || timestampMs > BigInt(clock.ms)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(emitted.records.length).toBe(engine.kernel.exports.recordsEmitted());
  });

  it('a deletion and an expiry carry no value, and a deletion no expiry', () => {
    for (const { op, value, expireAtMs } of emitted.records) {
      if (op !== 'set') expect(value.length).toBe(0);
      if (op === 'del') expect(expireAtMs).toBeNull();
    }
    expect(new Set(emitted.records.map(({ op }) => op))).toEqual(new Set(['set', 'del', 'expire']));
  });

  it('sequences have no gaps, and the batches say where they begin and end', () => {
    const last = new Array<bigint>(SHARDS).fill(0n);
    for (const { batch, records } of emitted.batches) {
      expect(batch.records).toBe(records.length);
      expect(batch.minSequence).toBe(records[0]!.sequence);
      expect(batch.maxSequence).toBe(records.at(-1)!.sequence);
      for (const { shard, sequence } of records) {
        expect(shard).toBe(batch.shard);
        expect(sequence).toBe(last[shard]! + 1n);
        last[shard] = sequence;
      }
    }
    expect(engine.watermarks()).toEqual(last);
  });

  it('batches close at their limits and not before a flush', () => {
    const full = { records: 0, bytes: 0 };
    for (const { records } of emitted.batches) {
      const before = records.slice(0, -1).reduce((sum, record) => sum + bytesOfRecord(record), 0);
      expect(records.length).toBeLessThanOrEqual(MAX_RECORDS);
      expect(before).toBeLessThan(MAX_BYTES);
      if (records.length === MAX_RECORDS) full.records++;
      else if (before + bytesOfRecord(records.at(-1)!) >= MAX_BYTES) full.bytes++;
    }
    expect(full.records).toBeGreaterThan(20);
    expect(full.bytes).toBeGreaterThan(20);
  });
});

describe('batches', () => {
  const value = Buffer.alloc(47 - 1);
  const set = (engine: ShardEngine, count: number) => {
    for (let n = 0; n < count; n++) engine.set(Buffer.from('k'), value);
  };

  it('close at exactly as many records as they may have', () => {
    const engine = newEngine({ shards: 1, batchMaxRecords: 3 });
    const emitted = new Emitted(engine);
    set(engine, 8);
    expect(emitted.batches.map(({ batch }) => batch.records)).toEqual([3, 3]);
    engine.flush();
    expect(emitted.batches.map(({ batch }) => batch.records)).toEqual([3, 3, 2]);
    engine.flush();
    expect(emitted.batches.length).toBe(3);
  });

  it('close at exactly as many encoded bytes as they may have', () => {
    // Each record is 100 bytes.
    for (const [limit, records] of [
      [299, 3],
      [300, 3],
      [301, 4],
      [1, 1],
    ] as const) {
      const engine = newEngine({ shards: 1, batchMaxBytes: limit });
      const emitted = new Emitted(engine);
      set(engine, records);
      expect(
        emitted.batches.map(({ batch }) => batch.records),
        `${limit} bytes`,
      ).toEqual([records]);
    }
  });

  it('with one record each, when that is the limit', () => {
    const engine = newEngine({ shards: 1, batchMaxRecords: 1 });
    const emitted = new Emitted(engine);
    set(engine, 5);
    expect(emitted.batches.length).toBe(5);
    expect(emitted.dirtied).toBe(0);
  });

  it('take a value larger than themselves, and the next starts at its beginning', () => {
    const engine = newEngine({ shards: 1 });
    const emitted = new Emitted(engine);
    const large = Buffer.alloc(20 * 1024 * 1024, 'x');
    set(engine, 2);
    engine.set(Buffer.from('large'), large);
    set(engine, 1);
    engine.flush();
    expect(emitted.batches.map(({ batch }) => batch.records)).toEqual([3, 1]);
    expect(emitted.records[2]!.value.equals(large)).toBe(true);
    expect(engine.memory().frames).toBeLessThan(8 * 1024 * 1024);
  });

  it('of many shards keep no more room than a few megabytes when large values have passed', () => {
    const engine = newEngine({ shards: 64 });
    const large = Buffer.alloc(3_500_000, 'x');
    for (let n = 0; n < 200; n++) {
      const key = Buffer.from(`large:${n}`);
      engine.set(key, large);
      engine.del(key);
    }
    engine.flush();
    expect(engine.memory().frames).toBeLessThanOrEqual(16 * 1024 * 1024 + 64 * 4096);
  });

  it('never exceed a frame: a record that does not fit beside the others opens the next', () => {
    const MiB = 1024 * 1024;
    const engine = newEngine({ shards: 1, batchMaxBytes: 256 * MiB, maxValueBytes: 128 * MiB });
    const sizes: number[] = [];
    engine.onBatch = ({ payload }) => sizes.push(payload.length);
    const half = Buffer.alloc(120 * MiB);
    for (let n = 0; n < 3; n++) engine.set(Buffer.from('k'), half);
    engine.flush();
    expect(sizes.length).toBe(2);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(256 * 1024 * 1024);
  });

  it('a record that no frame can carry is refused', () => {
    const engine = newEngine({ shards: 1, maxValueBytes: 512 * 1024 * 1024 });
    const most = 256 * 1024 * 1024 - 4 - 53 - 1;
    expect(() => engine.set(Buffer.from('k'), Buffer.alloc(most + 1))).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
    );
    expect(engine.keyCount()).toBe(0);
    engine.set(Buffer.from('k'), Buffer.alloc(most));
    expect(engine.get(Buffer.from('k'))?.length).toBe(most);
  });
});

describe('flushing', () => {
  it('by age: what is not old enough waits, and the next due time is told', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const emitted = new Emitted(engine);
    const keyOf = (shard: number) => {
      for (let n = 0; ; n++)
        if (engine.route(Buffer.from(`${n}`)).shard === shard) return Buffer.from(`${n}`);
    };
    expect(engine.flushDue(750)).toBe(-1);
    engine.set(keyOf(0), Buffer.alloc(1));
    clock.us += 300;
    engine.set(keyOf(2), Buffer.alloc(1));
    clock.us += 100;
    engine.set(keyOf(0), Buffer.alloc(1));
    expect(engine.flushDue(750)).toBe(350);
    expect(emitted.batches.length).toBe(0);
    clock.us += 349;
    expect(engine.flushDue(750)).toBe(1);
    clock.us += 1;
    expect(engine.flushDue(750)).toBe(300);
    expect(emitted.batches.map(({ batch }) => [batch.shard, batch.records])).toEqual([[0, 2]]);
    clock.us += 10_000;
    expect(engine.flushDue(750)).toBe(-1);
    expect(emitted.batches.map(({ batch }) => [batch.shard, batch.records])).toEqual([
      [0, 2],
      [2, 1],
    ]);
  });

  it('is asked for once until it comes', () => {
    const engine = newEngine();
    const emitted = new Emitted(engine);
    const key = Buffer.from('k');
    engine.set(key, key);
    engine.set(key, key);
    expect(emitted.dirtied).toBe(1);
    engine.flush();
    engine.del(key);
    expect(emitted.dirtied).toBe(2);
    engine.flush();
    engine.get(key);
    engine.del(key);
    expect(emitted.dirtied).toBe(2);
  });

  it('sequences go on from the watermarks that were set', () => {
    const engine = newEngine({ shards: 2 });
    const emitted = new Emitted(engine);
    engine.setWatermarks([3_600_000_000_000_000n, 2n ** 63n]);
    for (let n = 0; n < 20; n++) engine.set(Buffer.from(`k${n}`), Buffer.alloc(1));
    engine.flush();
    const firsts = new Map(emitted.batches.map(({ batch }) => [batch.shard, batch.minSequence]));
    expect(firsts).toEqual(
      new Map([
        [0, 3_600_000_000_000_001n],
        [1, 2n ** 63n + 1n],
      ]),
    );
  });
});

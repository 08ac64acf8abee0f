import '../support/debug-kernel.js';

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { FastcacheError } from '../../src/errors.js';
import { decodeBatch, encodeBatch, NO_EXPIRY } from '../../src/frame/batch.js';
import { decodeFrame } from '../../src/frame/frame.js';
import { batchBytes, recordBytes } from '../support/batch-bytes.js';
import { contentOf, newReplica, StandingClock } from '../support/engines.js';
import { hostilePayloads } from '../support/hostile-payloads.js';
import { bytesOf, u32 } from '../support/raw-frames.js';

const alpha = Buffer.from('alpha');
const beta = Buffer.from('beta');
const clock = new StandingClock();
const past = BigInt(clock.ms - 1);
const future = BigInt(clock.ms + 60_000);

function goldenPayload(name: string): Uint8Array {
  const file = fileURLToPath(new URL(`../../fixtures/golden/${name}.fcrp`, import.meta.url));
  return decodeFrame(readFileSync(file)).payload;
}

function faultOf(run: () => void): FastcacheError {
  try {
    run();
  } catch (error) {
    if (error instanceof FastcacheError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** A store that holds something, so that what a refused payload leaves behind shows. */
function heldReplica(): ShardEngine {
  const engine = newReplica({ clock });
  engine.apply(batchBytes({ shard: 2, sequence: 1n, op: 1, key: alpha, value: 'old' }));
  engine.setWatermarks([0n, 5n, 1n, 9n]);
  return engine;
}

describe('golden batches', () => {
  it.each(['batch-512-plain', 'batch-512-zstd'])('%s is applied as the crate meant it', (name) => {
    const engine = newReplica({ clock });
    const payload = goldenPayload(name);
    expect(engine.apply(payload)).toEqual({ applied: 512, skipped: 0, lastTimestampMs: 1_760_000_000_512 });
    for (const { key, value } of decodeBatch(payload).records) expect(engine.get(key)).toEqual(value);
    expect(engine.watermarks()).toEqual([512n, 0n, 0n, 0n]);
    expect(engine.keyCount()).toBe(512);
  });

  it('every kind of record has its effect', () => {
    const engine = newReplica({ clock });
    for (const record of decodeBatch(goldenPayload('batch-plain')).records) {
      const watermarks = engine.watermarks();
      watermarks[record.shard] = record.sequence - 1n;
      engine.setWatermarks(watermarks);
      expect(engine.apply(encodeBatch([record])).applied).toBe(1);
      if (record.sequence === 6n) expect(engine.expiryOf(alpha)).toBe(1_950_000_000_000n);
    }
    expect(engine.get(alpha)?.toString()).toBe('one');
    expect(engine.expiryOf(alpha)).toBe(NO_EXPIRY);
    expect(engine.expiryOf(beta)).toBe(1_900_000_000_000n);
    expect(engine.get(Buffer.alloc(0))?.length).toBe(9);
    expect(engine.get(Buffer.from('ключ✓'))?.length).toBe(3000);
    expect(engine.keyCount()).toBe(4);
    expect(engine.watermarks()[0]).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('batch-plain as a whole leaves gaps, and nothing of it is applied', () => {
    const engine = newReplica({ clock });
    expect(faultOf(() => engine.apply(goldenPayload('batch-plain')))).toMatchObject({
      code: 'SEQUENCE_GAP',
      expected: 1n,
      found: 2n,
    });
    expect(engine.keyCount()).toBe(0);
    expect(engine.watermarks()).toEqual([0n, 0n, 0n, 0n]);
  });

  it.each(['snapshot-chunk', 'snapshot-chunk-plain', 'snapshot-chunk-empty'])('%s is loaded', (name) => {
    const engine = newReplica({ clock });
    const count = engine.loadChunk(goldenPayload(name));
    expect(count).toBe({ 'snapshot-chunk': 100, 'snapshot-chunk-plain': 20 }[name] ?? 0);
    expect(engine.keyCount()).toBe(count);
  });
});

describe('a hostile payload is refused with its code, and nothing changes', () => {
  const batches = hostilePayloads.filter(({ bytes }) => bytes[5] === 5 && bytes[6] === 0);
  const chunks = hostilePayloads.filter(({ bytes }) => bytes[5] === 3 && bytes[6] === 0);

  it('there are such fixtures', () => {
    expect(batches.length).toBeGreaterThanOrEqual(9);
    expect(chunks.length).toBeGreaterThanOrEqual(5);
  });

  it.each([...batches, ...chunks])('$name', ({ code, bytes }) => {
    const engine = heldReplica();
    engine.setWatermarks([0n, 0n, 0n, 0n]);
    const before = contentOf(engine);
    const payload = bytes.subarray(16);
    const fault = faultOf(() => (bytes[5] === 5 ? engine.apply(payload) : engine.loadChunk(payload)));
    expect(fault.code).toBe(code);
    expect(fault.offset).toBeLessThanOrEqual(payload.length);
    expect(contentOf(engine)).toEqual(before);
    expect(engine.watermarks()).toEqual([0n, 0n, 0n, 0n]);
  });

  it('a payload of fewer than four bytes', () => {
    for (let length = 0; length < 4; length++) {
      const fault = faultOf(() => heldReplica().apply(Buffer.alloc(length)));
      expect(fault).toMatchObject({ code: 'FCRP_FIELD_PAST_PAYLOAD', expected: 4n, found: BigInt(length) });
    }
  });

  it('an unknown op in a record that is cut off too', () => {
    const cut = recordBytes({ shard: 0, sequence: 2n, op: 9, key: 'x' }).subarray(0, 30);
    const long = { shard: 0, sequence: 1n, op: 1, key: alpha, value: Buffer.alloc(100) };
    const payload = bytesOf(u32(2), recordBytes(long), cut);
    expect(faultOf(() => [...decodeBatch(payload).records]).code).toBe('FCRP_UNKNOWN_OP');
    expect(faultOf(() => heldReplica().apply(payload)).code).toBe('FCRP_UNKNOWN_OP');
  });
});

describe('a batch behind sound records is refused whole', () => {
  const sound = { shard: 2, sequence: 2n, op: 1, key: alpha, value: 'new' };
  const refused = [
    ['a gap', { shard: 2, sequence: 4n, op: 1, key: beta }, 'SEQUENCE_GAP', 3n, 4n],
    ['a gap in another shard', { shard: 1, sequence: 7n, op: 2, key: beta }, 'SEQUENCE_GAP', 6n, 7n],
    ['a shard out of range', { shard: 4, sequence: 1n, op: 1, key: beta }, 'SHARD_OUT_OF_RANGE', 4n, 4n],
    [
      'shard 2^32-1',
      { shard: 0xffff_ffff, sequence: 1n, op: 1, key: beta },
      'SHARD_OUT_OF_RANGE',
      4n,
      undefined,
    ],
    [
      'a wrong hash',
      { shard: 0, sequence: 1n, op: 1, key: beta, keyHash: 7n },
      'FCRP_KEY_HASH_MISMATCH',
      undefined,
      7n,
    ],
  ] as const;

  it.each(refused)('%s', (_, record, code, expected, found) => {
    const engine = heldReplica();
    const before = contentOf(engine);
    const fault = faultOf(() => engine.apply(batchBytes(sound, record)));
    expect(fault.code).toBe(code);
    expect(fault.offset).toBeGreaterThanOrEqual(4 + recordBytes(sound).length);
    if (expected !== undefined) expect(fault.expected).toBe(expected);
    if (found !== undefined) expect(fault.found).toBe(found);
    expect(fault.shard).toBe(code === 'SEQUENCE_GAP' ? record.shard : undefined);
    expect(contentOf(engine)).toEqual(before);
    expect(engine.watermarks()).toEqual([0n, 5n, 1n, 9n]);
    expect(engine.apply(batchBytes(sound)).applied).toBe(1);
    expect(engine.get(alpha)?.toString()).toBe('new');
  });
});

describe('records', () => {
  const set = (sequence: bigint, value: string, expireAtMs?: bigint) => ({
    shard: 2,
    sequence,
    op: 1,
    key: alpha,
    value,
    ...(expireAtMs === undefined ? {} : { expireAtMs }),
  });

  it('that were applied already are skipped, singly and among new ones', () => {
    const engine = newReplica({ clock });
    engine.apply(batchBytes(set(1n, 'one'), set(2n, 'two')));
    expect(engine.apply(batchBytes(set(1n, 'one')))).toMatchObject({ applied: 0, skipped: 1 });
    expect(engine.get(alpha)?.toString()).toBe('two');
    const overlap = batchBytes(set(2n, 'old'), set(3n, 'three'), set(3n, 'again'), set(4n, 'four'));
    expect(engine.apply(overlap)).toMatchObject({ applied: 2, skipped: 2 });
    expect(engine.get(alpha)?.toString()).toBe('four');
    expect(engine.watermarks()).toEqual([0n, 0n, 4n, 0n]);
  });

  it('of several shards in one batch go on where each shard stands', () => {
    const engine = heldReplica();
    const records = [
      { shard: 1, sequence: 6n, op: 1, key: 'a', value: '1' },
      { shard: 3, sequence: 10n, op: 1, key: 'b', value: '2' },
      { shard: 1, sequence: 7n, op: 2, key: 'a' },
      { shard: 0, sequence: 1n, op: 1, key: 'c', value: '' },
    ];
    expect(engine.apply(batchBytes(...records))).toMatchObject({ applied: 4, skipped: 0 });
    expect(engine.watermarks()).toEqual([1n, 7n, 1n, 10n]);
    expect([...contentOf(engine).keys()].sort()).toEqual(['alpha', 'b', 'c']);
  });

  it('of op 4 are Sets whose governance bytes are stepped over', () => {
    const engine = newReplica({ clock });
    const governed = { ...set(1n, 'governed', future), op: 4, governance: Buffer.from('rules') };
    expect(
      engine.apply(batchBytes(governed, { ...governed, sequence: 2n, value: 'more' }, set(3n, 'plain'))),
    ).toEqual({
      applied: 3,
      skipped: 0,
      lastTimestampMs: 1_760_000_000_000,
    });
    expect(engine.get(alpha)?.toString()).toBe('plain');
  });

  it('that set a value past its expiry hide the older one for good', () => {
    const engine = newReplica({ clock });
    engine.apply(batchBytes(set(1n, 'older'), set(2n, 'stale', past)));
    expect(engine.get(alpha)).toBeUndefined();
    expect(engine.expiryOf(alpha)).toBeUndefined();
    expect(engine.watermarks()[2]).toBe(2n);
    engine.sweep(10);
    expect(engine.keyCount()).toBe(0);
    expect(engine.get(alpha)).toBeUndefined();
  });

  it('that expire and persist', () => {
    const engine = newReplica({ clock });
    const expire = (sequence: bigint, expireAtMs: bigint) => ({ ...set(sequence, '', expireAtMs), op: 3 });
    engine.apply(batchBytes(set(1n, 'v'), expire(2n, future)));
    expect(engine.expiryOf(alpha)).toBe(future);
    engine.apply(batchBytes(expire(3n, NO_EXPIRY)));
    expect(engine.expiryOf(alpha)).toBe(NO_EXPIRY);
    expect(engine.expiringKeyCount()).toBe(0);
    engine.apply(batchBytes(expire(4n, past)));
    expect(engine.get(alpha)).toBeUndefined();
    engine.apply(batchBytes(expire(5n, future)));
    expect(engine.get(alpha)?.toString()).toBe('v');
    engine.apply(batchBytes({ shard: 2, sequence: 6n, op: 3, key: 'nobody', expireAtMs: future }));
    expect(engine.keyCount()).toBe(1);
  });

  it('in a batch of none: nothing', () => {
    expect(newReplica({ clock }).apply(u32(0))).toEqual({ applied: 0, skipped: 0, lastTimestampMs: 0 });
  });
});

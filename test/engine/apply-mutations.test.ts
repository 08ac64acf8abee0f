/**
 * Damaged payloads against an oracle that decodes them with the codec: refused alike, or applied alike; and a
 * store that keeps no content refuses and counts as the one that does.
 */
import '../support/debug-kernel.js';

import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { WatermarkStore } from '../../src/engine/watermark-store.js';
import { type ErrorCode, FastcacheError } from '../../src/errors.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { decodeSnapshotChunk } from '../../src/frame/snapshot.js';
import { batchBytes, type RecordBytes } from '../support/batch-bytes.js';
import { contentOf, newReplica } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { bytesOf, u8, u32, u64 } from '../support/raw-frames.js';

const SHARDS = 4;
const ROUNDS = 30_000;
const NONE = 0xffff_ffff_ffff_ffffn;

type Code = ErrorCode | 'applied';

/** The oracle: payloads by the codec and by the rules of docs/protocol.md, "Conversation". */
class Oracle {
  readonly content = new Map<string, { value: string; expireAtMs: bigint | null }>();
  readonly watermarks = new Array<bigint>(SHARDS).fill(0n);

  apply(payload: Buffer): Code {
    const watermarks = this.watermarks.slice();
    const changes: (() => void)[] = [];
    try {
      for (const record of decodeBatch(payload).records) {
        const { shard, sequence, keyHash, key } = record;
        if (shard >= SHARDS) return 'SHARD_OUT_OF_RANGE';
        if (keyHash !== xxh3.xxh64(key)) return 'FCRP_KEY_HASH_MISMATCH';
        const watermark = watermarks[shard]!;
        if (sequence > watermark + 1n) return 'SEQUENCE_GAP';
        if (sequence <= watermark) continue;
        watermarks[shard] = sequence;
        const { op, expireAtMs } = record;
        const name = key.toString('latin1');
        const value = record.value.toString('latin1');
        changes.push(() => {
          const held = this.content.get(name);
          if (op === 'set') this.content.set(name, { value, expireAtMs });
          else if (op === 'del') this.content.delete(name);
          else if (held !== undefined) held.expireAtMs = expireAtMs;
        });
      }
    } catch (error) {
      return codeOf(error);
    }
    for (const change of changes) change();
    this.watermarks.splice(0, SHARDS, ...watermarks);
    return 'applied';
  }

  load(payload: Buffer): Code {
    try {
      const entries = [...decodeSnapshotChunk(payload).entries];
      for (const { key, value, expireAtMs } of entries) {
        this.content.set(key.toString('latin1'), { value: value.toString('latin1'), expireAtMs });
      }
      return 'applied';
    } catch (error) {
      return codeOf(error);
    }
  }

  text(): Map<string, string> {
    return new Map([...this.content].map(([key, { value, expireAtMs }]) => [key, `${value} @${expireAtMs}`]));
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof FastcacheError) return error.code;
  throw error;
}

/** Returns the whole result of a call: its value, or its failure. */
function answerOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    const { code, offset, expected, found } = error;
    return { code, offset, expected, found };
  }
}

/** Returns the store's answer; a trap in the kernel is no FastcacheError and fails the test. */
function outcomeOf(run: () => void): Code {
  try {
    run();
    return 'applied';
  } catch (error) {
    return codeOf(error);
  }
}

function damage(random: RandomSource, payload: Buffer): Buffer {
  const at = random.below(payload.length);
  switch (random.below(6)) {
    case 0:
      return payload.subarray(0, at);
    case 1:
      return Buffer.concat([payload, random.bytes(random.between(1, 60))]);
    case 2: {
      // A length, a count or a shard becomes extreme.
      const damaged = Buffer.from(payload);
      const word = random.pick([0, 1, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffcb, 0xffff_ffff]);
      damaged.writeUInt32LE(word, Math.max(0, Math.min(at, payload.length - 4)));
      return damaged;
    }
    case 3:
      return Buffer.concat([payload.subarray(0, at), payload.subarray(at + random.between(1, 8))]);
    case 4:
      return Buffer.concat([
        payload.subarray(0, at),
        random.bytes(random.between(1, 8)),
        payload.subarray(at),
      ]);
    default: {
      const damaged = Buffer.from(payload);
      damaged[at]! ^= 1 << random.below(8);
      return damaged;
    }
  }
}

function keyFor(random: RandomSource): string {
  return `k${random.below(40)}`.padEnd(random.pick([2, 5, 20]), '.');
}

function anyExpiry(random: RandomSource): bigint {
  return random.chance(0.6) ? NONE : BigInt(random.u32()) * 1000n;
}

function compareAll(engine: ShardEngine, oracle: Oracle): void {
  expect(contentOf(engine)).toEqual(oracle.text());
  expect(engine.keyCount()).toBe(oracle.content.size);
}

it(`${ROUNDS} batches, sound and damaged`, { timeout: 180_000 }, () => {
  const random = new RandomSource(404);
  const engine = newReplica({ shards: SHARDS });
  const hollow = new WatermarkStore(SHARDS);
  const oracle = new Oracle();
  const seen = new Map<Code, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const next = oracle.watermarks.slice();
    const records = Array.from({ length: random.between(1, 5) }, (): RecordBytes => {
      const shard = random.below(SHARDS);
      const sequence = next[shard]! + BigInt(random.chance(0.03) ? random.between(-2, 2) : 1);
      if (sequence === next[shard]! + 1n) next[shard] = sequence;
      const op = random.between(1, 4);
      return {
        shard,
        sequence: sequence < 0n ? 0n : sequence,
        op,
        expireAtMs: anyExpiry(random),
        key: keyFor(random),
        value: op === 1 || op === 4 ? random.bytes(random.skewed(200)) : '',
        ...(random.chance(0.01) ? { keyHash: 1n } : {}),
        governance: random.bytes(random.below(10)),
      };
    });
    let payload = batchBytes(...records);
    if (random.chance(0.6)) payload = damage(random, payload);
    const expected = oracle.apply(payload);
    const answer = answerOf(() => engine.apply(payload));
    const found = (answer as { code?: Code }).code ?? 'applied';
    expect(answerOf(() => hollow.apply(payload))).toEqual(answer);
    expect(hollow.watermarks()).toEqual(oracle.watermarks);
    if (found !== expected)
      expect.fail(`round ${round}: ${found}, not ${expected}: ${payload.toString('hex')}`);
    expect(engine.watermarks()).toEqual(oracle.watermarks);
    if (round % 500 === 0) compareAll(engine, oracle);
    seen.set(found, (seen.get(found) ?? 0) + 1);
  }
  compareAll(engine, oracle);
  const codes: Code[] = [
    'applied',
    'FCRP_COUNT_OVER_PAYLOAD',
    'FCRP_FIELD_PAST_PAYLOAD',
    'FCRP_TRAILING_BYTES',
    'FCRP_UNKNOWN_OP',
    'FCRP_KEY_HASH_MISMATCH',
    'SHARD_OUT_OF_RANGE',
    'SEQUENCE_GAP',
  ];
  for (const code of codes) expect(seen.get(code) ?? 0, code).toBeGreaterThan(20);
});

it(`${ROUNDS} snapshot chunks, with governance and without, sound and damaged`, { timeout: 180_000 }, () => {
  const random = new RandomSource(405);
  let engine = newReplica({ shards: SHARDS });
  let oracle = new Oracle();
  const hollow = new WatermarkStore(SHARDS);
  let applied = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const governed = random.chance(0.5);
    const count = random.below(5);
    const entries = Array.from({ length: count }, () => {
      const key = keyFor(random);
      const value = random.bytes(random.skewed(200));
      const governance = random.chance(0.5) ? undefined : random.bytes(random.below(10));
      return bytesOf(
        u32(key.length),
        u32(value.length),
        ...(governed ? [u32(governance?.length ?? 0xffff_ffff)] : []),
        u64(anyExpiry(random)),
        key,
        value,
        ...(governed && governance !== undefined ? [governance] : []),
      );
    });
    const head = [u64(BigInt(round)), u8(random.below(2)), u32(1), u64(7n), u32(count)];
    let payload = bytesOf(...head, ...(governed ? ['GOV2'] : []), ...entries);
    if (random.chance(0.6)) payload = damage(random, payload);
    const expected = oracle.load(payload);
    const found = outcomeOf(() => engine.loadChunk(payload));
    expect(outcomeOf(() => hollow.loadChunk(payload))).toBe(found);
    if (found !== expected)
      expect.fail(`round ${round}: ${found}, not ${expected}: ${payload.toString('hex')}`);
    if (found === 'applied') applied++;
    if (round % 500 === 0) {
      compareAll(engine, oracle);
      engine = newReplica({ shards: SHARDS });
      oracle = new Oracle();
    }
  }
  compareAll(engine, oracle);
  expect(applied).toBeGreaterThan(ROUNDS / 4);
  expect(applied).toBeLessThan(ROUNDS);
});

/**
 * Stores on the compiled kernel for tests: short options, a clock that stands until it is told, their whole
 * content.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/clock.js';
import type { ShardEngineOptions } from '../../src/engine/engine-options.js';
import type { KeyList } from '../../src/engine/keyspace.js';
import { ShardEngine } from '../../src/engine/shard-engine.js';
import {
  type DecodedSnapshotEntry,
  decodeSnapshotChunk,
  encodeSnapshotChunk,
} from '../../src/frame/snapshot.js';

export class StandingClock implements Clock {
  ms = 1_800_000_000_000;
  us = 5_000_000;

  nowMs(): number {
    return this.ms;
  }

  monotonicUs(): number {
    return this.us;
  }

  pass(ms: number): void {
    this.ms += ms;
    this.us += ms * 1000;
  }
}

export function newEngine(options: Partial<ShardEngineOptions> = {}): ShardEngine {
  return new ShardEngine({
    shards: 4,
    route: 'full-key',
    clock: new StandingClock(),
    secret: 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n,
    batchMaxRecords: 512,
    batchMaxBytes: 1_048_576,
    maxValueBytes: 64 * 1024 * 1024,
    ...options,
  });
}

/** A store that follows: it emits nothing and hides what has expired. */
export function newReplica(options: Partial<ShardEngineOptions> = {}): ShardEngine {
  const engine = newEngine(options);
  engine.setReplica(true);
  return engine;
}

/** The entries of a scan's step. */
export function entriesOf(entries: Buffer, entryCount: number): IterableIterator<DecodedSnapshotEntry> {
  const payload = encodeSnapshotChunk({ chunkIndex: 0n, last: true, watermarks: [], entryCount, entries });
  return decodeSnapshotChunk(payload).entries;
}

/** Every entry of a scan from the beginning to the end, expired ones too. */
export function* scanAll(engine: ShardEngine, maxBytes = 1_048_576): Generator<DecodedSnapshotEntry> {
  const scan = engine.scan();
  for (let done = false; !done; ) {
    const step = scan.next(maxBytes);
    done = step.done;
    yield* entriesOf(step.entries, step.entryCount);
  }
  scan.close();
}

/**
 * Key and value with expiry of all that a store holds, by key in latin1: equal exactly when the content is.
 */
export function contentOf(engine: ShardEngine): Map<string, string> {
  engine.kernel.invariants();
  const content = new Map<string, string>();
  for (const { key, value, expireAtMs } of scanAll(engine)) {
    content.set(key.toString('latin1'), `${value.toString('latin1')} @${expireAtMs}`);
  }
  return content;
}

/** The keys of a store that match, as KEYS lists them. */
export function matchingKeys(engine: ShardEngine, pattern: Uint8Array): Buffer[] {
  return keysOf(engine.keyspace.matching(pattern));
}

/** One step of SCAN. */
export function scanKeys(
  engine: ShardEngine,
  ...args: Parameters<ShardEngine['keyspace']['scan']>
): { cursor: bigint; keys: Buffer[] } {
  const { cursor, keys } = engine.keyspace.scan(...args);
  return { cursor, keys: keysOf(keys) };
}

/** The keys of a list, which must be as many as it says. */
function keysOf({ count, parts }: KeyList): Buffer[] {
  const bulks = Buffer.concat(parts);
  const keys: Buffer[] = [];
  for (let at = 0; at < bulks.length; ) {
    const lineEnd = bulks.indexOf('\r\n', at);
    const end = lineEnd + 2 + Number(bulks.toString('latin1', at + 1, lineEnd));
    assert.equal(bulks.toString('latin1', at, at + 1), '$');
    assert.equal(bulks.toString('latin1', end, end + 2), '\r\n');
    keys.push(bulks.subarray(lineEnd + 2, end));
    at = end + 2;
  }
  assert.equal(keys.length, count);
  return keys;
}

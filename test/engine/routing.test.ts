import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { xxh3 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import type { RouteMode } from '../../src/engine/types.js';
import { newEngine } from '../support/engines.js';

const SHARD_COUNTS = [1, 2, 4, 16, 64, 1024];

const routes = readFileSync(
  fileURLToPath(new URL('../../fixtures/golden/routes.txt', import.meta.url)),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => {
    const [key, hash, ...shards] = line.split(' ');
    return {
      key: Buffer.from(key === '-' ? '' : key!, 'hex'),
      hash: BigInt(hash!),
      'full-key': shards.slice(0, 6).map(Number),
      'session-prefix': shards.slice(6).map(Number),
    };
  });

describe.each<RouteMode>(['full-key', 'session-prefix'])('routing by %s', (route) => {
  it.each(SHARD_COUNTS)('finds the shards of the crate among %i', (shards) => {
    const engine = newEngine({ shards, route });
    const column = SHARD_COUNTS.indexOf(shards);
    expect(routes.length).toBeGreaterThan(500);
    for (const expected of routes) {
      const place = engine.route(expected.key);
      const at = `key ${expected.key.toString('hex')}`;
      expect(place, at).toEqual({ hash: expected.hash, shard: expected[route][column] });
    }
  });
});

describe('routing by session prefix', () => {
  const engine = newEngine({ shards: 1024, route: 'session-prefix' });
  const shardOf = (key: string) => engine.route(Buffer.from(key)).shard;

  it("keeps a session's chunks together", () => {
    for (let chunk = 0; chunk < 50; chunk++) expect(shardOf(`s:abc:c:${chunk}`)).toBe(shardOf('s:abc:c:0'));
    expect(new Set(Array.from({ length: 50 }, (_, n) => shardOf(`s:${n}:c:0`))).size).toBeGreaterThan(40);
  });

  it('stores, finds and deletes them there', () => {
    const keys = Array.from({ length: 500 }, (_, n) => Buffer.from(`s:${n % 7}:c:${n}`));
    for (const key of keys) engine.set(key, key);
    for (const key of keys) expect(engine.get(key)).toEqual(key);
    expect(engine.watermarks().filter((sequence) => sequence > 0n).length).toBeLessThanOrEqual(7);
    for (const key of keys) expect(engine.del(key)).toBe(true);
    expect(engine.keyCount()).toBe(0);
  });
});

it('the hash is XXH3-64 of the whole key in both modes', () => {
  const key = Buffer.from('s:abc:c:1');
  for (const route of ['full-key', 'session-prefix'] as const) {
    expect(newEngine({ route }).route(key).hash).toBe(xxh3.xxh64(key));
  }
});

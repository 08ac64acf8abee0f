/**
 * The same requests by Zipf's law to redis-server and to ours, with `allkeys-lru` and `allkeys-lfu`: a GET,
 * and when it misses, a SET of the same key. All servers get each batch before the next is sent to any, so
 * that their clocks, which count seconds, see the same.
 *
 * With the same memory ours holds more keys, for a key costs it less: its ratio must not be worse by more
 * than three points. To compare the choice of what goes alone, another primary gets just the memory for as
 * many keys as redis-server holds: the ratios must then be within three points of each other, either way.
 * That this tells the policies apart shows another one, which has as much memory and evicts at random.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EvictionPolicy } from '../../src/engine/memory-limit.js';
import { Primary } from '../../src/index.js';
import { newEngine } from '../support/engines.js';
import { describeWith } from '../support/optional-peers.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

const MEMORY = 4 * 1024 * 1024;
const UNIVERSE = 200_000;
const EXPONENT = 1;
const REQUESTS = 120_000;
const BATCH = 500;
/** From here on the hits count. */
const WARM_AT = REQUESTS / 4;
const value = Buffer.alloc(100, 'v');
const keyOf = (n: number) => `key:${String(n).padStart(8, '0')}`;

describeWith(redisServer, 'hits of a Zipf workload', () => {
  let redis: RedisServer;
  let redisLfu: RedisServer;
  beforeAll(async () => {
    redis = await startRedis('allkeys-lru');
    redisLfu = await startRedis('allkeys-lfu');
  });
  afterAll(() => Promise.all([redis.kill(), redisLfu.kill()]));

  it('are as many as with redis-server', { timeout: 120_000 }, async () => {
    const capacity = await capacityOf(redis);
    const addresses = [
      `127.0.0.1:${redis.port}`,
      `127.0.0.1:${redisLfu.port}`,
      await startPrimary(MEMORY, 'allkeys-lru'),
      await startPrimary(memoryFor(capacity), 'allkeys-lru'),
      await startPrimary(memoryFor(capacity), 'allkeys-lfu'),
      await startPrimary(memoryFor(capacity), 'allkeys-random'),
    ];
    const servers = await Promise.all(addresses.map((address) => Contestant.connect(address)));
    const draw = zipf(new RandomSource(77));
    for (let sent = 0; sent < REQUESTS; sent += BATCH) {
      const keys = Array.from({ length: BATCH }, () => keyOf(draw()));
      await Promise.all(servers.map((server) => server.ask(keys, sent >= WARM_AT)));
    }
    const results = await Promise.all(servers.map((server) => server.finish()));
    const [theirs, theirsLfu, ours, oursWithTheirKeys, oursLfu, random] = results;
    expect(theirs!.keys).toBeLessThan(UNIVERSE / 2);
    expect(ours!.keys).toBeGreaterThan(theirs!.keys);
    expect(ours!.hitPercent).toBeGreaterThan(theirs!.hitPercent - 3);
    expect(Math.abs(oursWithTheirKeys!.keys / theirs!.keys - 1)).toBeLessThan(0.03);
    expect(Math.abs(oursWithTheirKeys!.hitPercent - theirs!.hitPercent)).toBeLessThan(3);
    expect(oursWithTheirKeys!.hitPercent).toBeGreaterThan(random!.hitPercent + 1);
    expect(Math.abs(oursLfu!.keys / theirsLfu!.keys - 1)).toBeLessThan(0.03);
    expect(Math.abs(oursLfu!.hitPercent - theirsLfu!.hitPercent)).toBeLessThan(3);
    expect(oursLfu!.hitPercent).toBeGreaterThan(random!.hitPercent + 1);
  });
});

class Contestant {
  readonly #client: RespClient;
  #asked = 0;
  #hits = 0;

  static async connect(address: string): Promise<Contestant> {
    return new Contestant(await RespClient.connect(address));
  }

  private constructor(client: RespClient) {
    this.#client = client;
  }

  async ask(keys: readonly string[], counts: boolean): Promise<void> {
    const replies = await this.#client.pipeline(keys.map((key) => ['GET', key]));
    const missing = keys.filter((_, index) => replies[index] === null);
    if (counts) {
      this.#asked += keys.length;
      this.#hits += keys.length - missing.length;
    }
    const stored = await this.#client.pipeline(missing.map((key) => ['SET', key, value]));
    expect(stored.every((reply) => reply === '+OK')).toBe(true);
  }

  async finish(): Promise<{ hitPercent: number; keys: number }> {
    const keys = (await this.#client.command('DBSIZE')) as number;
    this.#client.close();
    return { hitPercent: (100 * this.#hits) / this.#asked, keys };
  }
}

const primaries: Primary[] = [];
afterAll(async () => {
  await Promise.all(primaries.map((primary) => primary.close()));
});

/** Returns the address for clients. */
async function startPrimary(maxMemoryBytes: number, eviction: EvictionPolicy): Promise<string> {
  const primary = await Primary.start({ bind: ':0', listen: ':0', maxMemoryBytes, eviction });
  primaries.push(primary);
  return primary.listenAddress!;
}

function startRedis(policy: EvictionPolicy): Promise<RedisServer> {
  return RedisServer.start('--maxmemory', String(MEMORY), '--maxmemory-policy', policy);
}

/** How many of the keys fit into redis-server beside the buffers of a client that asks as the others do. */
async function capacityOf(redis: RedisServer): Promise<number> {
  const contestant = await Contestant.connect(`127.0.0.1:${redis.port}`);
  for (let n = 0; n < UNIVERSE / 8; n += BATCH) {
    const keys = Array.from({ length: BATCH }, (_, i) => keyOf(n + i));
    await contestant.ask(keys, false);
    await contestant.ask(keys, false);
  }
  const { keys } = await contestant.finish();
  const flushing = await RespClient.connect(`127.0.0.1:${redis.port}`);
  await flushing.command('FLUSHALL');
  flushing.close();
  return keys;
}

/** Returns the memory that so many keys take in a store of ours. */
function memoryFor(keys: number): number {
  const engine = newEngine();
  for (let n = 0; n < keys; n++) engine.set(Buffer.from(keyOf(n)), value);
  return engine.usedBytes();
}

/** Draws ranks by Zipf's law from 0 on. */
function zipf(random: RandomSource): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= UNIVERSE; rank++) {
    sum += rank ** -EXPONENT;
    sums.push(sum);
  }
  return () => {
    const at = (random.u32() / 2 ** 32) * sum;
    let low = 0;
    let high = UNIVERSE - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

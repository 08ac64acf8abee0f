/**
 * SET and GET through redis-benchmark at pipeline 1, 16 and 64, ours and redis-server side by side, each with
 * one replica attached: `npm run bench`. The two take turns, so that a machine that slows down slows both;
 * what counts is the median of the rounds' ratios.
 */
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RedisServer, redisBenchmark, redisCli } from '../support/redis.js';
import { median } from './statistics.js';

export interface ClientBenchOptions {
  rounds: number;
  /** Share of the usual number of requests, for a smoke run. */
  scale: number;
}

export interface ClientFigure {
  test: 'SET' | 'GET';
  pipeline: number;
  /** Requests a second, medians. */
  fastcache: number;
  redis: number;
  /**
   * Median of the rounds' ratios: each is of two runs side by side, so that it is not moved by what comes and
   * goes.
   */
  ratio: number;
}

const KEYS = 1_000_000;
const VALUE_BYTES = 64;
const CLIENTS = 50;
const REQUESTS: Record<number, number> = { 1: 120_000, 16: 1_000_000, 64: 2_000_000 };

interface Rival {
  port: number;
  stop(): Promise<unknown>;
}

export async function benchClients({ rounds, scale }: ClientBenchOptions): Promise<ClientFigure[]> {
  const fastcache = await startFastcache();
  const redis = await startRedis();
  try {
    const figures: ClientFigure[] = [];
    for (const test of ['SET', 'GET'] as const) {
      for (const pipeline of [1, 16, 64]) {
        const requests = Math.max(1000, Math.round(REQUESTS[pipeline]! * scale));
        const rates: [number[], number[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          rates[0].push(await measure(fastcache.port, test, pipeline, requests));
          rates[1].push(await measure(redis.port, test, pipeline, requests));
        }
        const [ours, theirs] = rates.map(median) as [number, number];
        const ratio = median(rates[0].map((rate, round) => rate / rates[1][round]!));
        figures.push({ test, pipeline, fastcache: ours, redis: theirs, ratio });
      }
    }
    return figures;
  } finally {
    await fastcache.stop();
    await redis.stop();
  }
}

async function measure(port: number, test: string, pipeline: number, requests: number): Promise<number> {
  const flags = { t: test.toLowerCase(), r: KEYS, d: VALUE_BYTES, c: CLIENTS, P: pipeline, n: requests };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, String(value)]);
  const rates = await redisBenchmark(port, ...args);
  return rates[test]!;
}

async function startFastcache(): Promise<Rival> {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0']);
  const { bind, listen } = await primary.event('ready');
  const replica = new FastcacheProcess(['replica', 'follow', String(bind), '--listen', ':0']);
  await replica.event('caught-up');
  return {
    port: Number(String(listen).split(':').at(-1)),
    stop: () => Promise.all([primary.kill(), replica.kill()]),
  };
}

async function startRedis(): Promise<Rival> {
  const primary = await RedisServer.start();
  const replica = await RedisServer.start('--replicaof', `127.0.0.1 ${primary.port}`);
  await eventually(
    () => redisCli(replica.port, 'info', 'replication'),
    (text) => text.includes('master_link_status:up'),
  );
  return { port: primary.port, stop: () => Promise.all([primary.kill(), replica.kill()]) };
}

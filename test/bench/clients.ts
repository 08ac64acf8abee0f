/**
 * SET and GET through redis-benchmark at pipeline 1, 16 and 64, ours and redis-server side by side, each with
 * one replica attached: `npm run bench`. The two take turns, so that a machine that slows down slows both;
 * what counts is the median of the rounds' ratios.
 */
import { redisBenchmark } from '../support/redis.js';
import { startFastcache, startRedis } from './rivals.js';
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
          rates[0].push(await measure(fastcache.primaryPort, test, pipeline, requests));
          rates[1].push(await measure(redis.primaryPort, test, pipeline, requests));
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

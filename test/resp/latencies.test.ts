/** Latencies: buckets and percentiles, and what a server counts of commands in the kernel and outside. */
import { expect, it } from 'vitest';
import {
  Latencies,
  type LatencyRow,
  latencyBucket,
  latencyDistribution,
  latencyPercentile,
  totalOf,
} from '../../src/resp/latencies.js';
import { connect, say, start } from '../support/open-front.js';

const row = (name: string, ...us: number[]): LatencyRow => {
  const latencies = new Latencies({ rows: () => [], forget: () => {} });
  for (const each of us) latencies.record(name, each);
  return latencies.rows()[0]!;
};

it('a time is in a bucket whose upper bound is above it, by an eighth at most', () => {
  for (let us = 0.064; us < 1e6; us *= 1.01) {
    const bound = latencyPercentile(row('get', us).counts, 100);
    expect(bound).toBeGreaterThan(us);
    expect(bound).toBeLessThanOrEqual(us * 1.126);
  }
  expect(latencyBucket(0)).toBe(0);
  expect(latencyBucket(1e12)).toBe(191);
  expect(latencyBucket(Number.POSITIVE_INFINITY)).toBe(191);
});

it('percentiles and distributions count calls from the shortest on', () => {
  const times = Array.from({ length: 1000 }, (_, n) => n + 1);
  const { counts } = row('get', ...times);
  expect(totalOf(counts)).toBe(1000);
  for (const percent of [50, 99, 99.9]) {
    expect(latencyPercentile(counts, percent)).toBeGreaterThanOrEqual(percent * 10);
    expect(latencyPercentile(counts, percent)).toBeLessThan(percent * 10 * 1.126);
  }
  expect(latencyPercentile(counts, 0)).toBeLessThan(1.2);
  const distribution = latencyDistribution(counts);
  expect(distribution.map(([us]) => us)).toEqual([1, 2, 4, 8, 16, 32, 65, 131, 262, 524, 1048]);
  expect(distribution.at(-1)).toEqual([1048, 1000]);
  expect(latencyDistribution(row('get', 0.1, 0.2, 3).counts)).toEqual([
    [1, 2],
    [4, 3],
  ]);
});

it('kernels that are replaced and resets are taken account of', () => {
  let kernel: LatencyRow[] = [row('get', 1, 1)];
  const latencies = new Latencies({
    rows: () => kernel,
    forget: () => {
      kernel = [];
    },
  });
  latencies.record('get', 5);
  latencies.kernelGoes();
  kernel = [row('get', 2), row('set', 1)];
  const totals = () => latencies.rows().map(({ name, counts }) => [name, totalOf(counts)]);
  expect(totals()).toEqual([
    ['get', 4],
    ['set', 1],
  ]);
  latencies.reset();
  expect(totals()).toEqual([]);
});

it('a server counts commands of the kernel, of pipelines too, and of JavaScript', async () => {
  const { primary } = await start();
  const client = await connect(primary);
  await client.pipeline([
    ...Array.from({ length: 50 }, () => ['GET', 'k']),
    ['SET', 'k', 'v'],
    ['INCR', 'k'],
  ]);
  await say(client, 'GETRANGE', 'k', '0', '1');
  const calls = async (...names: string[]) => {
    const found = (await client.command('LATENCY', 'HISTOGRAM', ...names)) as unknown[];
    return Object.fromEntries(
      found.flatMap((name, at) => (at % 2 === 0 ? [[name, (found[at + 1] as unknown[])[1]]] : [])),
    );
  };
  expect(await calls('get', 'set', 'incr', 'getrange', 'nosuch', 'del')).toEqual({
    get: 50,
    set: 1,
    incr: 1,
    getrange: 1,
  });
  expect(await calls('latency')).toEqual({ 'latency|histogram': 1 });
  expect(await say(client, 'INFO', 'latencystats')).toMatch(
    /^# Latencystats\r\nlatency_percentiles_usec_get:p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}\r\n/,
  );
  await say(
    client,
    'CONFIG',
    'SET',
    'latency-tracking',
    'no',
    'latency-tracking-info-percentiles',
    '10 99.95',
  );
  await say(client, 'GET', 'k');
  expect(await say(client, 'INFO', 'latencystats')).toBe('# Latencystats\r\n');
  await say(client, 'CONFIG', 'SET', 'latency-tracking', 'yes');
  expect(await calls('get')).toEqual({ get: 50 });
  await say(client, 'GET', 'k');
  expect(await calls('get')).toEqual({ get: 51 });
  expect(await say(client, 'INFO', 'latencystats')).toMatch(/_get:p10=\S+,p99\.95=\d+\.\d{3}\r\n/);
  await say(client, 'CONFIG', 'RESETSTAT');
  expect(await calls('get')).toEqual({});
});

it('a server counts errors by their word, of scripts once', async () => {
  const { primary } = await start();
  const client = await connect(primary);
  await say(client, 'SET', 'k', 'text');
  await client.pipeline([
    ['INCR', 'k'],
    ['GET'],
    ['NOSUCH'],
    ['AUTH', 'a', 'b'],
    ['EVALSHA', 'f'.repeat(40), '0'],
    ['EVAL', "return redis.call('INCR', KEYS[1])", '1', 'k'],
    ['EVAL', "return redis.error_reply('MINE of a script')", '0'],
    ['MULTI'],
    ['INCR', 'k'],
    ['EXEC'],
  ]);
  const text = await say(client, 'INFO', 'errorstats');
  expect(text.split('\r\n').slice(1, -1)).toEqual([
    'errorstat_ERR:count=5',
    'errorstat_MINE:count=1',
    'errorstat_NOSCRIPT:count=1',
    'errorstat_WRONGPASS:count=1',
  ]);
  expect(await say(client, 'INFO', 'stats')).toContain('\r\ntotal_error_replies:8\r\n');
});

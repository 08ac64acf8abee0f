/**
 * Clients through redis-benchmark, ours and redis-server side by side, each with replicas attached that apply
 * what they are sent: `npm run bench`. The servers take turns, so that a machine that slows down slows all.
 * The median of the rounds' ratios counts.
 */
import { type RedisBenchmark, redisBenchmark } from '../support/redis.js';
import { cpuMs } from './process-figures.js';
import { type Rival, startRivals } from './rivals.js';
import { median } from './statistics.js';

export interface ClientBenchOptions {
  rounds: number;
  /** Share of the usual number of requests, for a smoke run. */
  scale: number;
  /** Another redis-server to compare with, beside the one on the PATH. */
  otherRedis: string | undefined;
}

/** A row of the table. */
interface Row {
  readonly test: 'SET' | 'GET' | 'INCR';
  readonly valueBytes: number;
  readonly pipeline: number;
  readonly requests: number;
  readonly replicas: number;
}

/** How a server did in a row: medians of the rounds. */
export interface ServerFigure extends RedisBenchmark {
  /** CPU time of the primary a request; undefined where the system does not say. */
  readonly cpuUs: number | undefined;
}

/** Ours beside another server, median, least and most of the rounds. */
export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface ClientFigure extends Row {
  readonly fastcache: ServerFigure;
  readonly redis: ServerFigure;
  readonly ratio: Ratio;
  readonly otherRedis: ServerFigure | undefined;
  readonly otherRatio: Ratio | undefined;
}

const SMALL_BYTES = 64;
const CLIENTS = 50;
/** Keys that values of so many bytes at least have, lest memory run out. */
const KEYS: readonly (readonly [number, number])[] = [
  [16_384, 1_000],
  [1_024, 20_000],
  [0, 1_000_000],
];
const ROWS: readonly Row[] = [
  ...(['SET', 'GET'] as const).flatMap((test) =>
    [
      [1, 120_000],
      [16, 1_000_000],
      [64, 2_000_000],
    ].map(([pipeline, requests]) => row(test, SMALL_BYTES, pipeline!, requests!)),
  ),
  row('INCR', SMALL_BYTES, 16, 1_000_000),
  row('SET', 1_024, 16, 500_000),
  row('SET', 16_384, 16, 50_000),
  row('SET', 262_144, 16, 4_000),
  { ...row('SET', SMALL_BYTES, 64, 1_000_000), replicas: 8 },
];

export async function benchClients({
  rounds,
  scale,
  otherRedis,
}: ClientBenchOptions): Promise<ClientFigure[]> {
  const figures: ClientFigure[] = [];
  for (const replicas of new Set(ROWS.map((each) => each.replicas))) {
    const rivals = await startRivals(otherRedis, { replicas });
    try {
      const rows = ROWS.filter((each) => each.replicas === replicas);
      for (const each of rows) figures.push(await benchRow(rivals, scaled(each, scale), rounds));
    } finally {
      for (const rival of rivals) await rival.stop();
    }
  }
  return figures;
}

async function benchRow(rivals: readonly Rival[], each: Row, rounds: number): Promise<ClientFigure> {
  const runs = rivals.map((): ServerFigure[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, rival] of rivals.entries()) runs[index]!.push(await measure(rival, each));
  }
  const [fastcache, redis, otherRedis] = runs.map(medians);
  const ratioTo = (other: readonly ServerFigure[]): Ratio => {
    const ratios = runs[0]!.map(({ perSecond }, round) => perSecond / other[round]!.perSecond);
    return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
  };
  return {
    ...each,
    fastcache: fastcache!,
    redis: redis!,
    ratio: ratioTo(runs[1]!),
    otherRedis,
    otherRatio: runs[2] && ratioTo(runs[2]),
  };
}

async function measure(rival: Rival, { test, valueBytes, pipeline, requests }: Row): Promise<ServerFigure> {
  const keys = KEYS.find(([least]) => valueBytes >= least)![1];
  const flags = { t: test.toLowerCase(), r: keys, d: valueBytes, c: CLIENTS, P: pipeline, n: requests };
  const before = cpuMs(rival.primaryPid);
  const benchmark = (await redisBenchmark(rival.primaryPort, flags))[test]!;
  const after = cpuMs(rival.primaryPid);
  const spentMs = before === undefined || after === undefined ? undefined : after - before;
  return { ...benchmark, cpuUs: spentMs === undefined ? undefined : (spentMs * 1_000) / requests };
}

function medians(runs: readonly ServerFigure[]): ServerFigure {
  const of = (part: (run: ServerFigure) => number) => median(runs.map(part));
  const isCounted = runs.every(({ cpuUs }) => cpuUs !== undefined);
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuUs: isCounted ? of(({ cpuUs }) => cpuUs!) : undefined,
  };
}

function row(test: Row['test'], valueBytes: number, pipeline: number, requests: number): Row {
  return { test, valueBytes, pipeline, requests, replicas: 1 };
}

function scaled(each: Row, scale: number): Row {
  return { ...each, requests: Math.max(1_000, Math.round(each.requests * scale)) };
}

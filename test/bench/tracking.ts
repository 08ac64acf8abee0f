/**
 * The cost of CLIENT TRACKING for clients that read: GETs of redis-benchmark's clients with and without it,
 * in turns, of keys that come again and again.
 */
import { redisBenchmark } from '../support/redis.js';
import { cpuMs } from './process-figures.js';
import { type Rival, startRivals } from './rivals.js';
import { median } from './statistics.js';

const REQUESTS = 1_000_000;
const KEYS = 100_000;

/** Medians of the rounds; a server's CPU time a request is undefined where the system does not say. */
export interface TrackingFigure {
  readonly plainPerSecond: number;
  readonly trackingPerSecond: number;
  readonly plainCpuUs: number;
  readonly trackingCpuUs: number;
  /** How many times slower a GET is while its client tracks, by CPU time. */
  readonly slowdown: number;
}

export async function benchTracking({
  rounds,
  scale,
}: {
  rounds: number;
  scale: number;
}): Promise<Readonly<Record<string, TrackingFigure>>> {
  const rivals = await startRivals();
  const requests = Math.max(10_000, Math.round(REQUESTS * scale));
  try {
    const figures: Record<string, TrackingFigure> = {};
    for (const rival of rivals) {
      await redisBenchmark(rival.primaryPort, { t: 'set', r: KEYS, n: KEYS, P: 64, d: 64 });
      figures[rival.name] = await benchRival(rival, rounds, requests);
    }
    return figures;
  } finally {
    for (const rival of rivals) await rival.stop();
  }
}

async function benchRival(rival: Rival, rounds: number, requests: number): Promise<TrackingFigure> {
  const plain: Run[] = [];
  const tracking: Run[] = [];
  for (let round = 0; round < rounds; round += 1) {
    plain.push(await run(rival, requests));
    tracking.push(await run(rival, requests, true));
  }
  const rate = (runs: readonly Run[]) => median(runs.map(({ perSecond }) => perSecond));
  const cpu = (runs: readonly Run[]) => median(runs.map(({ cpuUs }) => cpuUs));
  return {
    plainPerSecond: rate(plain),
    trackingPerSecond: rate(tracking),
    plainCpuUs: cpu(plain),
    trackingCpuUs: cpu(tracking),
    slowdown: median(tracking.map(({ cpuUs }, round) => cpuUs / plain[round]!.cpuUs)),
  };
}

interface Run {
  readonly perSecond: number;
  /** NaN where the system does not say. */
  readonly cpuUs: number;
}

async function run({ primaryPid, primaryPort }: Rival, requests: number, tracks = false): Promise<Run> {
  const flags = { t: 'get', r: KEYS, n: requests, P: 16, c: 50 } as const;
  const before = cpuMs(primaryPid) ?? Number.NaN;
  const all = await redisBenchmark(primaryPort, tracks ? { ...flags, '-enable-tracking': true } : flags);
  const spentMs = (cpuMs(primaryPid) ?? Number.NaN) - before;
  return { perSecond: all.GET!.perSecond, cpuUs: (spentMs * 1_000) / requests };
}

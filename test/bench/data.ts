/**
 * The cost of keeping writes on a disk: redis-benchmark by turns on ours without and with a data directory,
 * and on redis-server with an append-only file, synced alike. No server has a replica. A round that does not
 * count comes first, in which ours compiles its code.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastcacheProcess } from '../support/processes.js';
import { RedisServer, redisBenchmark } from '../support/redis.js';
import { portOf } from './joining.js';
import { residentBytes } from './process-figures.js';
import { median } from './statistics.js';

/** Of each row one line: so many clients, so many requests in flight each, and values of so many bytes. */
const ROWS = [
  { fsync: 'everysec', clients: 50, valueBytes: 64, pipeline: 64, requests: 2_000_000 },
  { fsync: 'everysec', clients: 50, valueBytes: 1_024, pipeline: 64, requests: 500_000 },
  { fsync: 'everysec', clients: 50, valueBytes: 64, pipeline: 1, requests: 100_000 },
  { fsync: 'always', clients: 8, valueBytes: 64, pipeline: 1, requests: 40_000 },
  { fsync: 'always', clients: 50, valueBytes: 64, pipeline: 1, requests: 100_000 },
  { fsync: 'always', clients: 50, valueBytes: 64, pipeline: 16, requests: 400_000 },
] as const;
const KEYS = 100_000;
const SAMPLE_MS = 50;

type Fsync = (typeof ROWS)[number]['fsync'];

interface Rival {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<unknown>;
}

/** The three that one row compares. */
interface Rivals {
  readonly without: Rival;
  readonly kept: Rival;
  readonly redis: Rival;
}

/** Medians of the rounds. */
export interface DataFigure {
  readonly fsync: Fsync;
  readonly clients: number;
  readonly valueBytes: number;
  readonly pipeline: number;
  /** Requests a second of ours without a directory, of ours with it, and of redis-server. */
  readonly perSecond: Readonly<Record<keyof Rivals, number>>;
  /** Ours with a directory beside ours without, and beside redis-server: the ratio of each round. */
  readonly ofWithout: readonly number[];
  readonly ofRedis: readonly number[];
  /** The most resident memory that ours had during the rounds, with the directory less without, bytes. */
  readonly memoryBytes: number;
}

/** Each row has servers of its own, so that none has the keys of the row before. */
export async function benchData({ rounds, scale }: { rounds: number; scale: number }): Promise<DataFigure[]> {
  const figures: DataFigure[] = [];
  for (const row of ROWS) {
    const directory = mkdtempSync(join(tmpdir(), 'fastcache-bench-'));
    const rivals = await startRivals(directory, row.fsync);
    try {
      figures.push(await benchRow(rivals, row, { rounds, scale }));
    } finally {
      for (const rival of Object.values(rivals)) await rival.stop();
      rmSync(directory, { recursive: true });
    }
  }
  return figures;
}

async function benchRow(
  rivals: Rivals,
  { fsync, clients, valueBytes, pipeline, requests }: (typeof ROWS)[number],
  { rounds, scale }: { rounds: number; scale: number },
): Promise<DataFigure> {
  const n = Math.max(5_000, Math.round(requests * scale));
  const flags = { t: 'set', c: clients, P: pipeline, d: valueBytes, r: KEYS, n };
  const rates: Record<keyof Rivals, number[]> = { without: [], kept: [], redis: [] };
  const peaks: Record<keyof Rivals, number> = { without: 0, kept: 0, redis: 0 };
  for (let round = -1; round < rounds; round += 1) {
    for (const name of ['without', 'kept', 'redis'] as const) {
      const { pid, port } = rivals[name];
      const sampling = setInterval(() => {
        peaks[name] = Math.max(peaks[name], residentBytes(pid));
      }, SAMPLE_MS);
      const { SET } = await redisBenchmark(port, flags);
      clearInterval(sampling);
      if (round >= 0) rates[name].push(SET!.perSecond);
    }
  }
  const ratios = (of: number[]) => rates.kept.map((rate, round) => rate / of[round]!);
  const perSecond = {
    without: median(rates.without),
    kept: median(rates.kept),
    redis: median(rates.redis),
  };
  return {
    fsync,
    clients,
    valueBytes,
    pipeline,
    perSecond,
    ofWithout: ratios(rates.without),
    ofRedis: ratios(rates.redis),
    memoryBytes: peaks.kept - peaks.without,
  };
}

async function startRivals(directory: string, fsync: Fsync): Promise<Rivals> {
  const redisFiles = join(directory, 'redis');
  mkdirSync(redisFiles);
  const redis = await RedisServer.start(
    ...['--dir', redisFiles, '--appendonly', 'yes', '--appendfsync', fsync],
  );
  return {
    without: await startOurs(),
    kept: await startOurs('--data', join(directory, 'data'), '--fsync', fsync),
    redis: { pid: redis.pid, port: redis.port, stop: () => redis.kill() },
  };
}

async function startOurs(...flags: string[]): Promise<Rival> {
  const server = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0', ...flags]);
  const { listen } = await server.event('ready');
  return { pid: server.pid, port: portOf(listen), stop: () => server.kill() };
}

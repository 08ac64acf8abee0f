/**
 * `npm run bench:plots [-- --scale 0.05] [--rounds N] [--plot NAME …]`: how cost grows with the size of
 * values, shards, replicas, keys and clients, ours and redis-server by turns; `--scale` is the share of the
 * requests. Writes docs/plots/NAME.svg for each, and the figures to dist/bench-plots.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { redisBenchmark } from '../support/redis.js';
import { drawPlot, type Line, type Plot } from './draw.js';
import { fill } from './joining.js';
import { type Rival, startFastcache, startRivals } from './rivals.js';
import { median } from './statistics.js';

/** Flags of redis-benchmark. */
interface Load {
  readonly test: 'SET' | 'GET';
  readonly valueBytes: number;
  readonly pipeline: number;
  readonly clients: number;
  readonly keys: number;
  readonly requests: number;
}

interface Point {
  readonly x: number;
  readonly load: Load;
}

const USUAL: Load = {
  test: 'SET',
  valueBytes: 64,
  pipeline: 16,
  clients: 50,
  keys: 1_000_000,
  requests: 500_000,
};
const VALUE_BYTES = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const SHARDS = [1, 2, 4, 8, 16, 32, 64];
const REPLICAS = [1, 2, 4, 8, 16];
const KEYS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const CLIENTS = [1, 10, 100, 1_000];
/** Bytes that a run sends at most, and that a store holds. */
const RUN_BYTES = 1e9;
const STORE_BYTES = 5e8;

const plots: Readonly<Record<string, () => Promise<Plot>>> = { values, shards, replicas, keys, clients };

const { values: given } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    plot: { type: 'string', multiple: true, default: Object.keys(plots) },
  },
});
const scale = Number(given.scale);
const rounds = Number(given.rounds);
const drawn: Record<string, Plot> = {};
mkdirSync('docs/plots', { recursive: true });
for (const name of given.plot) {
  const plot = await plots[name]?.();
  if (plot === undefined)
    throw new Error(`There is no plot ${name}; there are ${Object.keys(plots).join()}.`);
  writeFileSync(`docs/plots/${name}.svg`, drawPlot(plot));
  drawn[name] = plot;
  console.log(name, JSON.stringify(plot.lines));
}
writeFileSync('dist/bench-plots.json', `${JSON.stringify(drawn, null, 2)}\n`);

async function values(): Promise<Plot> {
  const points = VALUE_BYTES.map((valueBytes): Point => {
    const requests = Math.min(USUAL.requests, Math.round(RUN_BYTES / valueBytes));
    const held = Math.max(16, Math.min(USUAL.keys, Math.round(STORE_BYTES / valueBytes)));
    return { x: valueBytes, load: { ...USUAL, valueBytes, requests, keys: held } };
  });
  const lines = await withRivals((rivals) => linesOf(rivals, points));
  return { title: 'SET, pipeline 16', xName: 'bytes of a value', yName: 'requests a second', lines };
}

async function shards(): Promise<Plot> {
  const load = { ...USUAL, pipeline: 64 };
  const points: [number, number][] = [];
  for (const count of SHARDS) {
    const rival = await startFastcache({ flags: ['--shards', String(count)] });
    try {
      const [line] = await linesOf([rival], [{ x: count, load }]);
      points.push([...line!.points[0]!]);
    } finally {
      await rival.stop();
    }
  }
  const lines = [{ name: 'fastcache', points }];
  return { title: 'SET of 64 bytes, pipeline 64', xName: 'shards', yName: 'requests a second', lines };
}

async function replicas(): Promise<Plot> {
  const load = { ...USUAL, pipeline: 64 };
  const lines = await grown(REPLICAS, (count) =>
    withRivals((rivals) => linesOf(rivals, [{ x: count, load }]), count),
  );
  return { title: 'SET of 64 bytes, pipeline 64', xName: 'replicas', yName: 'requests a second', lines };
}

async function keys(): Promise<Plot> {
  const lines = await withRivals((rivals) =>
    grown(KEYS, async (count) => {
      for (const { primaryPort } of rivals) await fill(primaryPort, count);
      const sets = await linesOf(rivals, [{ x: count, load: { ...USUAL, keys: count } }]);
      const gets = await linesOf(rivals, [{ x: count, load: { ...USUAL, keys: count, test: 'GET' } }]);
      return [...named(sets, 'SET'), ...named(gets, 'GET').map((line) => ({ ...line, isDashed: true }))];
    }),
  );
  return { title: '64 bytes, pipeline 16', xName: 'keys', yName: 'requests a second', lines };
}

async function clients(): Promise<Plot> {
  const points = CLIENTS.map((count): Point => ({ x: count, load: { ...USUAL, clients: count } }));
  const lines = await withRivals((rivals) => linesOf(rivals, points));
  return { title: 'SET of 64 bytes, pipeline 16', xName: 'clients', yName: 'requests a second', lines };
}

async function withRivals<T>(body: (rivals: Rival[]) => Promise<T>, replicaCount = 1): Promise<T> {
  const rivals = await startRivals(process.env.REDIS_SERVER, { replicas: replicaCount });
  try {
    return await body(rivals);
  } finally {
    for (const rival of rivals) await rival.stop();
  }
}

/** Measures one point after the other, and joins the pieces of each line. */
async function grown(xs: readonly number[], measure: (x: number) => Promise<Line[]>): Promise<Line[]> {
  const pieces: Line[][] = [];
  for (const x of xs) pieces.push(await measure(x));
  return pieces[0]!.map((first, index) => ({
    ...first,
    points: pieces.flatMap((lines) => lines[index]!.points),
  }));
}

/** Returns a line for each server: medians of rounds, in which they take turns. */
async function linesOf(rivals: readonly Rival[], points: readonly Point[]): Promise<Line[]> {
  const lines = rivals.map(({ label }) => ({ name: label, points: [] as [number, number][] }));
  for (const { x, load } of points) {
    const rates = rivals.map((): number[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, rival] of rivals.entries()) rates[index]!.push(await rateOf(rival, load));
    }
    for (const [index, { points: measured }] of lines.entries()) measured.push([x, median(rates[index]!)]);
  }
  return lines;
}

async function rateOf({ primaryPort }: Rival, load: Load): Promise<number> {
  const { test, valueBytes, pipeline, clients: count, keys: held, requests } = load;
  const n = Math.max(200, Math.round(requests * scale));
  const flags = { t: test.toLowerCase(), d: valueBytes, P: pipeline, c: count, r: held, n };
  return Math.round((await redisBenchmark(primaryPort, flags))[test]!.perSecond);
}

function named(lines: readonly Line[], test: string): Line[] {
  return lines.map(({ name, points }) => ({ name: `${name}, ${test}`, points }));
}

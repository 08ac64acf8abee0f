/**
 * Times servers that load the same keys, ours and redis-server by turns (docs/performance.md, "Loading"):
 * `npm run bench:loading [-- --keys 100000] [-- --rounds 1]`. A tenth of the keys is written once more behind
 * the snapshot, to ours and to the file of commands that Redis keeps. The time that a server without any
 * content takes to start is taken off.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FastcacheProcess } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';
import { fill, portOf } from './joining.js';
import { median } from './statistics.js';

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
});
const KEYS = Number(values.keys);
const ROUNDS = Number(values.rounds);
const POLL_MS = 5;

interface Running {
  port: number;
  stop(): Promise<unknown>;
}

interface Loading {
  name: string;
  isRedis: boolean;
  keys: number;
  start(): Promise<Running>;
}

const directory = mkdtempSync(join(tmpdir(), 'fastcache-bench-'));
const [redisFiles, empty, data, dump] = ['redis', 'empty', 'data', 'dump.fcrp'].map((name) =>
  join(directory, name),
) as [string, string, string, string];

async function startOurs(...flags: string[]): Promise<Running> {
  const server = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0', ...flags]);
  const { listen } = await server.event('ready');
  return { port: portOf(listen), stop: () => server.kill('SIGTERM') };
}

async function startRedis(files: string, ...flags: string[]): Promise<Running> {
  const server = await RedisServer.start('--dir', files, '--dbfilename', 'dump.rdb', ...flags);
  return { port: server.port, stop: () => server.kill('SIGTERM') };
}

/** Resolves with the reply when it is as it must be. */
async function until(port: number, command: string[], isDone: (reply: string) => boolean): Promise<void> {
  const client = await RespClient.connect(`127.0.0.1:${port}`);
  while (!isDone(String(await client.command(...command)))) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  client.close();
}

async function prepare(): Promise<void> {
  const redis = await startRedis(redisFiles, '--appendonly', 'yes');
  await fill(redis.port, KEYS);
  await until(redis.port, ['BGREWRITEAOF'], () => true);
  await until(redis.port, ['INFO', 'persistence'], (info) => info.includes('aof_rewrite_in_progress:0'));
  await fill(redis.port, KEYS / 10);
  await until(redis.port, ['SAVE'], () => true);
  await redis.stop();
  const ours = await startOurs('--load', join(redisFiles, 'dump.rdb'), '--data', data);
  const base = await runCommand(['data', 'base', `127.0.0.1:${ours.port}`]);
  if (base.status !== 0) throw new Error(base.stderr);
  await fill(ours.port, KEYS / 10);
  await ours.stop();
  const restored = await runCommand(['data', 'restore', data, '-o', dump]);
  if (restored.status !== 0) throw new Error(restored.stderr);
}

/** Milliseconds from the start of a server until it has all keys. */
async function timeMs({ keys, start }: Loading): Promise<number> {
  const begun = performance.now();
  const server = await start();
  await until(server.port, ['DBSIZE'], (reply) => reply === String(keys));
  const tookMs = performance.now() - begun;
  await server.stop();
  return tookMs;
}

const loadings: readonly Loading[] = [
  { name: 'fastcache, nothing', isRedis: false, keys: 0, start: () => startOurs() },
  { name: 'fastcache, --data', isRedis: false, keys: KEYS, start: () => startOurs('--data', data) },
  { name: 'fastcache, --load of a dump', isRedis: false, keys: KEYS, start: () => startOurs('--load', dump) },
  {
    name: 'fastcache, --load of an RDB file',
    isRedis: false,
    keys: KEYS,
    start: () => startOurs('--load', join(redisFiles, 'dump.rdb')),
  },
  { name: 'redis-server, nothing', isRedis: true, keys: 0, start: () => startRedis(empty) },
  { name: 'redis-server, RDB file', isRedis: true, keys: KEYS, start: () => startRedis(redisFiles) },
  {
    name: 'redis-server, AOF',
    isRedis: true,
    keys: KEYS,
    start: () => startRedis(redisFiles, '--appendonly', 'yes'),
  },
];

mkdirSync(redisFiles);
mkdirSync(empty);
await prepare();
const times = new Map<Loading, number[]>(loadings.map((loading) => [loading, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const loading of loadings) times.get(loading)!.push(await timeMs(loading));
}
rmSync(directory, { recursive: true });

const medianMs = (loading: Loading) => median(times.get(loading)!);
const startMs = (isRedis: boolean) =>
  medianMs(loadings.find((each) => each.isRedis === isRedis && each.keys === 0)!);
const loadMs = (loading: Loading) => medianMs(loading) - startMs(loading.isRedis);
const [rdb, aof] = ['RDB file', 'AOF'].map(
  (kind) => loadings.find(({ name }) => name === `redis-server, ${kind}`)!,
);
console.log(`${KEYS} keys, 64-byte values, a tenth written twice; medians of ${ROUNDS}`);
for (const loading of loadings) {
  const ms = loadMs(loading);
  const shown =
    loading.keys === 0
      ? `${medianMs(loading).toFixed(0).padStart(7)} ms to start`
      : `${ms.toFixed(0).padStart(7)} ms  ${Math.round(KEYS / (ms / 1000)).toLocaleString('en')} keys/s` +
        `  x${(loadMs(rdb!) / ms).toFixed(2)} of Redis' RDB  x${(loadMs(aof!) / ms).toFixed(2)} of its AOF`;
  console.log(`${loading.name.padEnd(34)} ${shown}`);
}

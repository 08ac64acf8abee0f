/**
 * Replicas that join a primary under a full-speed writer, ours and redis-server side by side: `npm run
 * bench:bootstrap [-- --part joins|latency|crowd|redis] [-- --scale 0.05] [-- --out FILE]`. One million keys,
 * a backlog of 1 MiB, redis-benchmark with SET at pipeline 64.
 *
 * - joins: twenty joins of a replica one after the other; how many snapshots that took, and how much memory
 *   the primary took meanwhile above what it had in the second before.
 * - latency: the writers' p99, as redis-benchmark tells it, without a replica and while one joins again and
 *   again.
 * - crowd: one joiner, and sixteen at once, without a writer: the primary's own count of its time in scan and
 *   encode, and its whole CPU time, of which the rest is the sockets'. The joiners only read, so that the
 *   machine is the primary's.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { FastcacheProcess, LineProcess } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { fill, type Joiner, portOf, startFastcacheJoiner, startRedisJoiner } from './joining.js';
import { cpuMs, residentBytes } from './process-figures.js';
import { median } from './statistics.js';

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: ['joins', 'latency', 'crowd', 'redis'] },
    scale: { type: 'string', default: '1' },
    out: { type: 'string', default: 'dist/bench-bootstrap.json' },
  },
});
const scale = Number(values.scale);
const KEYS = 1_000_000 * scale;
const JOINS = Math.max(1, Math.round(20 * scale));
const WRITES = ['-t', 'set', '-r', String(KEYS), '-d', '64', '-c', '50', '-P', '64'];
const MIB = 1_048_576;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A primary that is written to, and a replica that joins it when it is asked to. */
interface Pair extends Joiner {
  port: number;
  primaryPid: number;
}

interface Ours extends Pair {
  replicationPort: number;
  /** A counter of the primary's. */
  counter(name: string): Promise<number>;
}

async function startOurs(): Promise<Ours> {
  const primary = new FastcacheProcess(
    'primary start --bind :0 --listen :0 --metrics :0 --backlog 1mb'.split(' '),
  );
  const { bind, listen, metrics } = await primary.event('ready');
  const joiner = await startFastcacheJoiner(portOf(bind));
  const counter = async (name: string) => {
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')
        .at(-1),
    );
  };
  const stop = () => Promise.all([primary.kill(), joiner.stop()]);
  return {
    ...joiner,
    stop,
    port: portOf(listen),
    primaryPid: primary.pid,
    replicationPort: portOf(bind),
    counter,
  };
}

async function startRedis(): Promise<Pair> {
  const primary = await RedisServer.start('--repl-backlog-size', '1mb', '--repl-diskless-sync-delay', '0');
  const joiner = await startRedisJoiner(primary.port);
  const stop = () => Promise.all([primary.kill(), joiner.stop()]);
  return { ...joiner, stop, port: primary.port, primaryPid: primary.pid };
}

function startWriter(port: number): LineProcess {
  return new LineProcess('redis-benchmark', ['-p', String(port), ...WRITES, '-n', '1000000000', '-q']);
}

class MemoryWatch {
  #peak = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      this.#peak = Math.max(this.#peak, residentBytes(pid));
    }, 50);
  }

  /** The most since the last call. */
  take(): number {
    const peak = this.#peak;
    this.#peak = 0;
    return peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

async function benchJoins(pair: Pair, joins: number) {
  const writer = startWriter(pair.port);
  const memory = new MemoryWatch(pair.primaryPid);
  await pause(4_000 * Math.max(scale, 0.1));
  const risesMib: number[] = [];
  const tookMs: number[] = [];
  let joined = 0;
  for (; joined < joins; joined++) {
    memory.take();
    await pause(500);
    const before = memory.take();
    const startedMs = performance.now();
    try {
      await pair.join();
    } catch {
      break;
    }
    tookMs.push(Math.round(performance.now() - startedMs));
    risesMib.push(Math.round((memory.take() - before) / MIB));
    console.error(`join ${joined + 1}: ${tookMs.at(-1)} ms, ${risesMib.at(-1)} MiB more`);
    await pair.leave();
  }
  memory.stop();
  await writer.kill();
  return { joined, tookMs, medianMs: median(tookMs), risesMib, greatestRiseMib: Math.max(...risesMib) };
}

/** p99 of the writers, ms, as redis-benchmark tells it at the end. */
async function writersP99Ms(port: number): Promise<{ p99Ms: number; perSecond: number }> {
  const writer = new LineProcess('redis-benchmark', [
    ...['-p', String(port), ...WRITES, '--csv', '-n', String(Math.round(2_500_000 * scale))],
  ]);
  const row = await writer.nextLine((line) => line.startsWith('"SET"'));
  await writer.exited;
  const cells = row.split(',').map((cell) => Number(cell.replaceAll('"', '')));
  return { perSecond: cells[1]!, p99Ms: cells[6]! };
}

async function benchLatency(pair: Pair) {
  const alone: number[] = [];
  const withReplica: number[] = [];
  const joining: number[] = [];
  let joins = 0;
  for (let round = 0; round < 3; round++) {
    alone.push((await writersP99Ms(pair.port)).p99Ms);
    let isOver = false;
    const written = writersP99Ms(pair.port).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await pair.join();
      joins += 1;
      if (!isOver) await pair.leave();
    }
    joining.push((await written).p99Ms);
    withReplica.push((await writersP99Ms(pair.port)).p99Ms);
    await pair.leave();
  }
  const [aloneMs, withReplicaMs, joiningMs] = [alone, withReplica, joining].map(median) as [
    number,
    number,
    number,
  ];
  return { aloneMs, withReplicaMs, joiningMs, joins, ratioToAlone: joiningMs / aloneMs };
}

/** Joins, reads to its SnapshotEnd and leaves. */
function readSnapshot(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const splitter = new FrameSplitter();
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() })),
    );
    const ack = setInterval(() => socket.write(encodeFrame(FrameKind.Ack, encodeWatermarks([]))), 500);
    socket.on('data', (bytes) =>
      splitter.push(bytes, ({ header }) => {
        if (header.kind === FrameKind.SnapshotEnd) socket.destroy();
      }),
    );
    socket.on('error', reject);
    socket.on('close', () => {
      clearInterval(ack);
      resolve();
    });
  });
}

async function benchCrowd(ours: Ours) {
  const cost = async (joiners: number) => {
    const seconds = await ours.counter('fastcache_replication_snapshot_seconds_total');
    const chunks = await ours.counter('fastcache_replication_snapshot_chunks_total');
    const cpu = cpuMs(ours.primaryPid)!;
    await Promise.all(Array.from({ length: joiners }, () => readSnapshot(ours.replicationPort)));
    return {
      wholeCpuMs: cpuMs(ours.primaryPid)! - cpu,
      chunks: (await ours.counter('fastcache_replication_snapshot_chunks_total')) - chunks,
      scanAndEncodeMs: Math.round(
        ((await ours.counter('fastcache_replication_snapshot_seconds_total')) - seconds) * 1000,
      ),
    };
  };
  await cost(1);
  const rounds: { one: Awaited<ReturnType<typeof cost>>; sixteen: Awaited<ReturnType<typeof cost>> }[] = [];
  for (let round = 0; round < 3; round++) rounds.push({ one: await cost(1), sixteen: await cost(16) });
  const ratio = median(rounds.map(({ one, sixteen }) => sixteen.scanAndEncodeMs / one.scanAndEncodeMs));
  return { rounds, ratio };
}

// The processes that were started go with it.
process.on('SIGTERM', () => process.exit(143));
process.on('SIGINT', () => process.exit(130));

const figures: Record<string, unknown> = { keys: KEYS, joins: JOINS };
if (values.part.some((part) => part !== 'redis')) {
  const ours = await startOurs();
  await fill(ours.port, KEYS);
  if (values.part.includes('joins')) {
    const snapshots = () => ours.counter('fastcache_replication_catchups_total{kind="snapshot"}');
    const before = await snapshots();
    const joins = await benchJoins(ours, JOINS);
    figures.joins = {
      ...joins,
      snapshots: (await snapshots()) - before,
      cutOffs: await ours.counter('fastcache_replication_drops_total'),
      queuedFramesMax: await ours.counter('fastcache_replication_queued_frames_max'),
    };
  }
  if (values.part.includes('latency')) figures.latency = await benchLatency(ours);
  if (values.part.includes('crowd')) figures.crowd = await benchCrowd(ours);
  await ours.stop();
}
if (values.part.includes('redis')) {
  const redis = await startRedis();
  await fill(redis.port, KEYS);
  figures.redis = { joins: await benchJoins(redis, Math.min(JOINS, 3)), latency: await benchLatency(redis) };
  await redis.stop();
}
const text = JSON.stringify(figures, null, 2);
console.log(text);
writeFileSync(values.out, `${text}\n`);
process.exit(0);

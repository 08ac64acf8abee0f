/**
 * The cost of one `fastcache top` for a server: its CPU time a second while it is asked as `top` asks it,
 * while it answers a PING as often, and while nothing asks, by turns in windows of ten seconds, without a
 * load and under a light one: under a heavy one the rest varies by more than the cost that is looked for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOOK_MS } from '../../src/cli/top/top.js';
import { Endpoint } from '../../src/cli/watermarks/endpoint.js';
import { systemTimers } from '../../src/clock.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { FastcacheProcess, type LineProcess } from '../support/processes.js';
import { RespClient, respCommand } from '../support/resp-client.js';
import { portOf } from './joining.js';
import { median } from './statistics.js';

const KEYS = 100_000;
const WINDOW_LOOKS = 5;
const SHARDS = [4, 1_024];
const REPLICAS = 3;
/** A server counts uses of keys for five seconds behind the last look. */
const SETTLE_MS = 6_000;
const PULSE_MS = 10;
const LOADS_PER_SECOND = [0, 1_000];

/** Medians of all windows, ms of CPU time of the server a second. */
export interface TopFigure {
  readonly shards: number;
  readonly getsPerSecond: number;
  readonly withoutMs: number;
  /** The time that a PING as often adds: median and quartiles of the differences of two windows in a row. */
  readonly pingMs: Cost;
  /** As that, the time that the looks of `top` add. */
  readonly lookMs: Cost;
}

/** The middle, the lower quartile, the upper one. */
export type Cost = readonly [middle: number, lower: number, upper: number];

/** Throws where the system does not say what a process has used. */
export async function benchTop(size: { rounds: number; scale: number }): Promise<TopFigure[]> {
  const figures: TopFigure[] = [];
  for (const shards of SHARDS) figures.push(...(await benchShards(shards, size)));
  return figures;
}

async function benchShards(
  shards: number,
  { rounds, scale }: { rounds: number; scale: number },
): Promise<TopFigure[]> {
  const ports = ['--bind', ':0', '--listen', ':0', '--shards', String(shards)];
  const primary = new FastcacheProcess(['primary', 'start', ...ports]);
  const others: LineProcess[] = [primary];
  try {
    const { bind, listen } = await primary.event('ready');
    for (let count = 0; count < REPLICAS; count += 1) {
      const replica = new FastcacheProcess(['replica', 'follow', String(bind), '--no-listen']);
      others.push(replica);
      await replica.event('caught-up');
    }
    const client = await RespClient.connect(`127.0.0.1:${portOf(listen)}`);
    await client.pipeline(Array.from({ length: KEYS }, (_, key) => ['SET', `key:${key}`, 'x'.repeat(64)]));
    const asker = await RespClient.connect(`127.0.0.1:${portOf(listen)}`);
    const options = { token: undefined, transport: tcpTransport, timers: systemTimers, warn() {} };
    const endpoint = new Endpoint(`127.0.0.1:${portOf(listen)}`, options);
    const asks = { ping: () => asker.command('PING'), look: () => endpoint.look({ isBrief: true }) };
    const figures: TopFigure[] = [];
    for (const getsPerSecond of LOADS_PER_SECOND) {
      const load = steadyLoad(client, getsPerSecond);
      figures.push({ shards, ...(await benchLoad(primary.pid, asks, getsPerSecond, rounds, scale)) });
      await load.stop();
    }
    endpoint.close();
    asker.close();
    client.close();
    return figures;
  } finally {
    for (const other of others.reverse()) await other.kill();
  }
}

/** Begins with a window that counts for nothing, in which what was just started comes to rest. */
async function benchLoad(
  server: number,
  { ping, look }: { ping(): Promise<unknown>; look(): Promise<unknown> },
  getsPerSecond: number,
  rounds: number,
  scale: number,
): Promise<Omit<TopFigure, 'shards'>> {
  const looks = Math.max(1, Math.round(WINDOW_LOOKS * scale));
  const without: number[] = [];
  const pingMs: number[] = [];
  const lookMs: number[] = [];
  await cpuMsPerSecond(server, looks, look);
  for (let window = 0; window < rounds; window += 1) {
    if (getsPerSecond > 0) await sleep(SETTLE_MS);
    const idle = await cpuMsPerSecond(server, looks, async () => {});
    without.push(idle);
    const first = [pingMs, ping] as const;
    const second = [lookMs, look] as const;
    // Without a load either is first in every other round; under one uses are counted behind a look.
    const turns = window % 2 === 0 || getsPerSecond > 0 ? [first, second] : [second, first];
    for (const [costs, ask] of turns) costs.push((await cpuMsPerSecond(server, looks, ask)) - idle);
  }
  return { getsPerSecond, withoutMs: median(without), pingMs: quartiles(pingMs), lookMs: quartiles(lookMs) };
}

function quartiles(costs: readonly number[]): Cost {
  const sorted = costs.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))]!;
  return [median(costs), at(0.25), at(0.75)];
}

/** Has GETs sent at this rate, the same ones over and over, until it is stopped. */
function steadyLoad(client: RespClient, perSecond: number): { stop(): Promise<void> } {
  if (perSecond === 0) return { stop: async () => {} };
  const each = (perSecond * PULSE_MS) / 1_000;
  const pulse = Buffer.concat(
    Array.from({ length: each }, (_, index) => respCommand('GET', `key:${(index * 7_919) % KEYS}`)),
  );
  let isOver = false;
  const sending = (async () => {
    for (let dueMs = performance.now(); !isOver; dueMs += PULSE_MS) {
      client.write(pulse);
      await client.replies(each);
      await sleep(Math.max(0, dueMs + PULSE_MS - performance.now()));
    }
  })();
  return {
    stop() {
      isOver = true;
      return sending;
    },
  };
}

/** The CPU time a second of a process that is asked so often, as often as `top` asks. */
async function cpuMsPerSecond(pid: number, looks: number, ask: () => Promise<unknown>): Promise<number> {
  const [usedMs, startedMs] = [cpuMsOf(pid), performance.now()];
  for (let look = 0; look < looks; look += 1) {
    await sleep(LOOK_MS / 2);
    await ask();
    await sleep(Math.max(0, startedMs + LOOK_MS * (look + 1) - performance.now()));
  }
  return ((cpuMsOf(pid) - usedMs) * 1_000) / (performance.now() - startedMs);
}

/** The CPU time of all threads of a process, in nanoseconds' resolution. */
function cpuMsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);
}

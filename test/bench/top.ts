/**
 * What one `fastcache top` costs a server: its CPU time a second while `top` runs and while that is stopped,
 * by turns in one run, idle and under a steady load.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FastcacheProcess, type LineProcess } from '../support/processes.js';
import { RespClient, respCommand } from '../support/resp-client.js';
import { portOf } from './joining.js';
import { median } from './statistics.js';

const KEYS = 100_000;
const WINDOW_MS = 10_000;
/** A server counts uses of keys for five seconds behind the last look. */
const SETTLE_MS = 6_000;
const PULSE_MS = 10;
const LOADS_PER_SECOND = [0, 20_000];

/** Medians of the rounds, ms of CPU time of the server a second. */
export interface TopFigure {
  readonly getsPerSecond: number;
  readonly withoutMs: number;
  readonly withTopMs: number;
  /** The median of what each round's differ by, and the least and the greatest. */
  readonly costMs: readonly [middle: number, least: number, most: number];
}

/** Throws where the system does not say what a process has used. */
export async function benchTop({ rounds, scale }: { rounds: number; scale: number }): Promise<TopFigure[]> {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0']);
  const others: LineProcess[] = [primary];
  try {
    const { bind, listen } = await primary.event('ready');
    const replica = new FastcacheProcess(['replica', 'follow', String(bind), '--no-listen']);
    others.push(replica);
    await replica.event('caught-up');
    const client = await RespClient.connect(`127.0.0.1:${portOf(listen)}`);
    await client.pipeline(Array.from({ length: KEYS }, (_, key) => ['SET', `key:${key}`, 'x'.repeat(64)]));
    const top = new FastcacheProcess(['top', String(listen)]);
    others.push(top);
    await top.nextLine();
    // Its lines are read and dropped, for good.
    void (async () => {
      while (await top.nextLine().catch(() => undefined));
    })();
    const figures: TopFigure[] = [];
    for (const getsPerSecond of LOADS_PER_SECOND) {
      const load = steadyLoad(client, getsPerSecond);
      figures.push(await benchLoad(primary.pid, top.pid, getsPerSecond, rounds, scale));
      await load.stop();
    }
    client.close();
    return figures;
  } finally {
    for (const other of others.reverse()) await other.kill();
  }
}

async function benchLoad(
  server: number,
  top: number,
  getsPerSecond: number,
  rounds: number,
  scale: number,
): Promise<TopFigure> {
  const windowMs = Math.max(1_000, WINDOW_MS * scale);
  const without: number[] = [];
  const withTop: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    process.kill(top, 'SIGSTOP');
    await sleep(SETTLE_MS);
    without.push(await cpuMsPerSecond(server, windowMs));
    process.kill(top, 'SIGCONT');
    await sleep(1_000);
    withTop.push(await cpuMsPerSecond(server, windowMs));
  }
  const costs = withTop.map((ms, round) => ms - without[round]!).toSorted((a, b) => a - b);
  return {
    getsPerSecond,
    withoutMs: median(without),
    withTopMs: median(withTop),
    costMs: [median(costs), costs[0]!, costs.at(-1)!],
  };
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

async function cpuMsPerSecond(pid: number, windowMs: number): Promise<number> {
  const [usedMs, startedMs] = [cpuMsOf(pid), performance.now()];
  await sleep(windowMs);
  return ((cpuMsOf(pid) - usedMs) * 1_000) / (performance.now() - startedMs);
}

/** The CPU time of all threads of a process, in nanoseconds' resolution. */
function cpuMsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);
}

/**
 * WATCH's tickets: the changes that count, beside redis-server as primary and as replica, and against a map.
 */
import '../support/debug-kernel.js';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import { newEngine, newReplica, StandingClock } from '../support/engines.js';
import { describeWith } from '../support/optional-peers.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { command, RespDriver } from '../support/resp-driver.js';

const k = Buffer.from('k');
const oom = expect.objectContaining({ code: 'OUT_OF_MEMORY' });
const MIB = 1024 * 1024;

/** The events before a WATCH of `k`, and those between it and EXEC: commands, or time that passes. */
const SHORT_MS = 60;
const PAUSE_MS = 80;
const short = ['SET', 'k', 'v', 'PX', 'SHORT'];
const befores: Record<string, string[][]> = {
  absent: [],
  present: [['SET', 'k', 'v']],
  'about to expire': [short],
  expired: [short, ['PAUSE']],
  'expired and deleted': [short, ['PAUSE'], ['GET', 'k']],
};
const afters: Record<string, string[][]> = {
  nothing: [],
  'another key': [['SET', 'other', 'v']],
  'reading it': [
    ['GET', 'k'],
    ['TTL', 'k'],
    ['EXISTS', 'k'],
  ],
  'the same value': [['SET', 'k', 'v']],
  'another value': [['SET', 'k', 'w']],
  'a set that is refused': [['SET', 'k', 'v', 'NX']],
  'a set and a deletion': [
    ['SET', 'k', 'v'],
    ['DEL', 'k'],
  ],
  deletion: [['DEL', 'k']],
  appending: [['APPEND', 'k', 'x']],
  'appending nothing to much': [
    ['MSET', 'k', 'v', 'other', 'w'],
    ['APPEND', 'k', ''],
  ],
  expiry: [['PEXPIRE', 'k', '1000000']],
  'expiry in the past': [['PEXPIRE', 'k', '-1']],
  persisting: [['PERSIST', 'k']],
  time: [['PAUSE']],
  'time and reading': [['PAUSE'], ['GET', 'k']],
  'time and a set': [['PAUSE'], ['SET', 'k', 'v']],
  'a short life': [short, ['PAUSE']],
  'a short life and reading': [short, ['PAUSE'], ['GET', 'k']],
  flush: [['FLUSHALL']],
  'time and flush': [['PAUSE'], ['FLUSHALL']],
};
const scenarios = Object.entries(befores).flatMap(([before, first]) =>
  Object.entries(afters).map(([after, then]) => ({ title: `${before}, then ${after}`, first, then })),
);

/** A command whose short life is `slowness` times as long. */
function timed(step: string[], slowness = 1): string[] {
  return step.map((word) => (word === 'SHORT' ? String(SHORT_MS * slowness) : word));
}

/** Whether the key has changed, as it is watched on a store of ours: a primary, or the replica behind it. */
function oursChanges(first: string[][], then: string[][], onReplica: boolean): boolean {
  const clock = new StandingClock();
  const primary = newEngine({ clock });
  const replica = newReplica({ clock });
  primary.onBatch = ({ payload }) => replica.apply(Buffer.from(payload));
  const driver = new RespDriver(primary);
  const watched = onReplica ? replica : primary;
  const run = (steps: string[][]) => {
    for (const step of steps) {
      if (step[0] === 'PAUSE') clock.pass(PAUSE_MS);
      else if (step[0] === 'FLUSHALL') while (!primary.keyspace.deleteSome(1));
      else driver.run(command(...timed(step)));
      primary.flush();
    }
  };
  run(first);
  const ticket = watched.watches.watch(k);
  run(then);
  return watched.watches.changedSince(k, ticket);
}

describeWith(redisServer, 'beside redis-server', () => {
  let servers: RedisServer[];
  let primary: RespClient;
  let watchers: RespClient[];
  beforeAll(async () => {
    const debug = ['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0'];
    const first = await RedisServer.start(...debug);
    const second = await RedisServer.start('--replicaof', `127.0.0.1 ${first.port}`);
    servers = [first, second];
    primary = await RespClient.connect(`127.0.0.1:${first.port}`);
    watchers = await Promise.all(servers.map(({ port }) => RespClient.connect(`127.0.0.1:${port}`)));
    await primary.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await replicaHasAll();
  });
  afterAll(async () => {
    for (const client of [primary, ...watchers]) client.close();
    await Promise.all(servers.map((server) => server.kill()));
  });

  async function run(steps: string[][], slowness = 1): Promise<void> {
    for (const step of steps) {
      if (step[0] === 'PAUSE') await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * slowness));
      else await primary.command(...timed(step, slowness));
    }
    await replicaHasAll();
  }

  async function replicaHasAll(): Promise<void> {
    while ((await primary.command('WAIT', '1', '1000')) !== 1);
  }

  async function theirsChanges(first: string[][], then: string[][], onReplica: boolean): Promise<boolean> {
    const watcher = watchers[onReplica ? 1 : 0]!;
    const pauses = [...first, ...then].filter(([name]) => name === 'PAUSE').length;
    // A key that lives a short time must live when it is watched. On a machine that is busy it may not: then
    // all goes slower.
    const hasToHurry = first.at(-1) === short;
    for (let slowness = 1; ; slowness *= 2) {
      await run([['FLUSHALL']]);
      const startedAt = performance.now();
      await run(first, slowness);
      await watcher.command('WATCH', 'k');
      await run(then, slowness);
      const [, , executed] = await watcher.pipeline([['MULTI'], ['PING'], ['EXEC']]);
      const lateMs = performance.now() - startedAt - pauses * PAUSE_MS * slowness;
      if (!hasToHurry || lateMs < (SHORT_MS * slowness) / 2) return executed === null;
    }
  }

  it.each([
    ['primary', false],
    ['replica', true],
  ])('the same counts as a change on a %s', { timeout: 120_000 }, async (_, onReplica) => {
    const ours: string[] = [];
    const theirs: string[] = [];
    for (const { title, first, then } of scenarios) {
      theirs.push(`${title}: ${await theirsChanges(first, then, onReplica)}`);
      ours.push(`${title}: ${oursChanges(first, then, onReplica)}`);
    }
    expect(ours).toEqual(theirs);
  });
});

describe('tickets', () => {
  it('tell what the map tells, for many watchers of many keys', { timeout: 120_000 }, () => {
    const KEYS = 3_000;
    const random = new RandomSource(8);
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const keys = Array.from({ length: KEYS }, (_, n) =>
      Buffer.concat([Buffer.from([n, n >> 8]), random.bytes(n % 40)]),
    );
    const changedAt = new Array<number>(KEYS).fill(-1);
    const held = new Set<number>();
    let watches: { n: number; ticket: number; at: number }[] = [];
    let most = 0;
    for (let step = 0; step < 200_000; step++) {
      const n = random.below(KEYS);
      const key = keys[n]!;
      // Watchers come for a while, then they leave.
      const leaving = step % 40_000 > 20_000;
      switch (random.below(6)) {
        case 0:
        case 1:
          if (leaving) break;
          watches.push({ n, ticket: engine.watches.watch(key), at: step });
          break;
        case 2:
          engine.set(key, Buffer.from('same'));
          held.add(n);
          changedAt[n] = step;
          break;
        case 3:
          if (engine.del(key)) changedAt[n] = step;
          held.delete(n);
          break;
        case 4:
          if (engine.expire(key, random.chance(0.5) ? NO_EXPIRY : BigInt(clock.ms + 1_000_000)))
            changedAt[n] = step;
          break;
        default: {
          for (let times = leaving ? 4 : 1; times > 0 && watches.length > 0; times--) {
            const at = random.below(watches.length);
            const watch = watches[at]!;
            expect(engine.watches.changedSince(keys[watch.n]!, watch.ticket)).toBe(
              changedAt[watch.n]! > watch.at,
            );
            engine.watches.unwatch(keys[watch.n]!);
            watches[at] = watches.at(-1)!;
            watches.pop();
          }
        }
      }
      if (random.chance(0.01)) engine.compact(100);
      most = Math.max(most, watches.length);
    }
    expect(most).toBeGreaterThan(2_000);
    for (const { n, ticket, at } of watches)
      expect(engine.watches.changedSince(keys[n]!, ticket)).toBe(changedAt[n]! > at);
    for (const { n } of watches) engine.watches.unwatch(keys[n]!);
    watches = [];
    expect(held.size).toBe(engine.keyCount());
  });

  it('take no memory of the content, and give all of theirs back', () => {
    const engine = newEngine({ maxMemoryBytes: 8 * MIB });
    const keys = Array.from({ length: 300_000 }, (_, n) => Buffer.from(`watched:${n}`));
    engine.set(keys[7]!, k);
    engine.flush();
    const before = engine.memory();
    const tickets = keys.map((key) => engine.watches.watch(key));
    expect(engine.memory().allocated - before.allocated).toBeGreaterThan(8 * MIB);
    expect(engine.memory().allocated - before.allocated).toBeLessThan(300_000 * 32 * 4);
    expect(engine.memory().tables).toBe(before.tables);
    engine.set(keys[7]!, k);
    expect(keys.filter((key, n) => engine.watches.changedSince(key, tickets[n]!)).map(String)).toEqual([
      'watched:7',
    ]);
    for (const key of keys) engine.watches.unwatch(key);
    expect(engine.memory().allocated).toBe(before.allocated);
  });

  it('are a million keys’ at the most, and then refused', { timeout: 120_000 }, () => {
    const engine = newEngine();
    const keyOf = (n: number) => Buffer.from(`${n}`);
    for (let n = 0; n < 1_048_576; n++) engine.watches.watch(keyOf(n));
    expect(() => engine.watches.watch(Buffer.from('one more'))).toThrow(oom);
    // Those that are watched already can be once more.
    const ticket = engine.watches.watch(keyOf(5));
    engine.set(keyOf(5), k);
    expect(engine.watches.changedSince(keyOf(5), ticket)).toBe(true);
    engine.watches.unwatch(keyOf(6));
    expect(
      engine.watches.changedSince(Buffer.from('one more'), engine.watches.watch(Buffer.from('one more'))),
    ).toBe(false);
  });

  it('of a key that is not watched say that it has changed', () => {
    const engine = newEngine();
    const ticket = engine.watches.watch(k);
    engine.watches.unwatch(k);
    engine.watches.unwatch(k);
    expect(engine.watches.changedSince(k, ticket)).toBe(true);
    expect(engine.watches.changedSince(k, engine.watches.watch(k))).toBe(false);
  });

  it('tell of deletions by the sweep', () => {
    for (const makes of [newEngine, newReplica] as ((options: { clock: StandingClock }) => ShardEngine)[]) {
      const clock = new StandingClock();
      const engine = makes({ clock });
      engine.set(k, k, BigInt(clock.ms + 10));
      const early = engine.watches.watch(k);
      clock.pass(10);
      const late = engine.watches.watch(k);
      engine.sweep(10);
      expect([engine.watches.changedSince(k, early), engine.watches.changedSince(k, late)]).toEqual([
        true,
        false,
      ]);
    }
  });
});

/** Tracked keys: the clients of each change, against a map; their limits, and that they leave nothing. */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import * as layout from '../../src/kernel/layout.js';
import { batchBytes } from '../support/batch-bytes.js';
import { keyHashedTo, newChosenEngine } from '../support/colliding-keys.js';
import { newEngine, newReplica, StandingClock } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const k = Buffer.from('k');
const v = Buffer.from('v');

/** The changes that wait, as `key by tracker: trackers`. */
function changesOf(engine: ShardEngine): string[] {
  const changes: string[] = [];
  engine.tracked.takeChanged(({ key, by }, trackers) =>
    changes.push(`${key.toString('latin1')} by ${by}: ${[...trackers].sort((a, b) => a - b).join(' ')}`),
  );
  engine.kernel.invariants();
  return changes;
}

function broadcastsOf(engine: ShardEngine): string[] {
  return engine.tracked.takeBroadcasts().map(({ key, by }) => `${key} by ${by}`);
}

function calls(engine: ShardEngine): { count: number } {
  const calls = { count: 0 };
  engine.tracked.onChange = () => {
    calls.count += 1;
  };
  return calls;
}

describe('a tracked key', () => {
  it.each<[string, (engine: ShardEngine, clock: StandingClock) => void]>([
    ['set', (engine) => engine.set(k, v)],
    ['deleted', (engine) => engine.del(k)],
    ['given an expiry', (engine, clock) => engine.expire(k, BigInt(clock.ms + 1_000))],
    ['written in part', (engine) => engine.values.overwrite(k, 1, v)],
    ['copied to', (engine) => engine.values.copy(Buffer.from('other'), k)],
    [
      'swept when it has expired',
      (engine, clock) => {
        engine.expire(k, BigInt(clock.ms + 10));
        changesOf(engine);
        engine.tracked.track(k, 7);
        clock.pass(20);
        engine.sweep(10);
      },
    ],
    [
      'evicted',
      (engine) => {
        engine.limitMemory({ maxBytes: 1, policy: 'allkeys-random' });
        while (engine.get(k) !== undefined) engine.makeRoom();
      },
    ],
  ])('that is %s is handed out once, and tracked no more', (_, change) => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    engine.set(k, v);
    engine.set(Buffer.from('other'), v);
    const called = calls(engine);
    engine.tracked.track(k, 7);
    engine.tracked.track(k, 7);
    expect(engine.tracked).toMatchObject({ keys: 1, items: 1 });
    change(engine, clock);
    expect(called.count).toBeGreaterThan(0);
    expect(changesOf(engine)).toEqual(['k by 0: 7']);
    expect(engine.tracked).toMatchObject({ keys: 0, items: 0 });
    engine.set(k, v);
    expect(changesOf(engine)).toEqual([]);
  });

  it('that is not there is handed out when it comes to be', () => {
    const engine = newEngine();
    engine.tracked.track(k, 1);
    engine.set(k, v);
    expect(changesOf(engine)).toEqual(['k by 0: 1']);
  });

  it('calls the host once until the changes are taken', () => {
    const engine = newEngine();
    const called = calls(engine);
    const keys = ['a', 'b', 'c'].map((name) => Buffer.from(name));
    for (const key of keys) engine.tracked.track(key, 1);
    for (const key of keys) engine.set(key, v);
    expect(called.count).toBe(1);
    expect(changesOf(engine)).toHaveLength(3);
    engine.tracked.track(k, 1);
    engine.set(k, v);
    expect(called.count).toBe(2);
  });

  it('of another key with the same keyed hash is handed out as well, and never the wrong one alone', () => {
    const engine = newChosenEngine();
    const other = Buffer.from('o');
    const at = engine.kernel.allocate(64);
    engine.kernel.bytes.set(other, at);
    const one = keyHashedTo(BigInt.asUintN(64, engine.kernel.exports.keyedHash!(at, 1)));
    const both = [`${one.toString('latin1')} by 0: 1`, 'o by 0: 2'];
    for (const key of [one, other]) {
      engine.tracked.track(one, 1);
      engine.tracked.track(other, 2);
      expect(engine.tracked).toMatchObject({ keys: 2, items: 2 });
      engine.set(key, v);
      expect(changesOf(engine).sort()).toEqual(both.sort());
    }
  });
});

describe('a client’s commands', () => {
  /** Runs commands as a tracker's that tracks what it reads. */
  function driverOf(engine: ShardEngine, tracker: number): (...commands: string[][]) => void {
    const driver = new RespDriver(engine);
    return (...commands) => {
      engine.kernel.exports.setMode((tracker << layout.MODE_TRACKER_SHIFT) | layout.MODE_TRACKING);
      driver.run(Buffer.concat(commands.map((args) => command(...args))));
      engine.kernel.exports.setMode(0);
    };
  }

  it.each([
    ['GET', 'k'],
    ['MGET', 'j', 'k'],
    ['EXISTS', 'k', 'k'],
    ['STRLEN', 'k'],
    ['TOUCH', 'k'],
    ['TTL', 'k'],
    ['PTTL', 'k'],
  ])('of the kernel that read are noted: %s %s', (...command) => {
    const engine = newEngine();
    driverOf(engine, 3)(command);
    engine.set(k, v);
    expect(changesOf(engine)).toEqual(['k by 0: 3']);
  });

  it.each([['SET', 'k', 'v'], ['INCR', 'k'], ['DEL', 'k'], ['GET'], ['GET', 'k', 'j'], ['PERSIST', 'k']])(
    'of the kernel that write, or are refused, are not: %s',
    (...command) => {
      const engine = newEngine();
      driverOf(engine, 3)(command);
      expect(engine.tracked.keys).toBe(0);
    },
  );

  it('name the client by which a key was changed', () => {
    const engine = newEngine();
    driverOf(engine, 3)(['GET', 'k'], ['GET', 'j']);
    driverOf(engine, 4)(['SET', 'k', '1']);
    driverOf(engine, 3)(['DEL', 'j'], ['SET', 'j', '1']);
    expect(changesOf(engine)).toEqual(['k by 4: 3', 'j by 3: 3']);
  });

  it('do not name it for what expires and is evicted, nor for what a primary has sent', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const run = driverOf(engine, 3);
    run(['SET', 'k', 'v', 'PX', '10'], ['GET', 'k']);
    clock.pass(20);
    run(['GET', 'k']);
    expect(changesOf(engine)).toEqual(['k by 0: 3']);
    const replica = newReplica();
    driverOf(replica, 3)(['GET', 'k']);
    replica.apply(batchBytes({ shard: replica.route(k).shard, sequence: 1n, op: 1, key: k, value: v }));
    expect(changesOf(replica)).toEqual(['k by 0: 3']);
  });
});

describe('prefixes', () => {
  it('have each changed key broadcast once, with who changed it last', () => {
    const engine = newEngine();
    const called = calls(engine);
    engine.tracked.setPrefixes([Buffer.from('a:'), Buffer.from('b')]);
    for (const name of ['a:1', 'b', 'c', 'a', 'a:1', 'bb', `a:${'x'.repeat(500)}`])
      engine.set(Buffer.from(name), v);
    expect(called.count).toBe(1);
    expect(broadcastsOf(engine)).toEqual(['a:1 by 0', 'b by 0', 'bb by 0', `a:${'x'.repeat(500)} by 0`]);
    engine.kernel.invariants();
    expect(broadcastsOf(engine)).toEqual([]);
    engine.del(Buffer.from('b'));
    expect(broadcastsOf(engine)).toEqual(['b by 0']);
  });

  it('stand beside tracked keys, and without them nothing is kept', () => {
    const engine = newEngine();
    const before = engine.memory().allocated;
    engine.tracked.setPrefixes([Buffer.alloc(0)]);
    engine.tracked.track(k, 1);
    engine.set(k, v);
    engine.tracked.track(k, 2);
    engine.set(k, v);
    expect(changesOf(engine)).toEqual(['k by 0: 1', 'k by 0: 2']);
    expect(broadcastsOf(engine)).toEqual(['k by 0']);
    engine.del(k);
    broadcastsOf(engine);
    engine.tracked.setPrefixes([]);
    engine.set(k, v);
    engine.del(k);
    expect(broadcastsOf(engine)).toEqual([]);
    engine.flush();
    // The buffer into which changes are taken stays, and that of frames.
    expect(engine.memory().allocated - before).toBeLessThan(1024 * 1024);
  });

  it('are silent while all is deleted', () => {
    const engine = newEngine();
    engine.tracked.setPrefixes([Buffer.alloc(0)]);
    engine.set(k, v);
    broadcastsOf(engine);
    while (!engine.keyspace.deleteSome(100));
    expect(broadcastsOf(engine)).toEqual([]);
    engine.set(k, v);
    expect(broadcastsOf(engine)).toEqual(['k by 0']);
  });

  it('have a key that is too long reported lost', () => {
    const engine = newEngine();
    engine.tracked.setPrefixes([Buffer.alloc(0)]);
    engine.set(Buffer.alloc(70_000, 'x'), v);
    expect(broadcastsOf(engine)).toEqual([]);
    expect(engine.tracked.takeLostBroadcast()).toBe(true);
    expect(engine.tracked.takeLostBroadcast()).toBe(false);
  });
});

describe('limits', () => {
  it('let keys go as though they had changed', () => {
    const engine = newEngine();
    engine.tracked.limit(10);
    for (let n = 0; n < 100; n++) engine.tracked.track(Buffer.from(`${n}`), 1);
    expect(engine.tracked.keys).toBe(10);
    expect(changesOf(engine)).toHaveLength(90);
    engine.tracked.limit(3);
    expect(engine.tracked.letGo(5)).toBe(5);
    expect(engine.tracked.letGo(5)).toBe(2);
    expect(engine.tracked.keys).toBe(3);
    engine.tracked.limit(0);
    for (let n = 0; n < 100; n++) engine.tracked.track(Buffer.from(`${n}`), 1);
    expect(engine.tracked.keys).toBe(100);
  });

  it('have a tracker of a key that is too long reported lost, and of several all', () => {
    const engine = newEngine();
    const called = calls(engine);
    engine.tracked.track(Buffer.alloc(70_000), 5);
    expect(called.count).toBe(1);
    expect(engine.tracked.takeLost()).toBe(5);
    expect(engine.tracked.takeLost()).toBeUndefined();
    engine.tracked.track(Buffer.alloc(70_000), 5);
    engine.tracked.track(Buffer.alloc(70_000), 6);
    expect(engine.tracked.takeLost()).toBe('all');
    expect(engine.tracked.keys).toBe(0);
  });

  it('of the longest key and all trackers are within what is taken at once', () => {
    const engine = newEngine();
    const longest = Buffer.alloc(65_536, 'l');
    for (let tracker = 1; tracker <= 65_535; tracker++) engine.tracked.track(k, tracker);
    engine.tracked.track(longest, 1);
    engine.set(longest, v);
    engine.set(k, v);
    const taken: number[] = [];
    engine.tracked.takeChanged(({ key }, trackers) => taken.push(key.length, trackers.length));
    expect(taken).toEqual([65_536, 1, 1, 65_535]);
  });
});

describe('random histories', () => {
  it('are what a map says, whoever comes and goes, and leave nothing', { timeout: 120_000 }, () => {
    const random = new RandomSource(13);
    const clock = new StandingClock();
    const engine = newEngine({ clock, shards: 2 });
    const keys = Array.from({ length: 600 }, (_, n) =>
      Buffer.concat([Buffer.from([97 + (n % 3), n >> 8, n]), random.bytes(n % 150)]),
    );
    for (const key of keys) engine.set(key, v);
    engine.flush();
    changesOf(engine);
    const before = engine.memory().allocated;
    const trackers = Array.from({ length: 60 }, (_, n) => n + 1);
    const model = new Map<number, Set<number>>();
    const expected: string[] = [];
    let here = new Set(trackers);
    let seen = 0;
    const changed = (n: number) => {
      const who = [...(model.get(n) ?? [])].sort((a, b) => a - b);
      if (who.length > 0) expected.push(`${keys[n]!.toString('latin1')} by 0: ${who.join(' ')}`);
      model.delete(n);
    };
    for (let step = 0; step < 30_000; step++) {
      const n = random.below(keys.length);
      const key = keys[n]!;
      switch (random.below(8)) {
        case 0:
          engine.set(key, random.bytes(random.below(20)));
          changed(n);
          break;
        case 1:
          if (engine.del(key)) changed(n);
          break;
        case 2: {
          if (step % 50 !== 0) break;
          const gone = [...here].filter(() => random.chance(0.3));
          for (const tracker of gone) engine.tracked.leave(tracker);
          while (gone.length > 0 && engine.tracked.purge(random.between(1, 500)));
          for (const who of model.values()) for (const tracker of gone) who.delete(tracker);
          here = new Set(trackers);
          break;
        }
        case 3:
          if (step % 4_000 !== 0) break;
          engine.tracked.forget();
          model.clear();
          break;
        default: {
          const tracker = random.pick(trackers);
          engine.tracked.track(key, tracker);
          if (!model.has(n)) model.set(n, new Set());
          model.get(n)!.add(tracker);
        }
      }
      if (random.chance(0.02)) {
        const found = changesOf(engine);
        expect(found).toEqual(expected.splice(0));
        seen += found.length;
        const tracked = [...model.values()].filter(({ size }) => size > 0);
        expect(engine.tracked.keys).toBe(tracked.length);
        expect(engine.tracked.items).toBe(tracked.reduce((sum, { size }) => sum + size, 0));
      }
    }
    expect(seen).toBeGreaterThan(1_000);
    for (const tracker of trackers) engine.tracked.leave(tracker);
    while (engine.tracked.purge(100));
    changesOf(engine);
    for (const key of keys) engine.set(key, v);
    engine.flush();
    expect(engine.tracked).toMatchObject({ keys: 0, items: 0 });
    expect(engine.memory().allocated - before).toBeLessThan(700_000);
  });
});

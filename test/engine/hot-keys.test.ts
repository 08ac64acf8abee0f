/** The keys that are used most, by the kernel's sample of the commands that it runs. */
import { describe, expect, it, vi } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import * as layout from '../../src/kernel/layout.js';
import { newEngine, StandingClock } from '../support/engines.js';
import { command, RespDriver } from '../support/resp-driver.js';

function store() {
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  const driver = new RespDriver(engine);
  let commands = 0;
  return {
    clock,
    engine,
    look: () => engine.uses.hot.look(clock.nowMs(), commands, 8)!,
    run(...all: string[][]) {
      commands += all.length;
      const input = Buffer.concat(all.map((args) => command(...args)));
      expect(driver.run(input).status).toBe(layout.STATUS_DONE);
    },
  };
}

/** Half of the reads are of one key, a tenth of another, and the rest of as many keys as there are reads. */
function reads(from: number, count: number): string[][] {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index;
    return ['GET', at % 2 === 0 ? 'hot' : at % 10 === 1 ? 'warm' : `cold:${at}`];
  });
}

const isOff = ({ kernel }: ShardEngine) => kernel.exports.nextUse() === layout.USES_IGNORED;

describe('the hot keys of a store', () => {
  it('are those with a share of the uses, whatever else is used', () => {
    const { look, run } = store();
    expect(look()).toEqual({ sampled: 0, keys: [] });
    for (let at = 0; at < 100_000; at += 1_000) run(...reads(at, 1_000));
    const { sampled, keys } = look();
    expect(sampled).toBeGreaterThan(1_000);
    expect(sampled).toBeLessThan(2_200);
    expect(keys.map(({ key }) => String(key))).toEqual(['hot', 'warm']);
    expect(keys[0]!.uses / sampled).toBeGreaterThan(0.4);
    expect(keys[0]!.uses / sampled).toBeLessThan(0.6);
    expect(keys[1]!.uses / sampled).toBeLessThan(0.15);
  });

  it('are counted by as many uses a second, however many there are', () => {
    const { clock, look, run } = store();
    look();
    for (let at = 0; at < 200_000; at += 1_000) run(...reads(at, 1_000));
    clock.pass(1_000);
    const before = look().sampled;
    for (let at = 0; at < 200_000; at += 1_000) run(...reads(at, 1_000));
    clock.pass(1_000);
    expect(look().sampled - before).toBeLessThan(700);
  });

  it('are counted only while somebody looks, and then take no memory', () => {
    const { clock, engine, look, run } = store();
    const free = () => engine.kernel.exports.memoryAvailable();
    const before = free();
    run(['GET', 'key']);
    expect(isOff(engine)).toBe(true);
    look();
    expect(isOff(engine)).toBe(false);
    expect(free()).toBe(before);
    clock.pass(4_000);
    run(...reads(0, 1_000));
    expect(isOff(engine)).toBe(false);
    clock.pass(2_000);
    run(...reads(0, 1_000));
    expect(isOff(engine)).toBe(true);
    expect(look()).toEqual({ sampled: 0, keys: [] });
  });

  it('are those of the last seconds', () => {
    const { clock, look, run } = store();
    const second = (key: string) => {
      run(...Array.from({ length: 1_000 }, () => ['GET', key]));
      clock.pass(1_000);
      return look().keys.map((hot) => String(hot.key));
    };
    look();
    for (let at = 0; at < 10; at += 1) second('old');
    expect(second('new')).toEqual(['old']);
    for (let at = 0; at < 4; at += 1) second('new');
    expect(second('new')).toEqual(['new']);
  });

  it('are all keys of a command, and none of its values', () => {
    const { look, run } = store();
    look();
    for (let at = 0; at < 500; at += 1) {
      run(['MSET', 'a', 'value', 'b', 'value'], ['SET', 'c', 'value'], ['MGET', 'd', 'e'], ['DEL', 'f', 'g']);
      run(['GET'], ['GET', 'one', 'two']);
    }
    const found = look().keys.map(({ key }) => String(key));
    expect(found.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('are those of commands outside of the kernel as well, and may be cut', () => {
    const { clock, engine, look } = store();
    const key = Buffer.alloc(200, 'k');
    engine.uses.hot.used(() => key);
    look();
    for (let at = 0; at < 1_000; at += 1) engine.uses.hot.used(() => key);
    engine.uses.hot.used(() => undefined);
    expect(look().keys).toEqual([{ key: key.subarray(0, 80), keyBytes: 200, uses: expect.any(Number) }]);
    clock.pass(6_000);
    engine.updateTime();
    const asked = vi.fn(() => key);
    for (let at = 0; at < 1_000; at += 1) engine.uses.hot.used(asked);
    expect(asked).not.toHaveBeenCalled();
  });
});

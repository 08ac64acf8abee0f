/** How much of a server's time its askers get, all together. */
import { expect, it } from 'vitest';
import { WorkShare } from '../../../src/replication/primary/work-share.js';
import { VirtualWorld } from '../../support/virtual-world.js';

/** A world in which a step takes so long as it says. */
function working(part: number) {
  const world = new VirtualWorld();
  let workedUs = 0;
  const clock = { nowMs: () => world.nowMs, monotonicUs: () => world.nowMs * 1000 + workedUs };
  const share = new WorkShare({ clock, timers: world.seams.timers }, part);
  let allUs = 0;
  const job = (us: number) => () => {
    // The world's time stands still meanwhile.
    workedUs = us;
    allUs += us;
    return true;
  };
  const run = (ms: number) => {
    for (let at = 0; at < ms; at++) {
      workedUs = 0;
      world.run(1);
    }
  };
  return { share, job, run, worked: () => allUs };
}

it('askers get their part of the time together, however many they are', () => {
  for (const askers of [1, 5]) {
    const { share, job, run, worked } = working(0.01);
    for (let asker = 0; asker < askers; asker++) share.add(job(1000));
    run(100_000);
    expect(worked()).toBeGreaterThan(900_000);
    // Besides what may be made up for at once.
    expect(worked()).toBeLessThan(1_030_000);
  }
});

it('behind a rest a little work is done at once', () => {
  const { share, job, run, worked } = working(0.01);
  share.add(job(1000));
  run(100);
  expect(worked()).toBeGreaterThanOrEqual(20_000);
  expect(worked()).toBeLessThan(25_000);
});

it('askers take turns, and one that is gone gets none', () => {
  const { share, run } = working(1);
  const turns: string[] = [];
  const of = (name: string) => () => turns.push(name) > 0;
  const first = of('first');
  share.add(first);
  share.add(of('second'));
  run(4);
  expect(turns.slice(0, 4)).toEqual(['first', 'second', 'first', 'second']);
  share.remove(first);
  turns.length = 0;
  run(3);
  expect(new Set(turns)).toEqual(new Set(['second']));
});

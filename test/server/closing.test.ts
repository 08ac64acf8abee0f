/** The order in which the parts of a node are closed, and what becomes of their faults. */
import { expect, it } from 'vitest';
import { systemTimers } from '../../src/clock.js';
import { closeInTurn } from '../../src/server/closing.js';
import { MemoryLog } from '../support/virtual-cluster.js';
import { VirtualWorld } from '../support/virtual-world.js';

it('all is closed in order, the first fault is thrown, and the others are logged', async () => {
  const log = new MemoryLog();
  const done: number[] = [];
  const step = (index: number, fault?: string) => async () => {
    await new Promise(setImmediate);
    done.push(index);
    if (fault !== undefined) throw new Error(fault);
  };
  const closed = closeInTurn(log, systemTimers, [step(1), step(2, 'dump'), step(3, 'role'), step(4)]);
  await expect(closed).rejects.toThrow('dump');
  expect(done).toEqual([1, 2, 3, 4]);
  expect(log.lines).toEqual([expect.stringContaining('role')]);
});

it('a step that does not end, as where a disk hangs, is logged once, and waited for', async () => {
  const world = new VirtualWorld(1);
  const log = new MemoryLog();
  let answer = () => {};
  const hangs = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  let isClosed = false;
  const closed = closeInTurn(log, world.seams.timers, [hangs, () => {}]).then(() => {
    isClosed = true;
  });
  world.run(9_000);
  expect(log.lines).toEqual([]);
  world.run(60_000);
  await new Promise(setImmediate);
  expect(log.lines).toEqual([expect.stringContaining('closing has waited for 10 s: a disk is slow')]);
  expect(isClosed).toBe(false);
  answer();
  await closed;
  world.run(60_000);
  expect(log.lines).toHaveLength(1);
});

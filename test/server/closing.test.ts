/** The order in which the parts of a node are closed, and what becomes of their faults. */
import { expect, it } from 'vitest';
import { closeInTurn } from '../../src/server/closing.js';
import { MemoryLog } from '../support/virtual-cluster.js';

it('all is closed in order, the first fault is thrown, and the others are logged', async () => {
  const log = new MemoryLog();
  const done: number[] = [];
  const step = (index: number, fault?: string) => async () => {
    await new Promise(setImmediate);
    done.push(index);
    if (fault !== undefined) throw new Error(fault);
  };
  const closed = closeInTurn(log, [step(1), step(2, 'dump'), step(3, 'role'), step(4)]);
  await expect(closed).rejects.toThrow('dump');
  expect(done).toEqual([1, 2, 3, 4]);
  expect(log.lines).toEqual([expect.stringContaining('role')]);
});

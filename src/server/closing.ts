/** The end of a node: each of its parts is closed, whatever becomes of the others. */
import type { Log } from '../replication/log.js';

/**
 * Does the steps one behind the other, the first at once. A fault of one keeps none of the others from being
 * done: rejects with the first fault when all are, and has logged the others.
 */
export async function closeInTurn(log: Log, steps: readonly (() => unknown)[]): Promise<void> {
  const faults: Error[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      faults.push(error as Error);
    }
  }
  const [first, ...others] = faults;
  for (const { message } of others) log.error(message);
  if (first !== undefined) throw first;
}

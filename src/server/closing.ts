/** The end of a node: each of its parts is closed, whatever becomes of the others. */
import type { Timers } from '../clock.js';
import type { Log } from '../replication/log.js';

/** A step that takes longer is reported: clients and replicas are waited for a shorter time. */
const LATE_MS = 10_000;

/**
 * Does the steps one behind the other, the first at once. A fault of one keeps none of the others from being
 * done: rejects with the first fault when all are, and has logged the others. A step has no bound, for a disk
 * that is slow may still write what would be lost; what takes long is logged.
 */
export async function closeInTurn(
  log: Log,
  timers: Timers,
  steps: readonly (() => unknown)[],
): Promise<void> {
  const faults: Error[] = [];
  for (const step of steps) {
    const late = timers.after(LATE_MS, () =>
      log.warn(
        `closing has waited for ${LATE_MS / 1_000} s: a disk is slow, or does not answer. A second SIGINT, or ` +
          'SIGKILL, ends the process without it; the next start then goes on as after a crash',
      ),
    );
    try {
      await step();
    } catch (error) {
      faults.push(error as Error);
    } finally {
      late.cancel();
    }
  }
  const [first, ...others] = faults;
  for (const { message } of others) log.error(message);
  if (first !== undefined) throw first;
}

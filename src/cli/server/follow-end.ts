/**
 * When `replica follow` ends by itself (docs/command-line.md, "replica follow"): by a refusal, by its own
 * fault, and with `--once` by being complete.
 */
import type { Replica } from '../../embedded/replica.js';

/**
 * Rejects when the primary refuses the token or the replica stops with a fault. With `once` it also rejects
 * when the primary is unreachable or lost, and resolves when all that the primary had at connect is applied.
 * Otherwise it ends with a client's SHUTDOWN, or with the output's fault when nothing can be done without the
 * output.
 */
export function followEnded(
  replica: Pick<Replica, 'on'>,
  once: boolean,
  outputEnded?: Promise<Error>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    void outputEnded?.then(reject);
    replica.on('refused', ({ error }) => reject(error));
    replica.on('stopped', ({ error }) => {
      if (error !== undefined) reject(error);
    });
    replica.on('shutdown', () => resolve());
    if (!once) return;
    replica.on('caught-up', () => resolve());
    replica.on('lost', ({ error }) => reject(error));
  });
}

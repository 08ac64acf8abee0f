/**
 * Whether a history may be served: not before its beginning is on the disk of a primary that has one, since
 * after a crash replicas would hold a history that their primary does not know.
 */
import type { Timer, Timers } from '../../clock.js';
import { HELLO_DEADLINE_MS } from '../../limits.js';

/** The state of the history that is served. */
export interface BegunStream {
  readonly isBegun: boolean;
  /** Calls `run` each time when that may have changed; returns a function that ends that. */
  onChange(run: () => void): () => void;
}

/** Calls `done` once the history is begun, or with false when it is not in time. */
export function waitUntilBegun(timers: Timers, begun: BegunStream, done: (isBegun: boolean) => void): Timer {
  const end = () => {
    timer.cancel();
    stopListening();
  };
  const timer = timers.after(HELLO_DEADLINE_MS, () => {
    end();
    done(false);
  });
  const stopListening = begun.onChange(() => {
    if (!begun.isBegun) return;
    end();
    done(true);
  });
  return { cancel: end };
}

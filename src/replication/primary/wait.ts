/** WAIT: waits until so many replicas have acknowledged what has been written so far. */
import type { Timers } from '../../clock.js';
import type { Publisher } from '../stream/publisher.js';
import type { ReplicaListener } from './listener.js';

/** The writes that are waited for, and the replicas whose acknowledgements count. */
export interface WaitOptions {
  timers: Timers;
  publisher: Publisher;
  listener: Pick<ReplicaListener, 'acknowledged' | 'ask' | 'onAck'>;
}

/**
 * Calls `done` once, perhaps at once, with how many replicas have acknowledged: when they are `replicas`, or
 * after `timeoutMs` (0: never). Returns what gives up the wait.
 */
export function waitForReplicas(
  { timers, publisher, listener }: WaitOptions,
  replicas: number,
  timeoutMs: number,
  done: (acknowledged: number) => void,
): () => void {
  const target = publisher.store.watermarks();
  const there = listener.acknowledged(target);
  if (there >= replicas) {
    done(there);
    return () => {};
  }
  const stopListening = listener.onAck(() => {
    if (listener.acknowledged(target) >= replicas) finish();
  });
  listener.ask();
  const timer = timeoutMs === 0 ? undefined : timers.after(timeoutMs, () => finish());
  const cancel = () => {
    stopListening();
    timer?.cancel();
  };
  const finish = () => {
    cancel();
    done(listener.acknowledged(target));
  };
  return cancel;
}

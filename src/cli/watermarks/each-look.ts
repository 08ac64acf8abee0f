/** Looks at endpoints again and again, for `watermarks --watch` and `top`. */
import { type Clock, pause, type Timers } from '../../clock.js';
import type { EndpointAnswer } from '../../status/watermarks.js';
import { type Endpoint, lookAtAll } from './endpoint.js';

/** The servers to look at, and how often. */
export interface LookOptions {
  endpoints: readonly Endpoint[];
  /** The pause between two looks, milliseconds. */
  intervalMs: number;
  clock: Clock;
  timers: Timers;
  /** Asked before each look: whether it may be brief; absent: none may. */
  isBrief?: () => boolean;
  /** Ends the looking. */
  stop: AbortSignal;
}

/** Calls `show` with the answers of all endpoints and the time in Unix ms, until it is stopped. */
export async function eachLook(
  { endpoints, intervalMs, isBrief = () => false, clock, timers, stop }: LookOptions,
  show: (answers: EndpointAnswer[], timeMs: number) => Promise<void> | void,
): Promise<void> {
  while (!stop.aborted) {
    // A silent server must not delay the end.
    const answers = await unlessStopped(lookAtAll(endpoints, { isBrief: isBrief() }), stop);
    if (answers === undefined) return;
    // Nor must a reader that takes nothing.
    await unlessStopped(Promise.resolve(show(answers, clock.nowMs())), stop);
    await pause(timers, intervalMs, stop);
  }
}

/**
 * Resolves as `work` does, and with undefined when `stop` is aborted before. A `stop` that outlives it keeps
 * nothing of it, as the reactions of a promise that never settles would.
 */
export function unlessStopped<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const stopped = () => resolve(undefined);
    const settle = () => stop.removeEventListener('abort', stopped);
    stop.addEventListener('abort', stopped);
    if (stop.aborted) stopped();
    work.finally(settle).then(resolve, reject);
  });
}

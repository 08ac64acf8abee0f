/** Looks at endpoints again and again, for `watermarks --watch` and `top`. */
import type { Clock, Timers } from '../../clock.js';
import type { EndpointAnswer } from '../../status/watermarks.js';
import { type Endpoint, lookAtAll } from './endpoint.js';

/** What is looked at, and how often. */
export interface LookOptions {
  endpoints: readonly Endpoint[];
  /** The pause between two looks, milliseconds. */
  intervalMs: number;
  clock: Clock;
  timers: Timers;
  /** Ends the looking. */
  stop: AbortSignal;
}

/** Calls `show` with the answers of all endpoints and the time in Unix ms, until it is stopped. */
export async function eachLook(
  { endpoints, intervalMs, clock, timers, stop }: LookOptions,
  show: (answers: EndpointAnswer[], timeMs: number) => Promise<void> | void,
): Promise<void> {
  const stopped = aborted(stop);
  while (!stop.aborted) {
    // A silent server must not delay the end.
    const answers = await Promise.race([lookAtAll(endpoints), stopped]);
    if (answers === undefined) return;
    await show(answers, clock.nowMs());
    await pause(intervalMs, timers, stop);
  }
}

function aborted(stop: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function pause(ms: number, timers: Timers, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(ms, end);
    stop.addEventListener('abort', end);
    if (stop.aborted) end();
  });
}

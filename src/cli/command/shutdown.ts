/** The end of a command by a signal: a server drains, and a tool leaves no half-written file. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Exit status for each signal that ends the process, as a shell reports it (128 + n). */
export const signalStatuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A disk that answers does so within this, about. */
const ANSWER_MS = 2_000;
const LOOK_MS = 50;

/**
 * Resolves when the process waits for no disk. One that does not answer would keep `process.exit` from ending
 * it, for ever: the process is then killed, which is said on stderr.
 */
export async function leaveDisk(): Promise<void> {
  for (let waitedMs = 0; waitsForDisk(); waitedMs += LOOK_MS) {
    if (waitedMs >= ANSWER_MS) {
      process.stderr.write(
        'The disk does not answer, so that the process can end in no order: it is killed.\n',
      );
      process.kill(process.pid, 'SIGKILL');
    }
    await sleep(LOOK_MS);
  }
}

/** Whether a file is being opened, read, written or synced. */
export function waitsForDisk(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}

/**
 * Resolves with the first SIGINT, SIGTERM or SIGHUP; from then on a SIGINT exits at once with 130.
 * `takesHangup` is asked with each SIGHUP, and returns true when that has another use.
 */
export function stopRequested(takesHangup = () => false): Promise<keyof typeof signalStatuses> {
  return new Promise((resolve) => {
    let isAsked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (signal === 'SIGHUP' && takesHangup()) return;
      if (isAsked && signal === 'SIGINT') void leaveDisk().then(() => process.exit(signalStatuses.SIGINT));
      isAsked = true;
      resolve(signal as keyof typeof signalStatuses);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on('SIGHUP', stop);
  });
}

/** `stopRequested` as an AbortSignal, whose reason is the name of the signal. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  void stopRequested().then((signal) => stopping.abort(signal));
  return stopping.signal;
}

/**
 * Runs `work` with an AbortSignal that is aborted when the process ends, by a signal or otherwise: its
 * listeners can then remove, synchronously, what is half written. The process' own listeners are added before
 * `work` begins.
 */
export async function untilExit<T>(work: (ending: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const onExit = () => ending.abort();
  const onSignal = (signal: NodeJS.Signals) =>
    process.exit(signalStatuses[signal as keyof typeof signalStatuses]);
  process.once('exit', onExit);
  for (const signal of Object.keys(signalStatuses)) process.once(signal, onSignal);
  try {
    return await work(ending.signal);
  } finally {
    process.removeListener('exit', onExit);
    for (const signal of Object.keys(signalStatuses)) process.removeListener(signal, onSignal);
  }
}

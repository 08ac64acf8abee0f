/** What becomes of a command when a signal comes: a server drains, a tool leaves no half file. */

/** Exit statuses by which a shell knows the signal that ended a process. */
export const signalStatuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Resolves with the first SIGINT or SIGTERM; from then on a SIGINT exits 130 without further ado. */
export function stopRequested(): Promise<keyof typeof signalStatuses> {
  return new Promise((resolve) => {
    let isAsked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (isAsked && signal === 'SIGINT') process.exit(signalStatuses.SIGINT);
      isAsked = true;
      resolve(signal as keyof typeof signalStatuses);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** `stopRequested` as an AbortSignal, whose reason is the name of the signal. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  void stopRequested().then((signal) => stopping.abort(signal));
  return stopping.signal;
}

/**
 * Runs `work` with an AbortSignal that is aborted when the process ends, by a signal or in another way: what
 * is half written can be removed then, at once, in its listeners. The listeners of the process are there
 * before `work` begins.
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

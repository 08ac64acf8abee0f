/** How a server is asked to stop: SIGINT or SIGTERM once to drain and exit 0, SIGINT again to leave at once. */

const SECOND_INTERRUPT_STATUS = 130;

/** Resolves with the first SIGINT or SIGTERM; from then on a SIGINT exits 130 without further ado. */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked && signal === 'SIGINT') process.exit(SECOND_INTERRUPT_STATUS);
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** `stopRequested` for what is ended by a signal of its own kind. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  void stopRequested().then(() => stopping.abort());
  return stopping.signal;
}

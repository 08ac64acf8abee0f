/** Ends what comes in chunks as soon as a signal is aborted, though the next chunk may never come. */

/** The chunks of `chunks`, until the reason of `signal` is thrown. */
export async function* untilAborted<T>(
  chunks: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const closed = iterator.return?.();
    // A pipe that says nothing does not end either; who leaves on a signal does not wait for it.
    if (signal.aborted) void closed?.catch(() => {});
    else await closed;
  }
}

/** Resolves and rejects as `work`, or rejects with the reason of `signal` before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Ends a stream of chunks as soon as a signal is aborted, even when the next chunk never comes. */

/** Yields the chunks of `chunks`; throws the reason of `signal` when it is aborted. */
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
    // A silent pipe does not end either, so that an aborted reader does not wait for it.
    if (signal.aborted) void closed?.catch(() => {});
    else await closed;
  }
}

/** Settles as `work` does, or rejects with the reason of `signal` when it is aborted before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

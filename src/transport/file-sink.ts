/** A dump file as the recorder's sink: bytes in, backpressure out, faults told once. */
import { createWriteStream, openSync } from 'node:fs';
import { FastcacheError } from '../errors.js';
import type { FrameSink } from '../replication/recorder.js';

const MAX_BUFFERED_BYTES = 1_048_576;

/** Creates the file, or truncates it. Throws `WRITE_FAILED` at once when it cannot be opened. */
export function openFileSink(path: string): FrameSink {
  const stream = createWriteStream(path, { fd: openForWriting(path), highWaterMark: MAX_BUFFERED_BYTES });
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  const sink: FrameSink = {
    handlers: { onDrain() {}, onFault() {} },
    write: (bytes) => stream.write(bytes),
    end() {
      stream.end();
      return closed;
    },
  };
  stream.on('drain', () => sink.handlers.onDrain());
  stream.once('error', (error) => sink.handlers.onFault(error));
  return sink;
}

function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FastcacheError('WRITE_FAILED', `The dump cannot be written: ${reason}.`, { file: path, cause });
  }
}

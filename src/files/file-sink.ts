/** A dump file as the recorder's sink: it takes bytes, gives back pressure, and reports a fault once. */
import {
  closeSync,
  constants,
  createWriteStream,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { FastcacheError } from '../errors.js';
import type { FrameSink } from './frame-sink.js';

const { O_CREAT, O_WRONLY } = constants;
const MAX_BUFFERED_BYTES = 1_048_576;

const syncToDisk = promisify(fdatasync);

/**
 * Opens the file, or creates it. With `keptBytes` it continues behind so many bytes of a dump. Other bytes of
 * the file stay until `begin`. Throws `WRITE_FAILED` at once when that cannot be.
 */
export function openFileSink(path: string, keptBytes?: number): FrameSink {
  const fd = openFile(path, keptBytes === undefined ? O_WRONLY | O_CREAT : O_WRONLY);
  if (keptBytes !== undefined) checkKept(path, fd, keptBytes);
  const stream = createWriteStream(path, { fd, start: keptBytes ?? 0, highWaterMark: MAX_BUFFERED_BYTES });
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  const sink: FrameSink = {
    handlers: { onDrain() {}, onFault() {} },
    begin() {
      try {
        if (fstatSync(fd).isFile()) ftruncateSync(fd, keptBytes ?? 0);
      } catch (cause) {
        throw writeFailed(path, cause);
      }
    },
    write: (bytes) => stream.write(bytes),
    async sync() {
      await new Promise<void>((resolve, reject) => {
        stream.write('', (error) => (error ? reject(writeFailed(path, error)) : resolve()));
      });
      await syncToDisk(fd);
    },
    end() {
      stream.end();
      return closed;
    },
  };
  stream.on('drain', () => sink.handlers.onDrain());
  stream.once('error', (error) => sink.handlers.onFault(error));
  return sink;
}

function checkKept(path: string, fd: number, keptBytes: number): void {
  const { size } = fstatSync(fd);
  if (size >= keptBytes) return;
  closeSync(fd);
  throw new FastcacheError(
    'WRITE_FAILED',
    `The dump is of ${size} bytes and cannot be continued behind ${keptBytes}: it is another one, or ` +
      'has been cut.',
    { file: path, expected: keptBytes, found: size },
  );
}

function openFile(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

function writeFailed(file: string, cause: unknown): FastcacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FastcacheError('WRITE_FAILED', `The dump cannot be written: ${reason}.`, { file, cause });
}

/** A dump file as the recorder's sink: it takes bytes, gives back pressure, and reports a fault once. */
import {
  closeSync,
  constants,
  createWriteStream,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { FastcacheError } from '../errors.js';
import { digestOfEdges, type KnownDump } from './dump-digest.js';
import type { FrameSink } from './frame-sink.js';

const { O_CREAT, O_RDWR } = constants;
const MAX_BUFFERED_BYTES = 1_048_576;

const syncToDisk = promisify(fdatasync);

/**
 * Opens the file, or creates it. With `kept` it continues that beginning of a dump. Other bytes of the file
 * stay until `begin`. Throws `WRITE_FAILED` at once when that cannot be.
 */
export function openFileSink(path: string, kept?: KnownDump): FrameSink {
  const fd = openFile(path, kept);
  if (kept !== undefined) checkKept(path, fd, kept);
  const keptBytes = kept?.bytes;
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
    digest(bytes) {
      const digest = digestIn(fd, bytes);
      if (digest !== undefined) return digest;
      throw writeFailed(path, `it no longer has the ${bytes} bytes that were written`);
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

function checkKept(path: string, fd: number, { bytes, sha256 }: KnownDump): void {
  const { size } = fstatSync(fd);
  if (size >= bytes && digestIn(fd, bytes) === sha256) return;
  closeSync(fd);
  const reason =
    size < bytes
      ? `The dump is of ${size} bytes and cannot be continued behind ${bytes}: it is another one, or has been cut.`
      : `The dump has other content in its first ${bytes} bytes than was written: it is another one.`;
  throw new FastcacheError('WRITE_FAILED', reason, { file: path, expected: bytes, found: size });
}

function digestIn(fd: number, bytes: number): string | undefined {
  return digestOfEdges((target, position) => readSync(fd, target, 0, target.length, position), bytes);
}

function openFile(path: string, kept: KnownDump | undefined): number {
  try {
    return openSync(path, kept === undefined ? O_RDWR | O_CREAT : O_RDWR);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

function writeFailed(file: string, cause: unknown): FastcacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FastcacheError('WRITE_FAILED', `The dump cannot be written: ${reason}.`, { file, cause });
}

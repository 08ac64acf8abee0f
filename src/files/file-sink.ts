/**
 * A dump file, or a pipe or device in its place, as the recorder's sink: it takes bytes, gives back pressure,
 * and reports a fault once. Everything is appended, so that a file that another program cuts back while it is
 * recorded has no hole.
 */
import {
  close,
  closeSync,
  constants,
  createWriteStream,
  fdatasync,
  fstatSync,
  ftruncateSync,
  open,
  openSync,
  readSync,
  type Stats,
  statSync,
  type WriteStream,
} from 'node:fs';
import { promisify } from 'node:util';
import { FastcacheError } from '../errors.js';
import { digestOfEdges, type KnownDump } from './dump-digest.js';
import { DEFAULT_FILE_MODE } from './file-mode.js';
import type { FrameSink, SinkOptions } from './frame-sink.js';
import { PatientWriter } from './patient-writer.js';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;
const MAX_BUFFERED_BYTES = 1_048_576;

const syncToDisk = promisify(fdatasync);

/**
 * Opens the file, or creates it. With `kept` it continues that beginning of a dump. Other bytes of the file
 * stay until `begin`. A pipe must have a reader. Throws `WRITE_FAILED` at once when that cannot be.
 */
export function openFileSink(path: string, options: SinkOptions = {}): FrameSink {
  const { fd, isFile } = openTarget(path, options);
  const { kept, appends = false } = options;
  if (kept !== undefined) checkKept(path, fd, kept);
  const writer = new PatientWriter();
  const stream = isFile ? fileStream(fd) : pipeStream(fd, writer);
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  const sink: FrameSink = {
    handlers: { onDrain() {}, onFault() {} },
    get unwrittenBytes() {
      return stream.writableLength;
    },
    begin() {
      try {
        if (isFile && !appends) ftruncateSync(fd, kept?.bytes ?? 0);
      } catch (cause) {
        throw writeFailed(path, cause);
      }
    },
    write: (bytes) => stream.write(bytes),
    async sync() {
      await new Promise<void>((resolve, reject) => {
        stream.write('', (error) => (error ? reject(writeFailed(path, error)) : resolve()));
      });
      if (isFile) await syncToDisk(fd);
    },
    digest(bytes) {
      const digest = digestIn(fd, bytes);
      if (digest !== undefined) return digest;
      throw writeFailed(path, `it no longer has the ${bytes} bytes that were written`);
    },
    end() {
      writer.end();
      stream.end();
      return closed;
    },
  };
  stream.on('drain', () => sink.handlers.onDrain());
  stream.once('error', (error) => sink.handlers.onFault(error));
  return sink;
}

function fileStream(fd: number): WriteStream {
  return createWriteStream('', { fd, highWaterMark: MAX_BUFFERED_BYTES });
}

/** A pipe is opened without blocking, so that its writes may have to be tried again. */
function pipeStream(fd: number, writer: PatientWriter): WriteStream {
  return createWriteStream('', {
    fd,
    highWaterMark: MAX_BUFFERED_BYTES,
    fs: { open, close, write: writer.write },
  });
}

function openTarget(path: string, options: SinkOptions): { fd: number; isFile: boolean } {
  const { kept, isResumable = false, mode = DEFAULT_FILE_MODE } = options;
  try {
    const isFile = isRegular(path, statSync(path, { throwIfNoEntry: false }));
    if (isResumable && !isFile) throw new Error('a state can be kept of a regular file alone');
    const access = isResumable ? O_RDWR : O_WRONLY;
    const creation = isFile && kept === undefined ? O_CREAT : 0;
    const flags = access | creation | O_APPEND | O_NONBLOCK;
    return { fd: openSync(path, flags, mode), isFile };
  } catch (cause) {
    const isUnread = (cause as NodeJS.ErrnoException).code === 'ENXIO';
    throw writeFailed(path, isUnread ? 'nobody reads the pipe: start its reader first' : cause);
  }
}

/** Returns whether it is, or will be, a regular file. Throws for what bytes cannot be written to in order. */
function isRegular(path: string, stats: Stats | undefined): boolean {
  if (stats === undefined || stats.isFile()) return true;
  if (stats.isFIFO() || stats.isCharacterDevice()) return false;
  throw new Error(`${path} is no file, and no pipe`);
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

function writeFailed(file: string, cause: unknown): FastcacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FastcacheError('WRITE_FAILED', `The dump cannot be written: ${reason}.`, { file, cause });
}

/**
 * Writes to a pipe that was opened without blocking: where it is full, the write is tried again until its
 * reader has made room. A blocking write would hold a thread of the process, and its end, as long as the
 * reader likes.
 */
import { write } from 'node:fs';

/** A full pipe is tried again after so long. */
const PAUSE_MS = 10;
/** A reader that takes nothing for so long after the end is not waited for. */
const END_PATIENCE_MS = 2_000;

type Written = (error: Error | null, writtenBytes: number, bytes: Uint8Array) => void;

/** The writes of one pipe, one after the other. */
export class PatientWriter {
  /** How many tries the reader still has since the end; no limit before. */
  #triesLeft = Number.POSITIVE_INFINITY;

  /** From now on the reader has two seconds for each write. */
  end(): void {
    this.#triesLeft = END_PATIENCE_MS / PAUSE_MS;
  }

  /** `fs.write`, as a `WriteStream` calls it, without a position. */
  readonly write = (
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    _position: number | null | undefined,
    onWritten: Written,
  ): void => {
    write(fd, bytes, offset, length, null, (error, writtenBytes) => {
      if (error?.code !== 'EAGAIN') {
        onWritten(error, writtenBytes, bytes);
      } else if (this.#triesLeft <= 0) {
        onWritten(new Error('its reader does not take the rest'), 0, bytes);
      } else {
        this.#triesLeft -= 1;
        setTimeout(() => this.write(fd, bytes, offset, length, null, onWritten), PAUSE_MS);
      }
    });
  };
}

/**
 * Stdout as the commands write it. A long rendering waits for a slow reader; the events of a server are
 * dropped rather than gathered without bound; a reader that has closed the pipe ends a rendering with
 * success.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { FastcacheError } from '../../errors.js';
import { toJson } from './json.js';

/** Bytes of events that wait in memory for a slow reader; further events are dropped and counted. */
const MAX_PENDING_EVENT_BYTES = 1_048_576;

/**
 * Thrown by `Output.write` when the reader has closed the pipe (EPIPE). It ends the work and is no fault.
 */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Stdout, or a stream in its place. */
export class Output {
  readonly #stream: Writable;
  /** The reason why nothing can be written any more; undefined while writing is possible. */
  #end: OutputClosed | FastcacheError | undefined;
  readonly #ended: Promise<Error>;
  #droppedEvents = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    // oclif's listener on stdout throws where nothing can catch the error.
    stream.removeAllListeners('error');
    this.#ended = new Promise((resolve) => {
      stream.on('error', (cause: NodeJS.ErrnoException) => {
        this.#end ??= cause.code === 'EPIPE' ? new OutputClosed() : writeFailed(cause);
        resolve(this.#end);
      });
    });
  }

  /** Whether stdout is a terminal. */
  get isTerminal(): boolean {
    return (this.#stream as Partial<WriteStream>).isTTY === true;
  }

  /** Resolves when nothing can be written any more, with the reason. */
  get ended(): Promise<Error> {
    return this.#ended;
  }

  /**
   * Writes text or bytes as they are; resolves when there is room for more. Throws `OutputClosed` and
   * `WRITE_FAILED`.
   */
  async write(text: string | Uint8Array): Promise<void> {
    await this.offer(text);
  }

  /** Writes as `write` does; returns undefined when there is room for more. */
  offer(text: string | Uint8Array): Promise<void> | undefined {
    if (this.#end !== undefined) throw this.#end;
    return text.length === 0 || this.#stream.write(text) ? undefined : this.#room();
  }

  /** Writes as `write` does; resolves when the caller may use the bytes for something else. */
  async lend(bytes: Uint8Array): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    // The listener above handles the error, in this turn of the event loop or the next.
    const fault = await new Promise((resolve) => this.#stream.write(bytes, resolve));
    if (fault) throw await this.#ended;
  }

  async #room(): Promise<void> {
    // The listener above handles the error.
    await once(this.#stream, 'drain').catch(() => {});
    if (this.#end !== undefined) throw this.#end;
  }

  /** Writes a line. Throws what `write` throws. */
  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /**
   * Writes an NDJSON line without waiting, or drops it: a server does not wait for the readers of its events.
   */
  event(value: Record<string, unknown>): void {
    if (this.#end !== undefined) return;
    if (this.#stream.writableLength > MAX_PENDING_EVENT_BYTES) {
      this.#droppedEvents++;
      return;
    }
    const dropped = this.#droppedEvents === 0 ? {} : { droppedEvents: this.#droppedEvents };
    this.#droppedEvents = 0;
    this.#stream.write(`${toJson({ ...value, ...dropped })}\n`);
  }

  /** Resolves when all that was written has left this process. Throws what `write` throws. */
  async flush(): Promise<void> {
    if (this.#end === undefined && this.#stream.writableLength > 0) {
      await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    }
    if (this.#end !== undefined) throw this.#end;
  }
}

function writeFailed(cause: Error): FastcacheError {
  return new FastcacheError('WRITE_FAILED', `Writing failed: ${cause.message}.`, { file: 'stdout', cause });
}

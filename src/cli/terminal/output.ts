/**
 * Stdout as the commands write it. A pipe takes what it takes: a long rendering waits for its reader, the
 * events of a server are dropped rather than gathered without bound, and a reader that has left ends a
 * rendering in success.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { FastcacheError } from '../../errors.js';
import { toJson } from './json.js';

/** Events wait in memory for a slow reader up to this much; the next ones are dropped and counted. */
const MAX_PENDING_EVENT_BYTES = 1_048_576;

/** Thrown by `Output.write` when nobody reads any more (EPIPE): the end of the work, not a fault. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export class Output {
  readonly #stream: Writable;
  /** Why nothing can be written any more. */
  #end: OutputClosed | FastcacheError | undefined;
  readonly #ended: Promise<Error>;
  #droppedEvents = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    // oclif's listener on stdout throws out of the stream, where nobody can catch it.
    stream.removeAllListeners('error');
    this.#ended = new Promise((resolve) => {
      stream.on('error', (cause: NodeJS.ErrnoException) => {
        this.#end ??= cause.code === 'EPIPE' ? new OutputClosed() : writeFailed(cause);
        resolve(this.#end);
      });
    });
  }

  /** Whether a person reads along. */
  get isTerminal(): boolean {
    return (this.#stream as Partial<WriteStream>).isTTY === true;
  }

  /** Resolves with why nothing can be written any more, when that comes. */
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

  /** As `write`; undefined when there is room. */
  offer(text: string | Uint8Array): Promise<void> | undefined {
    if (this.#end !== undefined) throw this.#end;
    return text.length === 0 || this.#stream.write(text) ? undefined : this.#room();
  }

  /** As `write`, of bytes that are the caller's again when it resolves. */
  async lend(bytes: Uint8Array): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    // An error has been seen to by the listener above, in this or the next turn.
    const fault = await new Promise((resolve) => this.#stream.write(bytes, resolve));
    if (fault) throw await this.#ended;
  }

  async #room(): Promise<void> {
    // An error has been seen to by the listener above.
    await once(this.#stream, 'drain').catch(() => {});
    if (this.#end !== undefined) throw this.#end;
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** One NDJSON line, now or never: what happens must not wait for who watches. */
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

  /** Resolves when all that was written has left this process; throws like `write`. */
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

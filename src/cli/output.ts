/**
 * Stdout as the commands write it. A pipe takes what it takes: a long rendering waits for its reader, the events of
 * a server are dropped rather than gathered without bound, and a reader that has left ends a rendering in success.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { toJson } from './json.js';

/** Events wait in memory for a slow reader up to this much; the next ones are dropped and counted. */
const MAX_PENDING_EVENT_BYTES = 1_048_576;

/** Thrown by `Output.write` when nobody reads any more (EPIPE): the end of the work, not a fault. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export class Output {
  readonly #stream: Writable;
  #closed = false;
  #droppedEvents = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#closed = true;
    });
  }

  /** Writes `text` as it is; resolves when there is room for more. Throws `OutputClosed`. */
  async write(text: string): Promise<void> {
    if (this.#closed) throw new OutputClosed();
    if (this.#stream.write(text)) return;
    await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(rejectAllButEpipe);
    if (this.#closed) throw new OutputClosed();
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** One NDJSON line, now or never: what happens must not wait for who watches. */
  event(value: Record<string, unknown>): void {
    if (this.#closed) return;
    if (this.#stream.writableLength > MAX_PENDING_EVENT_BYTES) {
      this.#droppedEvents++;
      return;
    }
    const dropped = this.#droppedEvents === 0 ? {} : { droppedEvents: this.#droppedEvents };
    this.#droppedEvents = 0;
    this.#stream.write(`${toJson({ ...value, ...dropped })}\n`);
  }

  /** Resolves when all that was written has left this process, or nobody reads it. */
  async flush(): Promise<void> {
    if (this.#closed || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

function rejectAllButEpipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

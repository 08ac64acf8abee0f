/**
 * Copies frames to a dump (cli.md, `--record`): what a socket carried, byte for byte. It never slows or breaks the stream
 * that it records: when its file faults or falls too far behind, the recording ends, and says so once.
 */
import { FastcacheError } from '../../errors.js';
import type { FrameSink } from '../../files/frame-sink.js';
import { Ring } from '../stream/ring.js';
import type { FrameSubscriber } from '../stream/stream.js';

export interface RecorderOptions {
  sink: FrameSink;
  /** Frame bytes that may wait for the sink. */
  maxQueuedBytes: number;
  /** Of a dump that is continued; 0 when absent. */
  bytesBefore?: number;
  /** Told once, with `WRITE_FAILED`, when the recording ends before its time. */
  onFault(error: FastcacheError): void;
}

export class Recorder implements FrameSubscriber {
  readonly #options: RecorderOptions;
  readonly #queue = new Ring<Buffer>();
  #queuedBytes = 0;
  #bytes: number;
  #blocked = false;
  /** Takes nothing more. */
  #ended = false;
  #fault: FastcacheError | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#bytes = options.bytesBefore ?? 0;
    options.sink.handlers = {
      onDrain: () => this.#drain(),
      onFault: (cause) => this.#fail(`The recording failed: ${cause.message}.`, cause),
    };
  }

  /** How long the dump is with all that was offered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frame bytes that wait for the sink. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** To be called before anything is offered, once nothing else can keep the recording from its start. Throws `WRITE_FAILED`. */
  begin(): void {
    this.#options.sink.begin();
  }

  /** The bytes must not change. */
  offer(frame: Buffer): void {
    if (this.#ended) return;
    this.#bytes += frame.length;
    if (!this.#blocked) {
      this.#blocked = !this.#options.sink.write(frame);
      return;
    }
    if (this.#queuedBytes + frame.length > this.#options.maxQueuedBytes) {
      // A dump with a hole in it would be worse than one that ends.
      this.#fail('The recording was stopped: its file cannot keep up with the stream.');
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
  }

  interrupt(reason: string): void {
    if (!this.#ended) this.#fail(`The recording was stopped: ${reason}.`);
  }

  /** Resolves when all that was offered is on the disk; what waits is written at once. Rejects when that cannot be. */
  async flush(): Promise<void> {
    this.#writeQueue();
    await this.#options.sink.sync();
  }

  /** Writes what waits and closes the sink. Rejects with what ended the recording before its time. */
  async end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#writeQueue();
    }
    await this.#options.sink.end();
    if (this.#fault !== undefined) throw this.#fault;
  }

  #writeQueue(): void {
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
      this.#queuedBytes -= frame.length;
      this.#options.sink.write(frame);
    }
  }

  #drain(): void {
    this.#blocked = false;
    while (!this.#blocked && !this.#ended) {
      const frame = this.#queue.shift();
      if (frame === undefined) return;
      this.#queuedBytes -= frame.length;
      this.#blocked = !this.#options.sink.write(frame);
    }
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = new FastcacheError('WRITE_FAILED', message, { cause });
    this.#ended = true;
    this.#queue.clear();
    this.#queuedBytes = 0;
    this.#options.onFault(this.#fault);
  }
}

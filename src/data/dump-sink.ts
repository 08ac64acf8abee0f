/** A dump as a connection that a stream writes to: bytes gather before they are written. */
import type { Timers } from '../clock.js';
import type { Connection } from '../transport/connection.js';
import type { DumpFile } from './dump-file.js';
import { Gathering } from './gathering.js';

/** So many bytes may wait to be written before the stream waits for them. */
const BUFFER_BYTES = 1_048_576;

/** A dump that takes bytes until `written` or `destroy` is called. */
export class DumpSink implements Connection {
  readonly remoteAddress = 'the data directory';
  readonly handlers = { onData() {}, onDrain() {}, onClose() {} };
  readonly #file: Pick<DumpFile, 'append'>;
  readonly #fail: (error: Error) => void;
  #waiting: Buffer[] = [];
  #bufferedBytes = 0;
  sentBytes = 0;
  #isFull = false;
  #writing: Promise<void> | undefined;
  readonly #gathering: Gathering;
  #isEnding = false;

  /** `fail` is called when bytes cannot be written. */
  constructor(file: Pick<DumpFile, 'append'>, timers: Timers, fail: (error: Error) => void) {
    this.#file = file;
    this.#fail = fail;
    this.#gathering = new Gathering(timers, () => this.#begin());
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    this.#waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#bufferedBytes += bytes.length;
    this.#isFull ||= this.#bufferedBytes >= BUFFER_BYTES;
    if (this.#isDue()) this.#begin();
    return !this.#isFull;
  }

  /** Resolves when all is written. */
  async written(): Promise<void> {
    this.#isEnding = true;
    this.#begin();
    await this.#writing;
    this.#gathering.cancel();
  }

  /** Writes what waits, unless that is being done. */
  #begin(): void {
    if (this.#waiting.length > 0) this.#writing ??= this.#writeOn();
  }

  /** Returns whether what waits is to be written now; otherwise that is planned. */
  #isDue(): boolean {
    if (this.#waiting.length === 0) return false;
    return this.#isEnding || this.#isFull || !this.#gathering.waits(this.#bufferedBytes);
  }

  async #writeOn(): Promise<void> {
    try {
      do {
        this.#gathering.taken();
        const pieces = this.#waiting;
        this.#waiting = [];
        const bytes = this.#bufferedBytes;
        await this.#file.append(pieces);
        this.#bufferedBytes -= bytes;
        this.sentBytes += bytes;
        if (this.#isFull && this.#bufferedBytes < BUFFER_BYTES) {
          this.#isFull = false;
          this.handlers.onDrain();
        }
      } while (this.#isDue());
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#writing = undefined;
    }
  }

  flush(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    this.#gathering.cancel();
  }
}

/** One client's stream of bytes: whole commands run at once, and the start of one waits for its rest. */
import { INPUT_WINDOW_BYTES } from '../kernel/layout.js';
import type { CommandSink, CommandWindow } from './command-window.js';
import type { LongBuffers } from './long-buffers.js';
import { LongCommand } from './long-command.js';
import { errorBytes } from './reply.js';

/** Bytes up to which an incomplete command is read again from its beginning with every chunk. */
const RETRIED_BYTES_MAX = 16_384;

/** Limits of a client's input; they are read at each use, for they may change. */
export interface InputLimits {
  /** Bytes that may wait here for one client, whether in one command or many. */
  readonly queryBufferBytes: number;
  /** The longest argument, in bytes; the kernel has the same limit. */
  readonly maxValueBytes: number;
}

/** Gathers what one client sends into whole commands. */
export class CommandInput {
  readonly #sink: CommandSink;
  readonly #limits: InputLimits;
  readonly #buffers: LongBuffers;
  #pending: Buffer | undefined;
  /** The least length that the pending command can have, in bytes. */
  #need = 0;
  #long: LongCommand | undefined;
  #waits = false;

  /** Long commands are gathered in `buffers`, which other clients have too. */
  constructor(sink: CommandSink, limits: InputLimits, buffers: LongBuffers) {
    this.#sink = sink;
    this.#limits = limits;
    this.#buffers = buffers;
  }

  /** Whether commands wait until `resume`: the client should be read no further. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Bytes of commands that wait, or of one that is not whole. */
  get pendingBytes(): number {
    return this.#long?.length ?? this.#pending?.length ?? 0;
  }

  /** Bytes of a long command that is not whole. */
  get argumentBytes(): number {
    return this.#long?.length ?? 0;
  }

  /** Runs the commands that `chunk` completes. `window` is that of the present store. */
  feed(chunk: Buffer, window: CommandWindow): void {
    if (this.#long !== undefined) {
      this.#gather(this.#long, chunk, window);
      return;
    }
    const pending = this.#pending;
    if (pending === undefined) {
      this.#run([chunk], window);
      return;
    }
    const length = pending.length + chunk.length;
    if (this.#waits || length < this.#need) {
      if (!this.#isOverLimit(length)) this.#pending = Buffer.concat([pending, chunk], length);
      return;
    }
    this.#pending = undefined;
    this.#run([pending, chunk], window);
  }

  /** Runs the commands that wait, once the client has taken its replies. */
  resume(window: CommandWindow): void {
    if (!this.#waits) return;
    const pending = this.#pending!;
    this.#waits = false;
    this.#pending = undefined;
    if (pending.length > 0) this.#run([pending], window);
  }

  /** Forgets what has come and not run; to be called when the client has left. */
  close(): void {
    this.#pending = undefined;
    this.#long?.release();
    this.#long = undefined;
  }

  #gather(long: LongCommand, chunk: Buffer, window: CommandWindow): void {
    long.append(chunk);
    if (this.#isOverLimit(long.length) || !long.isWhole()) return;
    this.#long = undefined;
    try {
      this.#run([long.gathered()], window);
    } finally {
      long.release();
    }
  }

  #run(parts: Buffer[], window: CommandWindow): void {
    const rest = window.run(parts, this.#sink);
    if (rest === undefined) return;
    this.#waits = rest.waits;
    if (rest.resumeArgs > 0 && (rest.need > INPUT_WINDOW_BYTES || rest.bytes.length > RETRIED_BYTES_MAX)) {
      const { maxValueBytes } = this.#limits;
      this.#long = new LongCommand(this.#buffers, rest.bytes, rest.resumeAt, rest.resumeArgs, maxValueBytes);
    } else {
      this.#pending = rest.bytes;
      this.#need = rest.need;
    }
  }

  #isOverLimit(bytes: number): boolean {
    if (bytes <= this.#limits.queryBufferBytes) return false;
    this.close();
    this.#sink.fail(errorBytes('ERR Protocol error: the command is larger than the query buffer may be'));
    return true;
  }
}

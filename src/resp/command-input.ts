/** One client's stream of bytes: what came is run at once, what is not whole yet waits for its rest. */
import { INPUT_WINDOW_BYTES } from '../kernel/layout.js';
import type { CommandSink, CommandWindow } from './command-window.js';
import { LongCommand } from './long-command.js';
import { errorBytes } from './reply.js';

/** A longer start of a command is not read again from its beginning with every chunk. */
const RETRIED_BYTES_MAX = 16_384;

/** Asked whenever they count, for they may change. */
export interface InputLimits {
  /** What one client may have waiting here, whether in one command or many. */
  readonly queryBufferBytes: number;
  /** The longest argument, as the kernel was told. */
  readonly maxValueBytes: number;
}

/** Gathers what one client sends into whole commands. */
export class CommandInput {
  readonly #sink: CommandSink;
  readonly #limits: InputLimits;
  #pending: Buffer | undefined;
  /** Least length of the pending command. */
  #need = 0;
  #long: LongCommand | undefined;
  #waits = false;

  constructor(sink: CommandSink, limits: InputLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Whether commands wait until `resume`: the client should be read no further. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Of commands that wait, or of one that is not whole. */
  get pendingBytes(): number {
    return this.#long?.length ?? this.#pending?.length ?? 0;
  }

  /** Runs the commands that `chunk` completes. `window` is the store's of this moment. */
  feed(chunk: Buffer, window: CommandWindow): void {
    if (this.#long !== undefined) {
      this.#long.append(chunk);
      if (this.#isOverLimit(this.#long.length) || !this.#long.isWhole()) return;
      const whole = this.#long.take();
      this.#long = undefined;
      this.#run([whole], window);
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

  /** The client has taken its replies: goes on with what waits. */
  resume(window: CommandWindow): void {
    if (!this.#waits) return;
    const pending = this.#pending!;
    this.#waits = false;
    this.#pending = undefined;
    if (pending.length > 0) this.#run([pending], window);
  }

  #run(parts: Buffer[], window: CommandWindow): void {
    const rest = window.run(parts, this.#sink);
    if (rest === undefined) return;
    this.#waits = rest.waits;
    if (rest.resumeArgs > 0 && (rest.need > INPUT_WINDOW_BYTES || rest.bytes.length > RETRIED_BYTES_MAX)) {
      this.#long = new LongCommand(rest.bytes, rest.resumeAt, rest.resumeArgs, this.#limits.maxValueBytes);
    } else {
      this.#pending = rest.bytes;
      this.#need = rest.need;
    }
  }

  #isOverLimit(bytes: number): boolean {
    if (bytes <= this.#limits.queryBufferBytes) return false;
    this.#pending = undefined;
    this.#long = undefined;
    this.#sink.fail(errorBytes('ERR Protocol error: the command is larger than the query buffer may be'));
    return true;
  }
}

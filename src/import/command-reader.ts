/** Cuts the stream of a Redis primary into commands, and counts its bytes. */
import { FastcacheError } from '../errors.js';
import { StreamCutter } from '../redis-client/stream-cutter.js';

const ARGUMENTS_MAX = 1_048_576;
const ARGUMENT_BYTES_MAX = 536_870_912;
/** A Redis takes no larger command from a client (client-query-buffer-limit). */
const COMMAND_BYTES_MAX = 1_073_741_824;
/** A line that says how many arguments or bytes come. */
const HEAD_BYTES_MAX = 32;
const LINE_END_BYTES = 2;
const LINE_FEED = 0x0a;

/** A command; its arguments are valid until the next bytes are pushed. */
export interface StreamCommand {
  readonly args: readonly Buffer[];
  /** Bytes of the stream that it has. */
  readonly bytes: number;
}

/** A reader; it keeps the bytes of a command that is not whole, and allocates nothing ahead of them. */
export class CommandReader {
  readonly #stream = new StreamCutter();
  /** The arguments that the command which is not whole will have; undefined before its first line. */
  #count: number | undefined;
  #args: Buffer[] = [];
  /** The bytes of the argument whose length was the last line. */
  #argBytes: number | undefined;
  #bytes = 0;
  readonly #mostBytes: number;

  /** A command of more than `mostBytes` is refused. */
  constructor(mostBytes = COMMAND_BYTES_MAX) {
    this.#mostBytes = mostBytes;
  }

  /** Takes the stream's next bytes; returns the commands that are whole. Throws `REPLY_MALFORMED`. */
  *push(chunk: Buffer): Generator<StreamCommand, void, void> {
    this.#stream.feed(chunk);
    /** The arguments that came before lie in memory of their own. */
    const before = this.#args.length;
    let isFirst = true;
    for (;;) {
      const command = this.#next();
      if (command === undefined) break;
      isFirst = false;
      yield command;
    }
    for (let index = isFirst ? before : 0; index < this.#args.length; index += 1) {
      this.#args[index] = this.#stream.keep(this.#args[index]!);
    }
  }

  /** Returns the next command; undefined: it is not whole. */
  #next(): StreamCommand | undefined {
    // A primary that has nothing to send keeps the link alive by line feeds.
    if (this.#count === undefined) this.#stream.skip(LINE_FEED);
    while (this.#count === undefined || this.#args.length < this.#count) {
      if (!this.#stream.hasMore || !this.#step()) return undefined;
    }
    const command = { args: this.#args, bytes: this.#bytes };
    this.#count = undefined;
    this.#args = [];
    this.#bytes = 0;
    return command;
  }

  /** Reads the next line or argument; returns false when it is not whole. */
  #step(): boolean {
    if (this.#argBytes !== undefined) {
      const arg = this.#stream.string(this.#argBytes);
      if (arg === undefined) return false;
      this.#args.push(arg);
      this.#argBytes = undefined;
      return true;
    }
    const line = this.#stream.line(HEAD_BYTES_MAX, (beginning) => {
      throw malformed(beginning, this.#mark);
    });
    if (line === undefined) return false;
    if (this.#count === undefined) this.#count = lengthOf(line, this.#mark, ARGUMENTS_MAX);
    else {
      this.#argBytes = lengthOf(line, this.#mark, ARGUMENT_BYTES_MAX);
      this.#bytes += this.#argBytes + LINE_END_BYTES;
    }
    this.#bytes += line.length + LINE_END_BYTES;
    if (this.#bytes > this.#mostBytes) throw malformed(line, `a command of ${this.#mostBytes} bytes at most`);
    return true;
  }

  /** The byte with which the next line must begin. */
  get #mark(): string {
    return this.#count === undefined ? '*' : '$';
  }
}

function lengthOf(line: Buffer, mark: string, most: number): number {
  const text = line.toString('latin1');
  const value = text.startsWith(mark) && /^\d{1,10}$/.test(text.slice(1)) ? Number(text.slice(1)) : -1;
  if (value < 0 || value > most) throw malformed(line, mark);
  return value;
}

function malformed(line: Buffer, expected: string): FastcacheError {
  const found = line.toString('latin1', 0, HEAD_BYTES_MAX);
  const message = `The primary's stream has ${JSON.stringify(found)} where a command is expected.`;
  return new FastcacheError('REPLY_MALFORMED', message, { expected, found });
}

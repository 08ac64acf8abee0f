/** Cuts the stream of a Redis primary into commands, and counts its bytes. */
import { FastcacheError } from '../errors.js';

const ARGUMENTS_MAX = 1_048_576;
const ARGUMENT_BYTES_MAX = 536_870_912;
/** A line that says how many arguments or bytes come. */
const HEAD_BYTES_MAX = 32;

/** A command; its arguments are valid until the next bytes are pushed. */
export interface StreamCommand {
  readonly args: readonly Buffer[];
  /** Bytes of the stream that it has. */
  readonly bytes: number;
}

/** A reader; it keeps the bytes of a command that is not whole, and allocates nothing ahead of them. */
export class CommandReader {
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes that the command which is not whole has at least. */
  #needed = 0;

  /** Takes the stream's next bytes; returns the commands that are whole. Throws `REPLY_MALFORMED`. */
  *push(chunk: Buffer): Generator<StreamCommand, void, void> {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#needed) return;
    const bytes = this.#held.length === 1 ? chunk : Buffer.concat(this.#held);
    let at = 0;
    this.#needed = 0;
    while (at < bytes.length) {
      // A primary that has nothing to send keeps the link alive by line ends.
      if (bytes[at] === 0x0a) {
        at += 1;
        continue;
      }
      const found = commandAt(bytes, at);
      if (typeof found === 'number') {
        this.#needed = found;
        break;
      }
      at += found.bytes;
      yield found;
    }
    this.#held = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#heldBytes = bytes.length - at;
  }
}

/** Reads the command at `at`; returns how many bytes it has at least, when it is not whole. */
function commandAt(bytes: Buffer, at: number): StreamCommand | number {
  const count = headAt(bytes, at, '*', ARGUMENTS_MAX);
  if (count === undefined) return bytes.length - at + 1;
  const args: Buffer[] = [];
  let from = count.end;
  for (let index = 0; index < count.value; index += 1) {
    const length = headAt(bytes, from, '$', ARGUMENT_BYTES_MAX);
    if (length === undefined) return bytes.length - at + 1;
    const end = length.end + length.value;
    if (end + 2 > bytes.length) return end + 2 - at;
    args.push(bytes.subarray(length.end, end));
    from = end + 2;
  }
  return { args, bytes: from - at };
}

function headAt(
  bytes: Buffer,
  at: number,
  mark: string,
  most: number,
): { value: number; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd === -1 && bytes.length - at < HEAD_BYTES_MAX) return undefined;
  const text = bytes.toString('latin1', at, lineEnd === -1 ? at + HEAD_BYTES_MAX : lineEnd);
  const value = text.startsWith(mark) && /^\d{1,10}$/.test(text.slice(1)) ? Number(text.slice(1)) : -1;
  if (value < 0 || value > most) {
    const message = `The primary's stream has ${JSON.stringify(text.slice(0, HEAD_BYTES_MAX))} where a command is expected.`;
    throw new FastcacheError('REPLY_MALFORMED', message, {
      expected: mark,
      found: text.slice(0, HEAD_BYTES_MAX),
    });
  }
  return { value, end: lineEnd + 2 };
}

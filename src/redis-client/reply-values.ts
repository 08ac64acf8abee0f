/** Reads replies of a Redis-protocol server (RESP2) as values, whatever their shape. */
import { FastcacheError } from '../errors.js';

/** A server's error, with its words. */
export class ReplyError {
  readonly words: string;

  constructor(words: string) {
    this.words = words;
  }
}

/** A reply: the bytes of a string or a line, a number, nothing, an error, or a list. */
export type ReplyValue = Buffer | number | null | ReplyError | readonly ReplyValue[];

/** The longest string, and the most elements of a list, that are taken. */
const STRING_BYTES_MAX = 536_870_912;
const ELEMENTS_MAX = 1_048_576;
const DEPTH_MAX = 8;
const LINE_BYTES_MAX = 65_536;

/** Where a reply that is not whole goes on: it has at least so many bytes. */
class Incomplete {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** Cuts a server's stream into replies, and keeps the bytes of one that is not whole. */
export class ReplyValues {
  readonly #onReply: (reply: ReplyValue) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #needed = 0;

  constructor(onReply: (reply: ReplyValue) => void) {
    this.#onReply = onReply;
  }

  /** Takes the stream's next bytes, which are not kept. Throws `REPLY_MALFORMED`. */
  push(chunk: Buffer): void {
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#needed) {
      this.#held.push(Buffer.from(chunk));
      return;
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([...this.#held, chunk]);
    let at = 0;
    this.#needed = 0;
    while (at < bytes.length) {
      const found = replyAt(bytes, at, 0);
      if (found instanceof Incomplete) {
        this.#needed = found.bytes;
        break;
      }
      at = found.end;
      this.#onReply(found.value);
    }
    this.#heldBytes = bytes.length - at;
    this.#held = this.#heldBytes === 0 ? [] : [Buffer.from(bytes.subarray(at))];
  }
}

interface Found {
  readonly value: ReplyValue;
  readonly end: number;
}

/** Reads the reply at `at`, whose strings are copied. */
function replyAt(bytes: Buffer, at: number, depth: number): Found | Incomplete {
  const mark = String.fromCharCode(bytes[at] ?? 0);
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd === -1) {
    if (bytes.length - at > LINE_BYTES_MAX) throw malformed('a line without end');
    return new Incomplete(bytes.length - at + 1);
  }
  const end = lineEnd + 2;
  if (mark === '+') return { value: Buffer.from(bytes.subarray(at + 1, lineEnd)), end };
  const text = bytes.toString('utf8', at + 1, lineEnd);
  if (mark === '-') return { value: new ReplyError(text), end };
  const number = /^-?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (mark === ':' && !Number.isNaN(number)) return { value: number, end };
  if (mark !== '$' && mark !== '*') throw malformed(`the byte 0x${bytes[at]!.toString(16)}`);
  if (number === -1) return { value: null, end };
  const most = mark === '$' ? STRING_BYTES_MAX : ELEMENTS_MAX;
  if (!(number >= 0 && number <= most)) throw malformed(`a length of ${text.slice(0, 20)}`);
  if (mark === '$') {
    const stringEnd = end + number + 2;
    if (stringEnd > bytes.length) return new Incomplete(stringEnd - at);
    return { value: Buffer.from(bytes.subarray(end, end + number)), end: stringEnd };
  }
  if (depth === DEPTH_MAX) throw malformed('lists within lists');
  const values: ReplyValue[] = [];
  let from = end;
  for (let index = 0; index < number; index += 1) {
    if (from >= bytes.length) return new Incomplete(bytes.length - at + 1);
    const found = replyAt(bytes, from, depth + 1);
    if (found instanceof Incomplete) return new Incomplete(from - at + found.bytes);
    values.push(found.value);
    from = found.end;
  }
  return { value: values, end: from };
}

function malformed(found: string): FastcacheError {
  return new FastcacheError(
    'REPLY_MALFORMED',
    `The server does not answer in the Redis protocol: ${found}.`,
    {
      expected: 'a reply',
      found,
    },
  );
}

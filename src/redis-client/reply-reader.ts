/**
 * Reads the replies of a Redis-protocol server to commands whose replies are one line each, or a short
 * string, mostly only to find the errors among them; where lists are expected, also flat lists of such, with
 * their texts. Anything else is refused, so that a server of another protocol is recognized by its first
 * bytes.
 */
import { FastcacheError } from '../errors.js';

/** The longest line or string that is taken; errors of servers are shorter. */
const MAX_REPLY_BYTES = 65_536;
const MAX_ELEMENTS = 1_024;
const LIST = 0x2a;

/**
 * Called for each reply in turn: with the text of an error, undefined for any other; with the texts of a
 * list, undefined for any other and for the list that is null; and with where the whole reply is, in bytes
 * that are valid during the call.
 */
export type OnReply = (
  error: string | undefined,
  list: readonly string[] | undefined,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/** Cuts a server's stream into replies, and keeps the bytes of one that is not whole. */
export class ReplyReader {
  readonly #onReply: OnReply;
  readonly #takesLists: boolean;
  #held = Buffer.alloc(0);

  constructor(onReply: OnReply, { takesLists = false } = {}) {
    this.#onReply = onReply;
    this.#takesLists = takesLists;
  }

  /** Takes the stream's next bytes, which are not kept. Throws `REPLY_MALFORMED`. */
  push(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const isList = this.#takesLists && bytes[at] === LIST;
      const list: string[] | undefined = isList ? [] : undefined;
      const end = list === undefined ? this.#replyEnd(bytes, at) : this.#listEnd(bytes, at, list);
      if (end === undefined) break;
      const isError = bytes[at] === 0x2d;
      const error = isError ? bytes.toString('utf8', at + 1, end - 2) : undefined;
      const isNull = isList && bytes[at + 1] === 0x2d;
      this.#onReply(error, isNull ? undefined : list, bytes, at, end);
      at = end;
    }
    if (bytes.length - at > MAX_REPLY_BYTES) throw malformed('a reply without end');
    this.#held = Buffer.from(bytes.subarray(at));
  }

  /**
   * Returns the index behind the list at `at`, whose texts are added to `list`; undefined when the list is
   * not whole.
   */
  #listEnd(bytes: Buffer, at: number, list: string[]): number | undefined {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const text = bytes.toString('latin1', at + 1, Math.min(lineEnd, at + 12));
    if (text === '-1') return lineEnd + 2;
    const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
    if (count > MAX_ELEMENTS) throw malformed('a list of such a length');
    let start = lineEnd + 2;
    for (let index = 0; index < count; index += 1) {
      const end = start < bytes.length ? this.#replyEnd(bytes, start) : undefined;
      if (end === undefined) return undefined;
      // The text of a string is behind its length.
      const from = bytes[start] === 0x24 ? bytes.indexOf('\r\n', start) + 2 : start + 1;
      list.push(bytes.toString('utf8', Math.min(from, end), Math.max(from, end - 2)));
      start = end;
    }
    return start;
  }

  /** Returns the index behind the reply at `at`; undefined when the reply is not whole. */
  #replyEnd(bytes: Buffer, at: number): number | undefined {
    const mark = String.fromCharCode(bytes[at]!);
    if (!'+-:$'.includes(mark)) throw malformed(`the byte 0x${bytes[at]!.toString(16).padStart(2, '0')}`);
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    if (mark !== '$') return lineEnd + 2;
    const text = bytes.toString('latin1', at + 1, Math.min(lineEnd, at + 12));
    if (text === '-1') return lineEnd + 2;
    const length = /^\d{1,5}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
    if (length > MAX_REPLY_BYTES) throw malformed('a string of such a length');
    const end = lineEnd + 2 + length + 2;
    return end <= bytes.length ? end : undefined;
  }
}

function malformed(found: string): FastcacheError {
  return new FastcacheError(
    'REPLY_MALFORMED',
    `The server does not answer in the Redis protocol as it was asked to: found ${found}.`,
    { expected: 'a reply', found },
  );
}

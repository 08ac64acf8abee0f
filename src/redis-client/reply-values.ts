/** Reads replies of a Redis-protocol server (RESP2) as values, whatever their shape. */
import { FastcacheError } from '../errors.js';
import { StreamCutter } from './stream-cutter.js';

/** A server's error, with its words. */
export class ReplyError {
  readonly words: string;

  constructor(words: string) {
    this.words = words;
  }
}

/** A reply: the bytes of a string or a line, a number, nothing, an error, or a list. */
export type ReplyValue = Buffer | number | null | ReplyError | readonly ReplyValue[];

/** The longest string that is taken, and the most that one reply has in all: elements of lists, bytes. */
const STRING_BYTES_MAX = 536_870_912;
const ELEMENTS_MAX = 1_048_576;
const REPLY_BYTES_MAX = 1_073_741_824;
const DEPTH_MAX = 8;
const LINE_BYTES_MAX = 65_536;
/** The bytes with which replies begin. */
const MARKS = Buffer.from('+-:$*');

/** A list whose elements have not all come. */
interface OpenList {
  readonly count: number;
  readonly values: ReplyValue[];
}

/** Cuts a server's stream into replies, and keeps what has come of one that is not whole. */
export class ReplyValues {
  readonly #onReply: (reply: ReplyValue) => void;
  readonly #stream = new StreamCutter();
  /** The lists that the next value is in, the innermost last. */
  readonly #lists: OpenList[] = [];
  /** The bytes of the string whose length was the last line. */
  #stringBytes: number | undefined;
  /** The elements of lists, and the bytes, that the reply that is not whole has so far and announces. */
  #elements = 0;
  #bytes = 0;
  readonly #mostBytes: number;

  /** A reply of more than `mostBytes` is refused. */
  constructor(onReply: (reply: ReplyValue) => void, mostBytes = REPLY_BYTES_MAX) {
    this.#onReply = onReply;
    this.#mostBytes = mostBytes;
  }

  /** Takes the stream's next bytes, which are not kept. Throws `REPLY_MALFORMED`. */
  push(chunk: Buffer): void {
    this.#stream.feed(chunk);
    while (this.#stream.hasMore) {
      if (this.#stringBytes === undefined) {
        this.#checkMark();
        const line = this.#stream.line(LINE_BYTES_MAX, () => {
          throw malformed('a line without end');
        });
        if (line !== undefined) this.#takeLine(line);
      } else {
        const string = this.#stream.string(this.#stringBytes);
        if (string === undefined) return;
        this.#stringBytes = undefined;
        this.#add(this.#stream.keep(string));
      }
    }
  }

  /** Refuses what is no reply by its first byte: a server of another protocol may send no line at all. */
  #checkMark(): void {
    const byte = this.#stream.firstByte;
    if (byte === undefined || MARKS.includes(byte)) return;
    throw malformed(`the byte 0x${byte.toString(16).padStart(2, '0')}`);
  }

  #takeLine(line: Buffer): void {
    const mark = String.fromCharCode(line[0]!);
    this.#count(line.length);
    if (mark === '+') {
      this.#add(this.#stream.keep(line.subarray(1)));
      return;
    }
    const text = line.toString('utf8', 1);
    if (mark === '-') {
      this.#add(new ReplyError(text));
      return;
    }
    const number = /^-?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
    if (mark === ':' && !Number.isNaN(number)) {
      this.#add(number);
      return;
    }
    if (mark === ':') throw malformed(`a number of ${text.slice(0, 20)}`);
    if (number === -1) this.#add(null);
    else if (mark === '$') this.#expectString(number, text);
    else this.#openList(number, text);
  }

  #expectString(bytes: number, text: string): void {
    if (!(bytes >= 0 && bytes <= STRING_BYTES_MAX)) throw malformedLength(text);
    this.#count(bytes);
    this.#stringBytes = bytes;
  }

  #openList(count: number, text: string): void {
    this.#elements += count;
    if (!(count >= 0 && this.#elements <= ELEMENTS_MAX)) throw malformedLength(text);
    if (this.#lists.length === DEPTH_MAX) throw malformed('lists within lists');
    if (count === 0) this.#add([]);
    else this.#lists.push({ count, values: [] });
  }

  /** Adds a value to the list that it is in; a list that is whole then is a value itself, or the reply. */
  #add(value: ReplyValue): void {
    let whole = value;
    for (let list = this.#lists.at(-1); list !== undefined; list = this.#lists.at(-1)) {
      list.values.push(whole);
      if (list.values.length < list.count) return;
      whole = list.values;
      this.#lists.pop();
    }
    this.#elements = 0;
    this.#bytes = 0;
    this.#onReply(whole);
  }

  /** Counts bytes of the reply that is not whole. */
  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#mostBytes) throw malformed(`a reply of more than ${this.#mostBytes} bytes`);
  }
}

function malformedLength(text: string): FastcacheError {
  return malformed(`a length of ${text.slice(0, 20)}`);
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

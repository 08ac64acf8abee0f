/**
 * The reply of a command, as a value, and its bytes in RESP2 or RESP3. Commands return values and never write
 * bytes, so that the encoding for both protocols is in one place.
 */
import { numberText } from '../lua/numbers.js';

/** The protocol that a client chose by HELLO. */
export type Protocol = 2 | 3;

/**
 * `null` is nil; numbers are whole; texts (as UTF-8) and buffers are bulk strings; lists are arrays. The
 * classes below are for everything else.
 */
export type Reply =
  | null
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Reply[]
  | Status
  | Failure
  | NilArray
  | MapReply
  | SetReply
  | Verbatim
  | Double
  | SpelledDouble
  | BooleanReply
  | BigNumber
  | Push
  | Raw;

/** A simple string: `+OK`. */
export class Status {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An error; `text` begins with its word (`ERR …`). */
export class Failure {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Nil where an array was asked for. */
export class NilArray {}

/** Pairs; in RESP2 they are one flat array. */
export class MapReply {
  readonly pairs: readonly (readonly [Reply, Reply])[];

  constructor(pairs: readonly (readonly [Reply, Reply])[]) {
    this.pairs = pairs;
  }
}

/** A set; in RESP2 an array. */
export class SetReply {
  readonly items: readonly Reply[];

  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** Text for people, such as INFO's, with three letters that name its format; in RESP2 a bulk string. */
export class Verbatim {
  readonly text: string | Buffer;
  readonly format: string;

  constructor(text: string | Buffer, format = 'txt') {
    this.text = text;
    this.format = format;
  }
}

/** A floating-point number; in RESP2 a bulk string. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A floating-point number as it is spelled, with more digits than a number has; in RESP2 a bulk string. */
export class SpelledDouble {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** True or false; in RESP2 the integer 1 or 0. */
export class BooleanReply {
  readonly isTrue: boolean;

  constructor(isTrue: boolean) {
    this.isTrue = isTrue;
  }
}

/** An integer of any length, as it is spelled; in RESP2 a bulk string. */
export class BigNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/** A message out of turn; in RESP2 an array. */
export class Push {
  readonly items: readonly Reply[];

  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** Bytes that are already encoded as a reply. */
export class Raw {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** The status `OK`. */
export const OK = new Status('OK');
/** The answer of an EXEC whose watched keys have changed. */
export const NIL_ARRAY = new NilArray();
/** The answer of commands that stay silent: CLIENT REPLY OFF and SKIP, a second MONITOR. */
export const NO_REPLY = new Raw(Buffer.alloc(0));

const CRLF = Buffer.from('\r\n');
/** Integers below this, which many replies are, are encoded once. */
const SMALL_INTEGERS = 1_024;
const smallIntegers: (Buffer | undefined)[] = [];

/** The longest reply, in bytes; a longer one is refused, for it would be in memory more than once. */
export const REPLY_BYTES_MAX = 1024 * 1024 * 1024;

/** The bytes of a reply; a reply that is too long becomes an error. */
export function encodeReply(reply: Reply, protocol: Protocol): Buffer {
  const parts: Uint8Array[] = [];
  write(reply, protocol, parts);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > REPLY_BYTES_MAX) return errorBytes(`ERR the reply would have ${length} bytes`);
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
}

/** `text` begins with the error's word; line breaks in it become blanks, as Redis does. */
export function errorBytes(text: string): Buffer {
  return Buffer.from(`-${text.replace(/[\r\n]/g, ' ')}\r\n`, 'latin1');
}

function write(reply: Reply, protocol: Protocol, parts: Uint8Array[]): void {
  if (reply === null) parts.push(Buffer.from(protocol === 3 ? '_\r\n' : '$-1\r\n'));
  else if (typeof reply === 'number' || typeof reply === 'bigint') parts.push(integerBytes(reply));
  else if (typeof reply === 'string') writeBulk(Buffer.from(reply), parts);
  else if (reply instanceof Uint8Array) writeBulk(reply, parts);
  else if (Array.isArray(reply)) writeItems('*', reply as readonly Reply[], protocol, parts);
  else if (reply instanceof Status) parts.push(Buffer.from(`+${reply.text}\r\n`));
  else if (reply instanceof Failure) parts.push(errorBytes(reply.text));
  else if (reply instanceof NilArray) parts.push(Buffer.from(protocol === 3 ? '_\r\n' : '*-1\r\n'));
  else if (reply instanceof MapReply) {
    const count = reply.pairs.length;
    parts.push(Buffer.from(protocol === 3 ? `%${count}\r\n` : `*${2 * count}\r\n`));
    for (const [key, value] of reply.pairs) {
      write(key, protocol, parts);
      write(value, protocol, parts);
    }
  } else if (reply instanceof SetReply) writeItems(protocol === 3 ? '~' : '*', reply.items, protocol, parts);
  else if (reply instanceof Push) writeItems(protocol === 3 ? '>' : '*', reply.items, protocol, parts);
  else if (reply instanceof Raw) parts.push(reply.bytes);
  else writeScalar(reply as Verbatim | Double | SpelledDouble | BooleanReply | BigNumber, protocol, parts);
}

/** Writes what only RESP3 has a form for. */
function writeScalar(
  reply: Verbatim | Double | SpelledDouble | BooleanReply | BigNumber,
  protocol: Protocol,
  parts: Uint8Array[],
): void {
  if (reply instanceof Verbatim) {
    const text = typeof reply.text === 'string' ? Buffer.from(reply.text) : reply.text;
    if (protocol === 3) parts.push(Buffer.from(`=${text.length + 4}\r\n${reply.format}:`), text, CRLF);
    else writeBulk(text, parts);
  } else if (reply instanceof BooleanReply) {
    const { isTrue } = reply;
    if (protocol === 3) parts.push(Buffer.from(isTrue ? '#t\r\n' : '#f\r\n'));
    else parts.push(Buffer.from(isTrue ? ':1\r\n' : ':0\r\n'));
  } else if (reply instanceof SpelledDouble) writeSpelled(',', reply.text, protocol, parts);
  else if (reply instanceof Double) writeSpelled(',', numberText(reply.value, 17), protocol, parts);
  else writeSpelled('(', reply.digits.replace(/[\r\n]/g, ' '), protocol, parts);
}

/** Writes a number as a line of its own kind, in RESP2 as a bulk string. */
function writeSpelled(mark: string, text: string, protocol: Protocol, parts: Uint8Array[]): void {
  if (protocol === 3) parts.push(Buffer.from(`${mark}${text}\r\n`, 'latin1'));
  else writeBulk(Buffer.from(text, 'latin1'), parts);
}

function integerBytes(integer: number | bigint): Buffer {
  const isSmall = typeof integer === 'number' && integer >= 0 && integer < SMALL_INTEGERS;
  if (!isSmall) return Buffer.from(`:${integer}\r\n`);
  return (smallIntegers[integer] ??= Buffer.from(`:${integer}\r\n`));
}

function writeItems(mark: string, items: readonly Reply[], protocol: Protocol, parts: Uint8Array[]): void {
  parts.push(Buffer.from(`${mark}${items.length}\r\n`));
  for (const item of items) write(item, protocol, parts);
}

function writeBulk(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
}

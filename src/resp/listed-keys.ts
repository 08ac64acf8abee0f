/**
 * The reply of KEYS, made from the kernel's lists in one pass: an object for each of a million keys would
 * take longer than finding them.
 */
import { Raw } from './reply.js';

const LENGTH_BYTES = 4;
/** A key's `$`, up to ten digits and two line ends, without the length before it in the list. */
const FRAME_BYTES_MAX = 15 - LENGTH_BYTES;
/** Bytes up to which a loop copies a key sooner than a call does. */
const LOOPED_BYTES_MAX = 64;
const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;

/** Returns the array of all keys in lists of u32 length and key. */
export function listedKeys(lists: readonly Buffer[]): Raw {
  const replies = lists.map(repliesOf);
  const count = replies.reduce((sum, reply) => sum + reply.count, 0);
  return new Raw(Buffer.concat([Buffer.from(`*${count}\r\n`), ...replies.map(({ bytes }) => bytes)]));
}

function repliesOf(list: Buffer): { bytes: Buffer; count: number } {
  const count = countOf(list);
  const bytes = Buffer.allocUnsafeSlow(list.length + count * FRAME_BYTES_MAX);
  let to = 0;
  for (let from = 0; from < list.length; ) {
    const length = list.readUInt32LE(from);
    from += LENGTH_BYTES;
    bytes[to++] = DOLLAR;
    to = writeDigits(bytes, to, length);
    to = writeLineEnd(bytes, to);
    if (length > LOOPED_BYTES_MAX) list.copy(bytes, to, from, from + length);
    else for (let index = 0; index < length; index++) bytes[to + index] = list[from + index]!;
    to = writeLineEnd(bytes, to + length);
    from += length;
  }
  return { bytes: bytes.subarray(0, to), count };
}

function countOf(list: Buffer): number {
  let count = 0;
  for (let at = 0; at < list.length; at += LENGTH_BYTES + list.readUInt32LE(at)) count += 1;
  return count;
}

function writeDigits(target: Buffer, at: number, value: number): number {
  if (value >= 10) return writeDigits(target, writeDigits(target, at, Math.floor(value / 10)), value % 10);
  target[at] = 0x30 + value;
  return at + 1;
}

function writeLineEnd(target: Buffer, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}

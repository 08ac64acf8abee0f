// Writes replies into the output buffer: RESP2, and the null of RESP3. The caller has made sure of the room.
import { copyBytes } from '../bytes';
import { decimalLength, writeDecimal, writeSigned } from '../number';

let output: usize = 0;
let at: usize = 0;
let end: usize = 0;

const CRLF: u16 = 0x0a0d;
let isResp3: bool = false;

export function setResp3(resp3: bool): void {
  isResp3 = resp3;
}

export function openOutput(buffer: usize, bytes: usize): void {
  output = buffer;
  at = buffer;
  end = buffer + bytes;
}

export function outputBytes(): u32 {
  return <u32>(at - output);
}

/**
 * Returns where the next reply starts, to which `rewind` goes back when that reply cannot be given after all.
 */
export function mark(): usize {
  return at;
}

export function rewind(to: usize): void {
  at = to;
}

/** Returns whether there is room for `bytes` more. */
export function hasRoom(bytes: u64): bool {
  return bytes <= <u64>(end - at);
}

/** Returns the bytes of a bulk reply. */
export function bulkBytes(length: u32): u64 {
  return <u64>length + <u64>decimalLength(length) + 5;
}

export function replyOk(): void {
  store<u32>(at, 0x0d4b4f2b);
  store<u8>(at, 0x0a, 4);
  at += 5;
}

export function replyNull(): void {
  if (isResp3) {
    store<u16>(at, 0x0d5f);
    store<u8>(at, 0x0a, 2);
    at += 3;
    return;
  }
  store<u32>(at, 0x0d312d24);
  store<u8>(at, 0x0a, 4);
  at += 5;
}

export function replyInteger(value: i64): void {
  store<u8>(at, 0x3a);
  at = writeSigned(at + 1, value);
  store<u16>(at, CRLF);
  at += 2;
}

export function replyArray(count: u32): void {
  store<u8>(at, 0x2a);
  at = writeDecimal(at + 1, count);
  store<u16>(at, CRLF);
  at += 2;
}

export function replyBulk(from: usize, length: u32): void {
  store<u8>(at, 0x24);
  at = writeDecimal(at + 1, length);
  store<u16>(at, CRLF);
  copyBytes(at + 2, from, length);
  at += 2 + length;
  store<u16>(at, CRLF);
  at += 2;
}

/** Writes an error reply. */
export function replyError(text: string): void {
  store<u8>(at++, 0x2d);
  writeText(text);
  store<u16>(at, CRLF);
  at += 2;
}

/** Writes an error reply that ends with a command's name in lower case and quotes. */
export function replyErrorAboutCommand(before: string, name: usize, length: u32): void {
  store<u8>(at++, 0x2d);
  writeText(before);
  for (let i: u32 = 0; i < length; i++) store<u8>(at++, load<u8>(name + i) | 0x20);
  writeText("' command");
  store<u16>(at, CRLF);
  at += 2;
}

/** Writes an error reply that ends with some bytes of the client, up to a zero; line breaks become blanks. */
export function replyErrorAbout(before: string, from: usize, length: u32): void {
  store<u8>(at++, 0x2d);
  writeText(before);
  const shown = min<u32>(length, 128);
  for (let i: u32 = 0; i < shown; i++) {
    const byte = load<u8>(from + i);
    if (byte === 0) break;
    store<u8>(at++, byte === 0x0d || byte === 0x0a ? 0x20 : byte);
  }
  store<u16>(at, CRLF);
  at += 2;
}

function writeText(text: string): void {
  const length = text.length;
  for (let i = 0; i < length; i++) store<u8>(at++, <u8>text.charCodeAt(i));
}

// CRC-64 as Redis' dumps have it (Jones' polynomial, reflected, from 0, not inverted), eight bytes a step.

const POLYNOMIAL: u64 = 0x95ac9329ac4bc9b5;
/**
 * Eight tables of 256 words: the part of each byte in the checksum when 0 to 7 more bytes follow in its step.
 */
const tables: usize = memory.data(16384, 8);
const TABLE_BYTES: usize = 2048;

/** Returns the checksum of what had the checksum `before` (0: nothing) with `length` more bytes. */
export function crc64(before: u64, at: usize, length: u32): u64 {
  if (load<u64>(tables, 8) === 0) fillTables();
  let crc = before;
  const end = at + length;
  for (; end - at >= 8; at += 8) {
    crc ^= load<u64>(at);
    crc =
      entryOf(7, crc) ^
      entryOf(6, crc >> 8) ^
      entryOf(5, crc >> 16) ^
      entryOf(4, crc >> 24) ^
      entryOf(3, crc >> 32) ^
      entryOf(2, crc >> 40) ^
      entryOf(1, crc >> 48) ^
      entryOf(0, crc >> 56);
  }
  for (; at < end; at++) crc = entryOf(0, crc ^ load<u8>(at)) ^ (crc >> 8);
  return crc;
}

function entryOf(table: usize, byte: u64): u64 {
  return load<u64>(tables + table * TABLE_BYTES + ((<usize>byte & 0xff) << 3));
}

function fillTables(): void {
  for (let byte: usize = 0; byte < 256; byte++) {
    let crc: u64 = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
    store<u64>(tables + (byte << 3), crc);
  }
  for (let table: usize = 1; table < 8; table++) {
    for (let byte: usize = 0; byte < 256; byte++) {
      const crc = entryOf(table - 1, byte);
      store<u64>(tables + table * TABLE_BYTES + (byte << 3), entryOf(0, crc) ^ (crc >> 8));
    }
  }
}

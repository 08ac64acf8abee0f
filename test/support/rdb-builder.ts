/** Builds RDB files by hand, with a checksum, part by part. */
import { encodeLength } from '../../src/rdb/string-object.js';
import { newEngine } from './engines.js';

const { kernel } = newEngine();

export const EXPIRY_MS = 252;
export const SELECT = 254;

/** A string as it is. */
export function plain(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeLength(bytes.length), bytes]);
}

/** A file of these parts, codes and bytes. */
export function rdbOf(version: number, ...parts: readonly (number | Buffer)[]): Buffer {
  const head = Buffer.from(`REDIS${String(version).padStart(4, '0')}`);
  const bytes = parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part));
  return withChecksum(Buffer.concat([head, ...bytes, Buffer.of(255)]));
}

/** A file with its checksum behind it. */
export function withChecksum(bytes: Buffer): Buffer {
  const footer = Buffer.alloc(8);
  footer.writeBigUInt64LE(checksumOf(bytes));
  return Buffer.concat([bytes, footer]);
}

function checksumOf(bytes: Buffer): bigint {
  const address = kernel.allocate(bytes.length + 16);
  kernel.bytes.set(bytes, address);
  const checksum = BigInt.asUintN(64, kernel.exports.crc64(0n, address, bytes.length));
  kernel.exports.release(address);
  return checksum;
}

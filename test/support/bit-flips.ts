/** Flips bits of what a store holds, in its kernel's memory, behind the store's back. */
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { RandomSource } from './random.js';

export type FlippedPart = 'key' | 'value' | 'expiry';

/**
 * Flips a random bit of a live key's bytes, value or expiry; returns what flips it back. The key must have
 * what is flipped.
 */
export function flipBit(
  engine: ShardEngine,
  key: Buffer,
  part: FlippedPart,
  random: RandomSource,
): () => void {
  const { kernel } = engine;
  const [at, bytes] = placeOf(engine, key, part);
  const place = at + random.below(bytes);
  const bit = 1 << random.below(8);
  kernel.bytes[place]! ^= bit;
  return () => {
    kernel.bytes[place]! ^= bit;
  };
}

/** Where a part of a record lies, and how long it is. */
function placeOf(engine: ShardEngine, key: Buffer, part: FlippedPart): [at: number, bytes: number] {
  const { kernel } = engine;
  const scratch = kernel.allocate(key.length + 64);
  kernel.bytes.set(key, scratch);
  const value = kernel.exports.look(scratch, key.length) >>> 0;
  kernel.exports.release(scratch);
  if (value === 0) throw new Error(`There is no key ${key}.`);
  const length = engine.get(key)!.length;
  if (part === 'value') return [value, length];
  if (part === 'key') return [value - key.length, key.length];
  // An entry of the expiries is the time and the record's address; its place is unknown, its bytes are not.
  const entry = Buffer.alloc(12);
  entry.writeBigUInt64LE(engine.expiryOf(key)!);
  entry.writeUInt32LE(value - key.length - HEADER_BYTES, 8);
  const found = kernel.bytes.indexOf(entry);
  if (found < 0) throw new Error(`The expiry of ${key} is not found.`);
  return [found, 8];
}

const HEADER_BYTES = 24;

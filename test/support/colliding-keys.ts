/**
 * Keys that fall into one place: those that a test of the debug build places, which nobody could find without
 * the secret, and those that collide in all of their XXH3-64, which anybody can make.
 */
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { newEngine } from './engines.js';

/** A store of one shard, on the debug build, in which `keyHashedTo` makes keys for any place. */
export function newChosenEngine(): ShardEngine {
  const engine = newEngine({ shards: 1 });
  engine.kernel.exports.takeChosenHashes!();
  return engine;
}

/** The key whose keyed hash is `hash` in a store of `newChosenEngine`; others have none of this kind. */
export function keyHashedTo(hash: bigint): Buffer {
  const key = Buffer.alloc(9, 0xff);
  key.writeBigUInt64LE(hash, 1);
  return key;
}

/** XXH3 multiplies the xor of its secret's first eight bytes and the key's with what bytes 8 to 15 give. */
const SECRET_BEGINNING = Buffer.from('b8fe6c3923a44bbe', 'hex');

/** Keys of 32 bytes that all have the same XXH3-64, the `from`th and those behind it. */
export function keysOfOneXxh3(count: number, from = 0): Buffer[] {
  return Array.from({ length: count }, (_, n) => {
    const key = Buffer.alloc(32, 'k');
    SECRET_BEGINNING.copy(key);
    key.writeBigUInt64LE(BigInt(from + n), 8);
    return key;
  });
}

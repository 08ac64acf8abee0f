/**
 * The digest of a shard as docs/architecture.md ("Digests") defines it, made of decoded entries with
 * `@node-rs/xxhash` and BigInts, and so of nothing that the kernel has.
 */
import { xxh3 } from '@node-rs/xxhash';
import type { Digest } from '../../src/engine/digests.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { scanAll } from './engines.js';

const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;

const u64 = (number: bigint) => BigInt.asUintN(64, number);

/** What an entry adds to the first sum. */
export function termOf(key: Uint8Array, value: Uint8Array, expireAtMs: bigint | null): bigint {
  const mixed = u64(xxh3.xxh64(value) * PRIME64_1);
  const print = avalanche(xxh3.xxh64(key) ^ u64((mixed << 31n) | (mixed >> 33n)));
  return expireAtMs === null ? print : avalanche(print ^ u64(expireAtMs * PRIME64_5));
}

/** The digests of a store's shards, from all that it holds. */
export function digestsOf(engine: ShardEngine): Digest[] {
  const digests = Array.from({ length: engine.shards }, () => ({ sum: 0n, second: 0n }));
  for (const { key, value, expireAtMs } of scanAll(engine)) {
    const digest = digests[engine.route(key).shard]!;
    const term = termOf(key, value, expireAtMs);
    const mixed = u64((term ^ (term >> 32n)) * PRIME64_4);
    digest.sum = u64(digest.sum + term);
    digest.second = u64(digest.second + (mixed ^ (mixed >> 29n)));
  }
  return digests;
}

function avalanche(hash: bigint): bigint {
  const once = u64((hash ^ (hash >> 33n)) * PRIME64_2);
  const twice = u64((once ^ (once >> 29n)) * PRIME64_3);
  return twice ^ (twice >> 32n);
}

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

/** The first bytes of XXH3's default secret. */
const SECRET = Buffer.from(
  [
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f',
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c',
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8',
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364',
    'eac5ac8334d3ebc3c581a0fffa1363eb',
  ].join(''),
  'hex',
);

const u64 = (number: bigint) => BigInt.asUintN(64, number);

/** The hash of a value in a term. */
export function valueHashOf(value: Uint8Array): bigint {
  const { length } = value;
  if (length <= 16 || length > 240) return xxh3.xxh64(value);
  const bytes = Buffer.from(value);
  const lanes = [0n, 0n] as [bigint, bigint];
  const add = (at: number, secretAt: number) => {
    for (const lane of [0, 1] as const) {
      const word = bytes.readBigUInt64LE(at + 8 * lane);
      const key = word ^ SECRET.readBigUInt64LE(secretAt + 8 * lane);
      lanes[lane] += (key & 0xffff_ffffn) * (key >> 32n);
      lanes[1 - lane]! += word;
    }
  };
  for (let at = 0; at < length - 16; at += 16) add(at, at / 2);
  add(length - 16, 119);
  const first = u64(lanes[0] + BigInt(length) * PRIME64_1);
  const product = first * (u64(lanes[1]) ^ SECRET.readBigUInt64LE(136));
  return u64(product) ^ (product >> 64n);
}

/** Returns the term that an entry adds to the first sum. */
export function termOf(key: Uint8Array, value: Uint8Array, expireAtMs: bigint | null): bigint {
  const mixed = u64(valueHashOf(value) * PRIME64_1);
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

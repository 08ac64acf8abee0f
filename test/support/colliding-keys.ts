/**
 * Keys of eight bytes for any place in a table: XXH3-64 of eight bytes and the table's mixing
 * (kernel/table.ts) are both reversible, so whoever knows the seed can choose where keys fall.
 */

const MASK = 0xffff_ffff_ffff_ffffn;
const MIX = 0x9e37_79b9_7f4a_7c15n;
const PRIME_MX2 = 0x9fb2_1c65_1e98_df25n;
/** Bytes 8 to 15 of XXH3's default secret, xored with 16 to 23. */
const SECRET = 0x1cad_21f7_2c81_017cn ^ 0xdb97_9083_e96d_d4den;
const LENGTH = 8n;

/** The key whose mixed hash under `seed` is `mixed`. */
export function keyMixedTo(mixed: bigint, seed: bigint): Buffer {
  const product = mixed ^ (mixed >> 32n);
  return keyHashedTo(((product * inverseOf(MIX)) & MASK) ^ seed);
}

/** The key of eight bytes whose XXH3-64 is `hash`. */
export function keyHashedTo(hash: bigint): Buffer {
  let value = hash ^ (hash >> 28n) ^ (hash >> 56n);
  value = (value * inverseOf(PRIME_MX2)) & MASK;
  value ^= (value >> 35n) + LENGTH;
  value = (value * inverseOf(PRIME_MX2)) & MASK;
  // x ^ rotl(x, 49) ^ rotl(x, 24) is the identity after 64 times.
  for (let times = 0; times < 63; times++) value ^= rotate(value, 49n) ^ rotate(value, 24n);
  const input = value ^ SECRET;
  const key = Buffer.alloc(8);
  key.writeUInt32LE(Number(input >> 32n), 0);
  key.writeUInt32LE(Number(input & 0xffff_ffffn), 4);
  return key;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

/** Modulo 2^64, by Newton's iteration. */
function inverseOf(odd: bigint): bigint {
  let inverse = odd;
  for (let bits = 3; bits < 64; bits *= 2) inverse = (inverse * (2n - odd * inverse)) & MASK;
  return inverse;
}

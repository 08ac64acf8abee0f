// XXH3-64 with seed 0 and the default secret, for every length: the hash that FCRP records carry and that
// routes keys. It follows the xxHash specification; the tests compare it with @node-rs/xxhash. Beside it
// stands the hash that values have in digests, which is made of the same parts and is not always XXH3.

// biome-ignore format: 12 rows of 16 bytes
const SECRET: usize = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
]);
const SECRET_BYTES: usize = 192;

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
export const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
export const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
export const PRIME64_5: u64 = 0x27d4eb2f165667c5;
/** The factors that undo those modulo 2^64. */
const PRIME64_2_INVERSE: u64 = 0xba79078168d4baf;
const PRIME64_3_INVERSE: u64 = 0xe9e9f4c41d6df849;
const PRIME_MX1: u64 = 0x165667919e3779f9;
const PRIME_MX2: u64 = 0x9fb21c651e98df25;

/** The bytes that the long hash takes in between two scrambles, and at once. */
export const HASH_BLOCK_BYTES: usize = 1024;
export const HASH_STRIPE_BYTES: usize = 64;

/** Values of up to so many bytes may have another `valueHash` than XXH3-64. */
export const SHORT_VALUE_BYTES_MAX: usize = 240;

/** The eight accumulators of the long hash. */
const ACCUMULATORS: usize = memory.data(64, 16);

/** Returns the XXH3-64 of `length` bytes at `at`. */
export function xxh3(at: usize, length: usize): u64 {
  if (length <= 16) {
    if (length > 8) return hash9to16(at, length);
    if (length >= 4) return hash4to8(at, length);
    if (length > 0) return hash1to3(at, length);
    return avalanche64(load<u64>(SECRET, 56) ^ load<u64>(SECRET, 64));
  }
  if (length <= 128) return hash17to128(at, length);
  if (length <= 240) return hash129to240(at, length);
  return hashLong(at, length);
}

/**
 * Returns the hash of a value in digests (store/digest.ts): XXH3-64, but for 17 to 240 bytes one that takes
 * half as long. It sums vectors of 16 bytes in two lanes as the long XXH3 does, the last of them up to the
 * end, and folds the lanes into one. XXH3 has a 128-bit product for every 16 bytes, which takes WebAssembly
 * four of 64 bits.
 */
export function valueHash(at: usize, length: usize): u64 {
  if (length <= 16 || length > SHORT_VALUE_BYTES_MAX) return xxh3(at, length);
  const last = at + length - 16;
  let words = v128.load(last);
  let products = halvesProduct(v128.xor(words, v128.load(SECRET, 119)));
  for (let secret = SECRET; at < last; at += 16, secret += 8) {
    const data = v128.load(at);
    words = i64x2.add(words, data);
    products = i64x2.add(products, halvesProduct(v128.xor(data, v128.load(secret))));
  }
  const lanes = i64x2.add(products, swapped(words));
  const first = i64x2.extract_lane(lanes, 0) + <u64>length * PRIME64_1;
  return foldedProduct(first, i64x2.extract_lane(lanes, 1) ^ load<u64>(SECRET, 136));
}

function hash1to3(at: usize, length: usize): u64 {
  const first = <u32>load<u8>(at);
  const middle = <u32>load<u8>(at + (length >> 1));
  const last = <u32>load<u8>(at + length - 1);
  const combined = (first << 16) | (middle << 24) | last | ((<u32>length) << 8);
  return avalanche64(<u64>combined ^ <u64>(load<u32>(SECRET) ^ load<u32>(SECRET, 4)));
}

function hash4to8(at: usize, length: usize): u64 {
  const input = <u64>load<u32>(at + length - 4) + ((<u64>load<u32>(at)) << 32);
  let hash = input ^ (load<u64>(SECRET, 8) ^ load<u64>(SECRET, 16));
  hash ^= rotl(hash, 49) ^ rotl(hash, 24);
  hash *= PRIME_MX2;
  hash ^= (hash >> 35) + <u64>length;
  hash *= PRIME_MX2;
  return hash ^ (hash >> 28);
}

function hash9to16(at: usize, length: usize): u64 {
  const low = load<u64>(at) ^ (load<u64>(SECRET, 24) ^ load<u64>(SECRET, 32));
  const high = load<u64>(at + length - 8) ^ (load<u64>(SECRET, 40) ^ load<u64>(SECRET, 48));
  return avalanche(<u64>length + bswap(low) + high + foldedProduct(low, high));
}

function hash17to128(at: usize, length: usize): u64 {
  const end = at + length;
  let sum = <u64>length * PRIME64_1;
  if (length > 32) {
    if (length > 64) {
      if (length > 96) sum += mix16(at + 48, SECRET + 96) + mix16(end - 64, SECRET + 112);
      sum += mix16(at + 32, SECRET + 64) + mix16(end - 48, SECRET + 80);
    }
    sum += mix16(at + 16, SECRET + 32) + mix16(end - 32, SECRET + 48);
  }
  return avalanche(sum + mix16(at, SECRET) + mix16(end - 16, SECRET + 16));
}

function hash129to240(at: usize, length: usize): u64 {
  let sum = <u64>length * PRIME64_1;
  for (let i: usize = 0; i < 128; i += 16) sum += mix16(at + i, SECRET + i);
  sum = avalanche(sum);
  const whole = length & ~15;
  for (let i: usize = 128; i < whole; i += 16) sum += mix16(at + i, SECRET + i - 125);
  return avalanche(sum + mix16(at + length - 16, SECRET + 119));
}

function hashLong(at: usize, length: usize): u64 {
  startLanes(ACCUMULATORS);
  const blocks = (length - 1) >> 10;
  for (let block: usize = 0; block < blocks; block++) addBlock(ACCUMULATORS, at + (block << 10));
  const whole = blocks << 10;
  return finishLanes(ACCUMULATORS, at + whole, length - whole, <u64>length);
}

/** Sets the eight accumulators of the long hash to their first values. */
export function startLanes(lanes: usize): void {
  store<u64>(lanes, PRIME32_3, 0);
  store<u64>(lanes, PRIME64_1, 8);
  store<u64>(lanes, PRIME64_2, 16);
  store<u64>(lanes, PRIME64_3, 24);
  store<u64>(lanes, PRIME64_4, 32);
  store<u64>(lanes, PRIME32_2, 40);
  store<u64>(lanes, PRIME64_5, 48);
  store<u64>(lanes, PRIME32_1, 56);
}

/** Takes in a block of HASH_BLOCK_BYTES that is not the last. */
export function addBlock(lanes: usize, block: usize): void {
  addStripes(lanes, block, 16);
  scramble(lanes);
}

/**
 * Takes in the last 1 to HASH_BLOCK_BYTES bytes, with HASH_STRIPE_BYTES readable before their end, and
 * returns the hash of the `total` bytes.
 */
export function finishLanes(lanes: usize, last: usize, bytes: usize, total: u64): u64 {
  const stripes = (bytes - 1) >> 6;
  addStripes(lanes, last, stripes);
  addStripe(lanes, last + bytes - HASH_STRIPE_BYTES, SECRET + SECRET_BYTES - 64 - 7);
  let sum = total * PRIME64_1;
  for (let i: usize = 0; i < 64; i += 16) {
    const low = load<u64>(lanes + i) ^ load<u64>(SECRET + 11 + i);
    const high = load<u64>(lanes + i, 8) ^ load<u64>(SECRET + 11 + i, 8);
    sum += foldedProduct(low, high);
  }
  return avalanche(sum);
}

/**
 * Adds stripes that follow one another, with the secret 8 bytes further for each. The accumulators stay in
 * registers meanwhile. A word of a stripe is added to the other lane of its pair: the words are summed as
 * they lie, and the sums change places once. Two shuffles put the 32-bit factors of four products side by
 * side.
 */
function addStripes(lanes: usize, at: usize, count: usize): void {
  let lanes0 = v128.load(lanes);
  let lanes1 = v128.load(lanes, 16);
  let lanes2 = v128.load(lanes, 32);
  let lanes3 = v128.load(lanes, 48);
  let words0 = v128.splat<u64>(0);
  let words1 = v128.splat<u64>(0);
  let words2 = v128.splat<u64>(0);
  let words3 = v128.splat<u64>(0);
  const end = at + (count << 6);
  for (let secret = SECRET; at < end; at += HASH_STRIPE_BYTES, secret += 8) {
    const data0 = v128.load(at);
    const data1 = v128.load(at, 16);
    words0 = i64x2.add(words0, data0);
    words1 = i64x2.add(words1, data1);
    const key0 = v128.xor(data0, v128.load(secret));
    const key1 = v128.xor(data1, v128.load(secret, 16));
    const low01 = v128.shuffle<u32>(key0, key1, 0, 2, 4, 6);
    const high01 = v128.shuffle<u32>(key0, key1, 1, 3, 5, 7);
    lanes0 = i64x2.add(lanes0, i64x2.extmul_low_i32x4_u(low01, high01));
    lanes1 = i64x2.add(lanes1, i64x2.extmul_high_i32x4_u(low01, high01));
    const data2 = v128.load(at, 32);
    const data3 = v128.load(at, 48);
    words2 = i64x2.add(words2, data2);
    words3 = i64x2.add(words3, data3);
    const key2 = v128.xor(data2, v128.load(secret, 32));
    const key3 = v128.xor(data3, v128.load(secret, 48));
    const low23 = v128.shuffle<u32>(key2, key3, 0, 2, 4, 6);
    const high23 = v128.shuffle<u32>(key2, key3, 1, 3, 5, 7);
    lanes2 = i64x2.add(lanes2, i64x2.extmul_low_i32x4_u(low23, high23));
    lanes3 = i64x2.add(lanes3, i64x2.extmul_high_i32x4_u(low23, high23));
  }
  v128.store(lanes, i64x2.add(lanes0, swapped(words0)));
  v128.store(lanes, i64x2.add(lanes1, swapped(words1)), 16);
  v128.store(lanes, i64x2.add(lanes2, swapped(words2)), 32);
  v128.store(lanes, i64x2.add(lanes3, swapped(words3)), 48);
}

/** Adds one stripe. */
function addStripe(lanes: usize, stripe: usize, secret: usize): void {
  for (let i: usize = 0; i < 64; i += 16) {
    const data = v128.load(stripe + i);
    const product = halvesProduct(v128.xor(data, v128.load(secret + i)));
    v128.store(lanes + i, i64x2.add(v128.load(lanes + i), i64x2.add(product, swapped(data))));
  }
}

function scramble(lanes: usize): void {
  const prime = v128.splat<u32>(<u32>PRIME32_1);
  for (let i: usize = 0; i < 64; i += 16) {
    const lane = v128.load(lanes + i);
    const secret = v128.load(SECRET + SECRET_BYTES - 64 + i);
    const key = v128.xor(v128.xor(lane, i64x2.shr_u(lane, 47)), secret);
    // A lane times a prime of 32 bits: its lower half's product, and its upper half's 32 bits further up.
    const halves = v128.shuffle<u32>(key, key, 0, 2, 1, 3);
    const high = i64x2.shl(i64x2.extmul_high_i32x4_u(halves, prime), 32);
    v128.store(lanes + i, i64x2.add(i64x2.extmul_low_i32x4_u(halves, prime), high));
  }
}

/** Multiplies the two halves of each lane with each other. */
function halvesProduct(lanes: v128): v128 {
  const halves = v128.shuffle<u32>(lanes, lanes, 0, 2, 1, 3);
  return i64x2.extmul_low_i32x4_u(halves, swapped(halves));
}

function swapped(lanes: v128): v128 {
  return v128.shuffle<u64>(lanes, lanes, 1, 0);
}

function mix16(at: usize, secret: usize): u64 {
  return foldedProduct(load<u64>(at) ^ load<u64>(secret), load<u64>(at, 8) ^ load<u64>(secret, 8));
}

/** Returns the two halves of the 128-bit product, xored. */
function foldedProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const cross = (low >> 32) + aHigh * bLow;
  const middle = (cross & 0xffffffff) + aLow * bHigh;
  const high = aHigh * bHigh + (cross >> 32) + (middle >> 32);
  return high ^ ((middle << 32) | (low & 0xffffffff));
}

function avalanche(hash: u64): u64 {
  hash ^= hash >> 37;
  hash *= PRIME_MX1;
  return hash ^ (hash >> 32);
}

/** Mixes all bits of a number with one another. */
export function avalanche64(hash: u64): u64 {
  hash ^= hash >> 33;
  hash *= PRIME64_2;
  hash ^= hash >> 29;
  hash *= PRIME64_3;
  return hash ^ (hash >> 32);
}

/** Returns the number of which `avalanche64` makes this one. */
export function avalancheUndone(hash: u64): u64 {
  hash ^= hash >> 32;
  hash *= PRIME64_3_INVERSE;
  hash ^= (hash >> 29) ^ (hash >> 58);
  hash *= PRIME64_2_INVERSE;
  return hash ^ (hash >> 33);
}

// The hash by which tables place keys: SipHash-1-3 of the key's bytes under a secret key of 128 bits
// (docs/architecture.md, "Placement"). The tests compare it with a SipHash of their own.
import { ASSERTS } from './assertions';

/** A key that a test places is nine bytes long and begins with this one. */
const CHOSEN_MARK: u8 = 0xff;
const CHOSEN_BYTES: usize = 9;

let low: u64 = 0;
let high: u64 = 0;
let takesChosen: bool = false;

/** Sets the secret, as two words of SipHash's key. */
export function setHashSecret(first: u64, second: u64): void {
  low = first;
  high = second;
}

/** Makes the keys that `CHOSEN_MARK` says have their last eight bytes for a hash, in the debug build. */
export function takeChosenHashes(): void {
  takesChosen = true;
}

/** Returns the hash of `length` bytes at `at` under the secret. */
export function keyedHash(at: usize, length: usize): u64 {
  if (ASSERTS && takesChosen && length === CHOSEN_BYTES && load<u8>(at) === CHOSEN_MARK) {
    return load<u64>(at, 1);
  }
  let v0 = low ^ 0x736f6d6570736575;
  let v1 = high ^ 0x646f72616e646f6d;
  let v2 = low ^ 0x6c7967656e657261;
  let v3 = high ^ 0x7465646279746573;
  const end = at + (length & ~7);
  // Behind the whole words comes one of the bytes that are left and the length, and then three rounds more.
  let left: u32 = 4;
  do {
    let word: u64 = 0;
    if (at < end) {
      word = load<u64>(at);
      at += 8;
    } else {
      if (left === 4) word = lastWord(at, length);
      else if (left === 3) v2 ^= 0xff;
      left--;
    }
    v3 ^= word;
    v0 += v1;
    v1 = rotl(v1, 13) ^ v0;
    v0 = rotl(v0, 32);
    v2 += v3;
    v3 = rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl(v1, 17) ^ v2;
    v2 = rotl(v2, 32);
    v0 ^= word;
  } while (left !== 0);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** Returns the up to seven bytes behind the whole words, at `at`, below the low byte of the length. */
function lastWord(at: usize, length: usize): u64 {
  const left = <u64>(length & 7);
  // A load of eight bytes that ends with the key's last one stays within the key.
  if (length >= 8)
    return ((load<u64>(at + <usize>left - 8) >> 8) >> ((7 - left) << 3)) | ((<u64>length) << 56);
  let word = (<u64>length) << 56;
  let shift: u64 = 0;
  if ((left & 4) !== 0) {
    word |= <u64>load<u32>(at);
    at += 4;
    shift = 32;
  }
  if ((left & 2) !== 0) {
    word |= (<u64>load<u16>(at)) << shift;
    at += 2;
    shift += 16;
  }
  if ((left & 1) !== 0) word |= (<u64>load<u8>(at)) << shift;
  return word;
}

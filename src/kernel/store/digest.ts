// The digest of a shard: its content in two sums modulo 2^64 that every change keeps up to date and that do
// not depend on the order of changes (docs/architecture.md, "Digests"). Equal content has equal digests in
// any process.
//
//   print  = avalanche(XXH3-64 of the key ^ rotl(valueHash of the value * PRIME64_1, 31))
//   term   = print without an expiry, else avalanche(print ^ expiry * PRIME64_5), the expiry in Unix ms
//   second = (term ^ term >> 32) * PRIME64_4, and of that h ^ h >> 29
//
// The first sum is that of the terms, the second that of the seconds. A record keeps its term, so that only
// content that is new is ever hashed; `avalanche` can be undone, so that a new expiry needs no hash. While
// parts of a value are written and their Set is postponed, the term is that of the content before. An entry
// past its expiry counts until it is deleted.
import { ASSERTS } from '../assertions';
import { keyLengthOf, keyOf, setTerm, termOf, valueAt, valueLengthOf } from '../memory/record';
import { expiryOf, NEVER } from '../table/expiry';
import {
  digestOf,
  keysOf,
  secondDigestOf,
  setDigest,
  setSecondDigest,
  shardAt,
  shardCount,
} from '../table/shard';
import { avalanche64, avalancheUndone, PRIME64_1, PRIME64_4, PRIME64_5, valueHash, xxh3 } from '../xxh3';

/** Whether digests are kept. */
export let keepsDigests: bool = true;

/** Has digests be kept or not, in a store that has no key yet. */
export function keepDigests(keeps: bool): void {
  if (ASSERTS) {
    for (let id: u32 = 0; id < shardCount; id++) assert(keysOf(shardAt(id)) === 0, 'the store is empty');
  }
  keepsDigests = keeps;
}

/** Returns the term of a record that has this expiry, from its content and the XXH3-64 of its key. */
export function makeTerm(record: usize, keyHash: u64, expiresAtMs: u64): u64 {
  return termFrom(keyHash, valueHash(valueAt(record), valueLengthOf(record)), expiresAtMs);
}

/** Returns the term of an entry from the XXH3-64 of its key and the `valueHash` of its value. */
export function termFrom(keyHash: u64, hash: u64, expiresAtMs: u64): u64 {
  return timed(avalanche64(keyHash ^ rotl(hash * PRIME64_1, 31)), expiresAtMs);
}

/** Returns the print of an entry from its term: of key and value, whatever the expiry is. */
export function printOf(term: u64, expiresAtMs: u64): u64 {
  return expiresAtMs === NEVER ? term : avalancheUndone(term) ^ (expiresAtMs * PRIME64_5);
}

/** Returns what an entry adds to the second sum. */
export function secondOf(term: u64): u64 {
  const mixed = (term ^ (term >> 32)) * PRIME64_4;
  return mixed ^ (mixed >> 29);
}

/** Counts a record in its shard's digest, whose key has this XXH3-64. */
export function countIn(shard: usize, record: usize, keyHash: u64, expiresAtMs: u64): void {
  if (keepsDigests) add(shard, record, makeTerm(record, keyHash, expiresAtMs));
}

/** Takes a record out of its shard's digest. */
export function countOut(shard: usize, record: usize): void {
  if (!keepsDigests) return;
  const term = termOf(record);
  setDigest(shard, digestOf(shard) - term);
  setSecondDigest(shard, secondDigestOf(shard) - secondOf(term));
}

/** Counts a record with another expiry. */
export function countExpiry(shard: usize, record: usize, beforeMs: u64, expiresAtMs: u64): void {
  if (!keepsDigests) return;
  const print = printOf(termOf(record), beforeMs);
  countOut(shard, record);
  add(shard, record, timed(print, expiresAtMs));
}

/** Returns whether key, value and expiry of a record are those of its term. */
export function hasItsTerm(shard: usize, record: usize): bool {
  const keyHash = xxh3(keyOf(record), keyLengthOf(record));
  return makeTerm(record, keyHash, expiryOf(shard, record)) === termOf(record);
}

function timed(print: u64, expiresAtMs: u64): u64 {
  return expiresAtMs === NEVER ? print : avalanche64(print ^ (expiresAtMs * PRIME64_5));
}

function add(shard: usize, record: usize, term: u64): void {
  setTerm(record, term);
  setDigest(shard, digestOf(shard) + term);
  setSecondDigest(shard, secondDigestOf(shard) + secondOf(term));
}

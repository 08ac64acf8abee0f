// Where keys lie: the shard that a key routes to, and what it will need of memory, read ahead.
import { isRoutedByPrefix, routedLength, routeOfHash, shardAt } from '../table/shard';
import { bucketAt, likelyRecord } from '../table/table';
import { xxh3 } from '../xxh3';

/** The bytes that were read ahead; they are kept so that no compiler leaves the reading out. */
export let touched: u64 = 0;

/**
 * Reads the bucket of a key. Memory is slow, but waits for several keys overlap when little is done between
 * them: a command with many keys first hashes all, then reads all their buckets, then the records that those
 * point to (`touchRecordOf`), and then finds them one by one.
 */
export function touchBucketOf(key: usize, length: u32, hash: u64, keyed: u64): void {
  touch(bucketOfKey(key, length, hash, keyed));
}

export function touchRecordOf(key: usize, length: u32, hash: u64, keyed: u64): void {
  touch(likelyRecord(bucketOfKey(key, length, hash, keyed), keyed));
}

/** Returns the address of the key's bucket, 0 without a table. */
export function bucketOfKey(key: usize, length: u32, hash: u64, keyed: u64): usize {
  return bucketAt(shardAt(shardOfKey(key, length, hash)), keyed);
}

/** Reads the bytes at an address, or at 0, where nothing is of use. */
export function touch(at: usize): void {
  touched ^= load<u64>(at);
}

/** Returns the number of the shard that a key routes to. */
export function shardOfKey(key: usize, length: u32, hash: u64): u32 {
  if (!isRoutedByPrefix()) return routeOfHash(hash);
  const routed = routedLength(key, length);
  return routeOfHash(routed === length ? hash : xxh3(key, routed));
}

// Asserts what holds between the rooms: that the records in the tables are all there are. For the debug
// build.
import { blockBytes, blockBytesInUse } from '../memory/arena';
import { PAGE_BYTES } from '../memory/pages';
import { heapPlaceOf, keyLengthOf, keyOf, RECORD_HEADER, termOf, valueLengthOf } from '../memory/record';
import { firstRecord, overflowOf, spanOf, usedSlots } from '../table/segment';
import {
  depthOf,
  digestOf,
  directoryOf,
  expiringOf,
  idOf,
  secondDigestOf,
  shardAt,
  shardCount,
} from '../table/shard';
import { segmentIn } from '../table/table';
import { xxh3 } from '../xxh3';
import { isPostponed } from './batch';
import { hasItsTerm, keepsDigests, secondOf } from './digest';
import { shardOfKey } from './places';

let blocks: f64 = 0;
/** The sums of the digest of the shard at hand. */
let sum: u64 = 0;
let second: u64 = 0;
let expiring: u32 = 0;

/**
 * Asserts that each key is in the shard that it routes to, that the arena has handed out no block but those
 * of the tables' records, that each record with an expiry is in its shard's heap, and that digests are right.
 */
export function checkStore(): void {
  blocks = 0;
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    const directory = directoryOf(shard);
    expiring = 0;
    sum = 0;
    second = 0;
    let at: u64 = 0;
    let isOver = directory === 0;
    while (!isOver) {
      const segment = segmentIn(directory, depthOf(shard), at);
      for (let part = segment; part !== 0; part = overflowOf(part)) checkRecords(shard, part);
      at += spanOf(segment);
      isOver = at === 0;
    }
    assert(sum === digestOf(shard) && second === secondDigestOf(shard), 'the digest is that of the records');
    assert(expiring === expiringOf(shard), 'every record with an expiry is in the heap');
  }
  assert(blocks === blockBytesInUse(), 'every block that is in use is a record of a table');
}

function checkRecords(shard: usize, part: usize): void {
  for (let line = part; line < part + PAGE_BYTES; line += 64) {
    for (let used = usedSlots(line); used !== 0; used &= used - 1) {
      const record = firstRecord(line, used);
      const key = keyOf(record);
      const keyBytes = keyLengthOf(record);
      assert(
        shardOfKey(key, keyBytes, xxh3(key, keyBytes)) === idOf(shard),
        'a key is in the shard it routes to',
      );
      blocks += <f64>blockBytes(RECORD_HEADER + <usize>keyBytes + <usize>valueLengthOf(record));
      if (heapPlaceOf(record) !== 0) expiring++;
      if (!keepsDigests) continue;
      assert(isPostponed(record) || hasItsTerm(shard, record), 'the term is that of the content');
      sum += termOf(record);
      second += secondOf(termOf(record));
    }
  }
}

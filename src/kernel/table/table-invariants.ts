// Asserts the invariants of the tables, which table.ts and segment.ts state. For the debug build.
import { keyedHash } from '../keyed-hash';
import { PAGE_BYTES, runBytes } from '../memory/pages';
import { isInUse, keyLengthOf, keyOf } from '../memory/record';
import {
  BUCKET_SLOTS,
  BUCKETS,
  bucketOf,
  countOf,
  depthIn,
  firstRecord,
  generationOf,
  latestGeneration,
  overflowOf,
  tagOf,
  usedSlots,
} from './segment';
import { deepestOf, depthOf, directoryOf, keysOf, segmentsOf } from './shard';
import { find } from './table';

/** How many keys have gone on from each bucket of the part at hand, u16 each. */
const passed: usize = memory.data(128, 4);

export function checkTable(shard: usize): void {
  const directory = directoryOf(shard);
  if (directory === 0) {
    assert(keysOf(shard) === 0 && segmentsOf(shard) === 0, 'without a table there are no keys');
    return;
  }
  const depth = depthOf(shard);
  const words: u32 = 1 << depth;
  assert(depth >= 1 && (<usize>words) << 2 <= runBytes(directory), 'the directory has its words');
  let keys: u32 = 0;
  let segments: u32 = 0;
  let deepest: u32 = 0;
  for (let index: u32 = 0; index < words; ) {
    const segment: usize = load<u32>(directory + ((<usize>index) << 2));
    const own = depthIn(segment);
    assert(own >= 1 && own <= depth, 'a segment is not deeper than the directory');
    const span: u32 = 1 << (depth - own);
    for (let i: u32 = 0; i < span; i++) {
      const word: usize = load<u32>(directory + ((<usize>(index + i)) << 2));
      assert(word === segment, 'all words of its prefix point at a segment');
    }
    if (own === depth) deepest++;
    for (let part = segment; part !== 0; part = overflowOf(part)) {
      assert(depthIn(part) === own, 'all parts of a chain have its depth');
      checkPart(shard, part, index >> (depth - own), own);
      keys += countOf(part);
      segments++;
    }
    index += span;
  }
  assert(keys === keysOf(shard), 'the keys are those that were counted');
  assert(segments === segmentsOf(shard), 'the segments are those that were counted');
  assert(deepest === deepestOf(shard), "the segments of the directory's depth are those that were counted");
}

function checkPart(shard: usize, part: usize, prefix: u32, depth: u32): void {
  memory.fill(passed, 0, BUCKETS << 1);
  let keys: u32 = 0;
  for (let at: u32 = 0; at < BUCKETS; at++) {
    const line = part + ((<usize>at) << 6);
    const used = usedSlots(line);
    for (let index: u32 = 0; index < BUCKET_SLOTS; index++) {
      const hasRecord = load<u32>(line + 16 + ((<usize>index) << 2)) !== 0;
      assert(hasRecord === ((used & (1 << index)) !== 0), 'a slot has a tag exactly while it holds a record');
    }
    for (let left = used; left !== 0; left &= left - 1) {
      const slot = line + 16 + ((<usize>ctz(left)) << 2);
      const record = firstRecord(line, left);
      const keyed = keyedHash(keyOf(record), keyLengthOf(record));
      assert(isInUse(record), 'a record in the table is in use');
      assert(load<u8>(line + <usize>ctz(left)) === tagOf(keyed), 'a tag is that of its key');
      assert(<u32>(keyed >> (64 - <u64>depth)) === prefix, "a segment's keys begin with its prefix");
      assert(
        find(shard, keyed, keyOf(record), keyLengthOf(record)) === slot,
        'a key is found, and there once',
      );
      for (let bucket = bucketOf(keyed); bucket !== at; bucket = (bucket + 1) & (BUCKETS - 1)) {
        const count = passed + ((<usize>bucket) << 1);
        store<u16>(count, load<u16>(count) + 1);
      }
      keys++;
    }
  }
  assert(keys === countOf(part), "a part's keys are those that were counted");
  for (let at: u32 = 0; at < BUCKETS; at++) {
    const counted: u32 = load<u8>(part + ((<usize>at) << 6), 12);
    const gone: u32 = load<u16>(passed + ((<usize>at) << 1));
    assert(
      counted === gone || (counted === 255 && gone <= BUCKETS * BUCKET_SLOTS),
      'a bucket counts who went on',
    );
  }
  assert(runBytes(part) === PAGE_BYTES, 'a part is a page');
  assert(generationOf(part) !== 0 && generationOf(part) <= latestGeneration(), 'a part has a generation');
}

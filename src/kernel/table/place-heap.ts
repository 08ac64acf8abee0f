// The keys that a step of SCAN has found, least place first: a heap of (place u64, record u32) in 16 bytes.
import { allocateReserve, freePages } from '../memory/pages';
import { BUCKET_SLOTS, BUCKETS, overflowOf } from './segment';

const ENTRY_SHIFT: usize = 4;
const SEGMENT_KEYS: u32 = BUCKETS * BUCKET_SLOTS;
/** Room for the keys of one segment; a chain of segments allocates for as long as the heap is open. */
const room: usize = memory.data(12288, 16);
let heap: usize = 0;
let size: u32 = 0;

/** Opens an empty heap for the keys of a segment; returns false when memory is exhausted. */
export function openHeap(segment: usize): bool {
  let parts: u32 = 0;
  for (let part = segment; part !== 0; part = overflowOf(part)) parts++;
  size = 0;
  heap = parts === 1 ? room : allocateReserve((<usize>(parts * SEGMENT_KEYS)) << ENTRY_SHIFT);
  return heap !== 0;
}

export function closeHeap(): void {
  if (heap !== room) freePages(heap);
}

export function heapSize(): u32 {
  return size;
}

export function leastPlace(): u64 {
  return load<u64>(heap);
}

export function push(place: u64, record: usize): void {
  let index = size++;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (load<u64>(entryAt(parent)) <= place) break;
    put(index, load<u64>(entryAt(parent)), load<u32>(entryAt(parent), 8));
    index = parent;
  }
  put(index, place, record);
}

/** Takes out the record of the least place and returns it. */
export function pop(): usize {
  const record: usize = load<u32>(heap, 8);
  size--;
  const place = load<u64>(entryAt(size));
  const last: usize = load<u32>(entryAt(size), 8);
  let index: u32 = 0;
  for (;;) {
    let child = (index << 1) + 1;
    if (child >= size) break;
    if (child + 1 < size && load<u64>(entryAt(child + 1)) < load<u64>(entryAt(child))) child++;
    if (place <= load<u64>(entryAt(child))) break;
    put(index, load<u64>(entryAt(child)), load<u32>(entryAt(child), 8));
    index = child;
  }
  put(index, place, last);
  return record;
}

function entryAt(index: u32): usize {
  return heap + ((<usize>index) << ENTRY_SHIFT);
}

function put(index: u32, place: u64, record: usize): void {
  store<u64>(entryAt(index), place);
  store<u32>(entryAt(index), <u32>record, 8);
}

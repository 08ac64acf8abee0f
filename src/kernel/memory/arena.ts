// Blocks for records: size classes in slabs up to 32 KiB, whole pages above. A slab that empties gives its
// pages back; `compact` empties the sparse ones by moving what still lives in them.
//
// A slab's first 32 bytes: 0 class, 4 head of its free blocks, 8 blocks in use, 12 blocks in all, 16 blocks
// ever used (those behind were never handed out), 20 previous and 24 next slab of the class with room, 28
// pages. A free block holds the next free one at 0, and 0 at 8, where a record says that it is in use.
//
// Invariants (`checkArena`):
//   - a slab's blocks are in use, in its list of free blocks, or were never handed out, each exactly one of
//     these;
//   - a slab is in its class's list exactly while it has room, and none is empty;
//   - `freeBlocks` has for each class the blocks of its slabs that are not in use, `slabRoom` and `slabUsed`
//     the bytes.
import { ASSERTS } from '../assertions';
import {
  allocatePages,
  contentBytes,
  freePages,
  freeSlabPages,
  isRun,
  markSlab,
  nextSlab,
  PAGE_BYTES,
  PAGE_SHIFT,
  pagesFor,
  slabOf,
} from './pages';
import { isInUse, RECORD_HEADER } from './record';

const SLAB_HEADER: usize = 32;
/**
 * Up to here there is a class every 8 bytes, above 16 classes a doubling, so that at most 1/16 of a block is
 * waste.
 */
const FINE_MAX: usize = 256;
const FINE_CLASSES: u32 = 32;
const SLAB_MAX: usize = 32768;
const CLASSES: u32 = FINE_CLASSES + 7 * 16 + 1;
const SLAB_PAGES_MAX: u32 = 128;

const classBytes: usize = memory.data(580, 4);
const classPages: usize = memory.data(580, 4);
const withRoom: usize = memory.data(580, 4);
const freeBlocks: usize = memory.data(580, 4);
/** Where `checkArena` counts the free blocks of each class. */
const freeSeen: usize = memory.data(580, 4);
// Bytes of all blocks in slabs, of those that are handed out, and of the runs that are blocks.
let slabRoom: usize = 0;
let slabUsed: usize = 0;
let runsUsed: usize = 0;

export function initializeArena(): void {
  for (let index: u32 = 1; index < CLASSES; index++) {
    let bytes: usize;
    if (index <= FINE_CLASSES) bytes = (<usize>index) << 3;
    else {
      const coarse = index - FINE_CLASSES - 1;
      const base = FINE_MAX << (coarse >> 4);
      bytes = base + (base >> 4) * (<usize>(coarse & 15) + 1);
    }
    store<u32>(classBytes + (index << 2), <u32>bytes);
    store<u32>(classPages + (index << 2), slabPagesFor(bytes));
  }
}

/** Returns the bytes in blocks that are handed out, rounding included. */
export function blockBytesInUse(): f64 {
  return <f64>slabUsed + <f64>runsUsed;
}

/** Returns the bytes in free blocks of slabs: `compact` could free them at best. */
export function blockBytesFree(): f64 {
  return <f64>(slabRoom - slabUsed);
}

/**
 * Returns what a memory limit is compared with: bytes in pages within the limit, without what is free in
 * slabs.
 */
export function usedBytes(): usize {
  return contentBytes() - (slabRoom - slabUsed);
}

/** Returns the bytes that a block for `bytes` takes, rounding included. */
export function blockBytes(bytes: usize): usize {
  if (bytes > SLAB_MAX) return (<usize>pagesFor(bytes)) << PAGE_SHIFT;
  return load<u32>(classBytes + (classOf(bytes) << 2));
}

/**
 * Returns whether a block for `a` bytes is as large as one for `b`, so that one can take the other's place.
 */
export function sameBlock(a: usize, b: usize): bool {
  if (a > SLAB_MAX || b > SLAB_MAX) return a > SLAB_MAX && b > SLAB_MAX && pagesFor(a) === pagesFor(b);
  return classOf(a) === classOf(b);
}

/** Returns a block for `bytes`, 0 when memory is exhausted. Its content is undefined. */
export function allocateBlock(bytes: usize): usize {
  if (ASSERTS) assert(bytes >= RECORD_HEADER, 'a block holds a record');
  if (bytes > SLAB_MAX) {
    const run = allocatePages(bytes);
    if (run !== 0) runsUsed += blockBytes(bytes);
    return run;
  }
  const index = classOf(bytes);
  let slab: usize = load<u32>(withRoom + (index << 2));
  if (slab === 0) {
    slab = newSlab(index);
    if (slab === 0) return 0;
  }
  return takeFrom(slab, index);
}

/** Frees the block at `block` that was allocated for `bytes`. */
export function freeBlock(block: usize, bytes: usize): void {
  const slab = slabOf(block);
  if (ASSERTS) assert(isBlockOf(slab, block, bytes), 'a block in use, of this size, is given back');
  if (slab === 0) {
    runsUsed -= blockBytes(bytes);
    freePages(block);
    return;
  }
  const index = load<u32>(slab);
  slabUsed -= load<u32>(classBytes + (index << 2));
  store<u32>(freeBlocks + (index << 2), load<u32>(freeBlocks + (index << 2)) + 1);
  store<u32>(block, load<u32>(slab, 4));
  store<u32>(block, 0, 8);
  store<u32>(slab, <u32>block, 4);
  const live = load<u32>(slab, 8) - 1;
  store<u32>(slab, live, 8);
  if (live === load<u32>(slab, 12) - 1) linkSlab(slab, index);
  if (live === 0) dropSlab(slab, index);
}

/**
 * Chooses the sparsest slab among some of the class that wastes the most; returns 0 when none is worth
 * emptying.
 */
export function sparseSlab(): usize {
  let worst: u32 = 0;
  let worstBytes: f64 = 0;
  for (let index: u32 = 1; index < CLASSES; index++) {
    const free = load<u32>(freeBlocks + (index << 2));
    const size = <usize>load<u32>(classBytes + (index << 2));
    const bytes = <f64>free * <f64>size;
    // The other slabs must have room for what lives in the one that is emptied.
    if (free >= blocksIn(load<u32>(classPages + (index << 2)), size) && bytes > worstBytes) {
      worst = index;
      worstBytes = bytes;
    }
  }
  if (worst === 0) return 0;
  let best: usize = 0;
  let slab: usize = load<u32>(withRoom + (worst << 2));
  for (let tries = 0; slab !== 0 && tries < 64; tries++) {
    if (best === 0 || load<u32>(slab, 8) < load<u32>(best, 8)) best = slab;
    slab = load<u32>(slab, 24);
  }
  // It leaves the list, so that no block is taken from it while it is emptied.
  unlinkSlab(best, worst);
  return best;
}

/**
 * Returns the next block in use at or behind `from` in a slab, 0 when there is none. `from` 0 is its
 * beginning.
 */
export function nextInUse(slab: usize, from: usize): usize {
  const bytes = <usize>load<u32>(classBytes + (load<u32>(slab) << 2));
  const end = slab + SLAB_HEADER + <usize>load<u32>(slab, 16) * bytes;
  let block = from === 0 ? slab + SLAB_HEADER : from;
  for (; block < end; block += bytes) {
    if (isInUse(block)) return block;
  }
  return 0;
}

/**
 * Counts a block of a slab that `sparseSlab` chose as moved away; returns true when the slab is gone with it.
 */
export function vacate(slab: usize): bool {
  if (ASSERTS)
    assert(slabOf(slab) === slab && load<u32>(slab, 8) !== 0, 'a slab with blocks in use is emptied');
  const index = load<u32>(slab);
  slabUsed -= load<u32>(classBytes + (index << 2));
  store<u32>(freeBlocks + (index << 2), load<u32>(freeBlocks + (index << 2)) + 1);
  const live = load<u32>(slab, 8) - 1;
  store<u32>(slab, live, 8);
  if (live !== 0) return false;
  releaseSlab(slab, index);
  return true;
}

function classOf(bytes: usize): u32 {
  if (bytes <= FINE_MAX) return <u32>((bytes + 7) >> 3);
  const log = 31 - clz(<u32>bytes - 1);
  const step = ((<u32>bytes - 1) >> (log - 4)) & 15;
  return FINE_CLASSES + ((log - 8) << 4) + step + 1;
}

/** Returns the fewest pages that hold four blocks and waste at most a 32nd. */
function slabPagesFor(bytes: usize): u32 {
  let pages: u32 = bytes <= 1024 ? 4 : 1;
  for (; pages < SLAB_PAGES_MAX; pages++) {
    const room = <usize>pages * PAGE_BYTES - SLAB_HEADER;
    const waste = room % bytes;
    if (room / bytes >= 4 && waste * 32 <= room) break;
  }
  return pages;
}

function blocksIn(pages: u32, bytes: usize): u32 {
  return <u32>((<usize>pages * PAGE_BYTES - SLAB_HEADER) / bytes);
}

function newSlab(index: u32): usize {
  const bytes = <usize>load<u32>(classBytes + (index << 2));
  let pages = load<u32>(classPages + (index << 2));
  let slab = allocatePages(<usize>pages * PAGE_BYTES);
  if (slab === 0) {
    // Free memory may be in pieces that are too small for a whole slab, but not for one block.
    pages = pagesFor(SLAB_HEADER + bytes);
    slab = allocatePages(<usize>pages * PAGE_BYTES);
    if (slab === 0) return 0;
  }
  markSlab(slab);
  const blocks = blocksIn(pages, bytes);
  store<u32>(slab, index);
  store<u32>(slab, 0, 4);
  store<u32>(slab, 0, 8);
  store<u32>(slab, blocks, 12);
  store<u32>(slab, 0, 16);
  store<u32>(slab, pages, 28);
  store<u32>(freeBlocks + (index << 2), load<u32>(freeBlocks + (index << 2)) + blocks);
  slabRoom += <usize>blocks * bytes;
  linkSlab(slab, index);
  return slab;
}

function takeFrom(slab: usize, index: u32): usize {
  const bytes = <usize>load<u32>(classBytes + (index << 2));
  let block: usize = load<u32>(slab, 4);
  if (block !== 0) store<u32>(slab, load<u32>(block), 4);
  else {
    const used = load<u32>(slab, 16);
    block = slab + SLAB_HEADER + <usize>used * bytes;
    store<u32>(slab, used + 1, 16);
  }
  if (ASSERTS) assert(isFreeBlock(slab, block), 'a block that is handed out was free');
  const live = load<u32>(slab, 8) + 1;
  store<u32>(slab, live, 8);
  if (live === load<u32>(slab, 12)) unlinkSlab(slab, index);
  store<u32>(freeBlocks + (index << 2), load<u32>(freeBlocks + (index << 2)) - 1);
  slabUsed += bytes;
  return block;
}

function dropSlab(slab: usize, index: u32): void {
  unlinkSlab(slab, index);
  releaseSlab(slab, index);
}

/** Frees the pages of an empty slab that is in no list any more. */
function releaseSlab(slab: usize, index: u32): void {
  const blocks = load<u32>(slab, 12);
  store<u32>(freeBlocks + (index << 2), load<u32>(freeBlocks + (index << 2)) - blocks);
  slabRoom -= <usize>blocks * <usize>load<u32>(classBytes + (index << 2));
  freeSlabPages(slab, load<u32>(slab, 28));
}

function linkSlab(slab: usize, index: u32): void {
  const head = load<u32>(withRoom + (index << 2));
  store<u32>(slab, 0, 20);
  store<u32>(slab, head, 24);
  if (head !== 0) store<u32>(head, <u32>slab, 20);
  store<u32>(withRoom + (index << 2), <u32>slab);
}

function unlinkSlab(slab: usize, index: u32): void {
  const previous = load<u32>(slab, 20);
  const next = load<u32>(slab, 24);
  if (previous !== 0) store<u32>(previous, next, 24);
  else store<u32>(withRoom + (index << 2), next);
  if (next !== 0) store<u32>(next, previous, 20);
}

/** Returns whether `block` is in use for `bytes`: one of the slab's blocks, or a run where `slab` is 0. */
function isBlockOf(slab: usize, block: usize, bytes: usize): bool {
  if (!isInUse(block)) return false;
  if (slab === 0) return bytes > SLAB_MAX && isRun(block);
  if (bytes > SLAB_MAX || load<u32>(slab) !== classOf(bytes)) return false;
  return (block - slab - SLAB_HEADER) % <usize>load<u32>(classBytes + (load<u32>(slab) << 2)) === 0;
}

/** Returns whether `block` was free. A block that was never handed out may hold anything. */
function isFreeBlock(slab: usize, block: usize): bool {
  const bytes = <usize>load<u32>(classBytes + (load<u32>(slab) << 2));
  const isLastUsed = block === slab + SLAB_HEADER + <usize>(load<u32>(slab, 16) - 1) * bytes;
  return load<u32>(slab, 8) < load<u32>(slab, 12) && (isLastUsed || !isInUse(block));
}

/** Asserts the invariants of the slabs. */
export function checkArena(): void {
  let room: usize = 0;
  let used: usize = 0;
  let slabsWithRoom: u32 = 0;
  memory.fill(freeSeen, 0, CLASSES << 2);
  for (let slab = nextSlab(0); slab !== 0; ) {
    const index = load<u32>(slab);
    assert(index > 0 && index < CLASSES, 'a slab is of a class');
    const bytes = <usize>load<u32>(classBytes + (index << 2));
    const live = load<u32>(slab, 8);
    const blocks = load<u32>(slab, 12);
    assert(blocks === blocksIn(load<u32>(slab, 28), bytes), 'a slab has the blocks that fit into its pages');
    assert(live !== 0 && live <= blocks, 'a slab is not empty, nor has it more in use than there are');
    checkBlocks(slab, bytes, live);
    if (live < blocks) slabsWithRoom++;
    store<u32>(freeSeen + (index << 2), load<u32>(freeSeen + (index << 2)) + (blocks - live));
    room += <usize>blocks * bytes;
    used += <usize>live * bytes;
    slab = nextSlab(slab + ((<usize>load<u32>(slab, 28)) << PAGE_SHIFT));
  }
  assert(room === slabRoom && used === slabUsed, 'the bytes in slabs are those that were counted');
  for (let index: u32 = 1; index < CLASSES; index++) {
    const free = load<u32>(freeBlocks + (index << 2));
    assert(free === load<u32>(freeSeen + (index << 2)), "a class's free blocks are those that were counted");
    slabsWithRoom -= countListedSlabs(index);
  }
  assert(slabsWithRoom === 0, 'every slab with room is in a list');
}

function checkBlocks(slab: usize, bytes: usize, live: u32): void {
  const everUsed = load<u32>(slab, 16);
  const end = slab + SLAB_HEADER + <usize>everUsed * bytes;
  let inUse: u32 = 0;
  for (let block = slab + SLAB_HEADER; block < end; block += bytes) if (isInUse(block)) inUse++;
  assert(inUse === live, 'the blocks in use are those that were counted');
  let listed: u32 = 0;
  for (let block: usize = load<u32>(slab, 4); block !== 0; block = load<u32>(block)) {
    assert(block > slab && block < end && !isInUse(block), "a slab's free blocks are its own");
    listed++;
  }
  assert(listed === everUsed - live, 'a block that was handed out is in use or listed as free');
}

function countListedSlabs(index: u32): u32 {
  let listed: u32 = 0;
  let previous: u32 = 0;
  for (let slab: usize = load<u32>(withRoom + (index << 2)); slab !== 0; slab = load<u32>(slab, 24)) {
    assert(load<u32>(slab) === index, "a list holds its class's slabs alone");
    assert(load<u32>(slab, 20) === previous, 'a listed slab names the one before it');
    assert(load<u32>(slab, 8) < load<u32>(slab, 12), 'a listed slab has room');
    previous = <u32>slab;
    listed++;
  }
  return listed;
}

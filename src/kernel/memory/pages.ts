// Memory in runs of 4 KiB pages: content that is larger than a slab block, and the slabs themselves. Free
// neighbours join at once, so that freed pages can serve any size again.
//
// Each page has a word of metadata, its kind in the two top bits:
//   FREE   in the first and last page of a free run: the run's pages
//   RUN    in the first page of a run in use: the run's pages, and whether it counts against the limit
//   SLAB   in every page of a slab: the slab's first page
//   0      inside a run, or not ours
// The free runs of a size are linked through their own first page: next at 0, previous at 4.
//
// Invariants (`checkPages`):
//   - runs, slabs and free runs follow one another from the first page to the last without gap or overlap;
//   - no two free runs are neighbours, and the words inside a run are 0;
//   - every free run is in the list of its size, and `occupiedBins` has a bit for each list that is not
//     empty;
//   - `pagesInUse` and `reservePages` are the pages of all runs and slabs, and of those outside the limit;
//   - the pages that count against the limit are within it.
import { ASSERTS } from '../assertions';

export const PAGE_SHIFT: u32 = 12;
export const PAGE_BYTES: usize = 1 << PAGE_SHIFT;

const KIND_MASK: u32 = 0xc0000000;
const VALUE_MASK: u32 = 0x1fffffff;
const FREE: u32 = 0x40000000;
const RUN: u32 = 0x80000000;
const SLAB: u32 = 0xc0000000;
/** Marks beside RUN a run outside the limit. */
const RESERVE: u32 = 0x20000000;

/** One page short of 4 GiB, so that no end of memory wraps round to 0. */
const WASM_PAGES_MAX: u32 = 65535;
const PAGES_PER_WASM_PAGE: u32 = 65536 >> PAGE_SHIFT;
/**
 * Content never takes these 128 MiB: a store that is full to 4 GiB must still reply, delete and emit records.
 */
const HEADROOM_PAGES: u32 = 32768;
/** Memory grows by at least 1 MiB at once, or by an eighth of what there is. */
const GROWTH_WASM_PAGES_MIN: u32 = 16;
/** Free runs of one size class that are looked at before a larger class is taken from. */
const FIT_TRIES: u32 = 16;

let metadata: usize = 0;
let firstPage: u32 = 0;
let endPage: u32 = 0;
/** Heads of the free lists by floor(log2(pages)), 0 to 20. */
const bins: usize = memory.data(84, 4);
/** A bit for each list that holds a run. */
let occupiedBins: u32 = 0;
let pagesInUse: u32 = 0;
/** How many of the pages in use are outside the limit. */
let reservePages: u32 = 0;
/** The pages that `allocatePages` may hand out in all. */
let pagesLimit: u32 = 0xffffffff;

/**
 * Takes over the memory behind the module's static data. The metadata of 4 GiB (4 MiB of address space)
 * stands first.
 */
export function initializePages(): void {
  metadata = (__heap_base + 15) & ~15;
  const pages = 1 << (32 - PAGE_SHIFT);
  firstPage = <u32>((metadata + ((<usize>pages) << 2) + PAGE_BYTES - 1) >> PAGE_SHIFT);
  const neededWasmPages = (firstPage + PAGES_PER_WASM_PAGE) / PAGES_PER_WASM_PAGE;
  if (<u32>memory.size() < neededWasmPages) memory.grow(neededWasmPages - memory.size());
  endPage = <u32>memory.size() * PAGES_PER_WASM_PAGE;
  if (endPage > firstPage) release(firstPage, endPage - firstPage);
}

/** Limits what `allocatePages` hands out in all. */
export function limitPages(limitBytes: f64): void {
  const most = WASM_PAGES_MAX * PAGES_PER_WASM_PAGE - firstPage - HEADROOM_PAGES;
  pagesLimit = <u32>min(limitBytes / <f64>PAGE_BYTES, <f64>most);
}

/** Returns the bytes in pages that are handed out. */
export function allocatedBytes(): f64 {
  return <f64>pagesInUse * <f64>PAGE_BYTES;
}

/** Returns the bytes in pages that are handed out within the limit. */
export function contentBytes(): usize {
  return (<usize>(pagesInUse - reservePages)) << PAGE_SHIFT;
}

/** Returns the limit in bytes. */
export function contentBytesMax(): f64 {
  return <f64>pagesLimit * <f64>PAGE_BYTES;
}

/**
 * Returns the bytes that may still be handed out: the limit allows them, and free pages or growth have them.
 */
export function availableBytes(): f64 {
  const limited = pagesInUse - reservePages;
  return limited < pagesLimit ? min(<f64>(pagesLimit - limited) * <f64>PAGE_BYTES, spareBytes()) : 0;
}

/** Returns the bytes that memory may still hand out, the limit aside. */
export function spareBytes(): f64 {
  return <f64>(WASM_PAGES_MAX * PAGES_PER_WASM_PAGE - firstPage - pagesInUse) * <f64>PAGE_BYTES;
}

export function pagesFor(bytes: usize): u32 {
  return <u32>((<u64>bytes + PAGE_BYTES - 1) >> PAGE_SHIFT);
}

/**
 * Returns a run of whole pages for `bytes`, 0 when memory or the limit is exhausted. Its content is
 * undefined.
 */
export function allocatePages(bytes: usize): usize {
  const pages = pagesFor(bytes);
  const limited = pagesInUse - reservePages;
  if (pages === 0 || limited >= pagesLimit || pages > pagesLimit - limited) return 0;
  return takePages(pages);
}

/**
 * Returns a run as `allocatePages` does, but outside the limit: buffers, and what a full store still needs in
 * order to reply so and to delete.
 */
export function allocateReserve(bytes: usize): usize {
  const pages = pagesFor(bytes);
  const at: usize = pages === 0 ? 0 : takePages(pages);
  if (at === 0) return 0;
  reservePages += pages;
  setMeta(<u32>(at >> PAGE_SHIFT), RUN | RESERVE | pages);
  return at;
}

export function freePages(at: usize): void {
  const page = <u32>(at >> PAGE_SHIFT);
  const meta = metaOf(page);
  const pages = meta & VALUE_MASK;
  if (ASSERTS) assert((meta & KIND_MASK) === RUN && pages !== 0, 'only a run in use can be given back');
  pagesInUse -= pages;
  if ((meta & RESERVE) !== 0) reservePages -= pages;
  release(page, pages);
}

/** Frees what a run that counts against the limit has behind its first `bytes`. */
export function shrinkRun(at: usize, bytes: usize): void {
  const page = <u32>(at >> PAGE_SHIFT);
  const before = metaOf(page) & VALUE_MASK;
  const pages = pagesFor(bytes);
  if (ASSERTS) assert((metaOf(page) & ~VALUE_MASK) === RUN, 'only a run within the limit can shrink');
  if (pages >= before) return;
  setMeta(page, RUN | pages);
  pagesInUse -= before - pages;
  release(page + pages, before - pages);
}

/** Returns the usable bytes of the run at `at`. */
export function runBytes(at: usize): usize {
  if (ASSERTS) assert(isRun(at), 'a run has this address');
  return (<usize>(metaOf(<u32>(at >> PAGE_SHIFT)) & VALUE_MASK)) << PAGE_SHIFT;
}

/** Marks a run's pages as one slab, so that `slabOf` finds it from any address inside. */
export function markSlab(at: usize): void {
  const page = <u32>(at >> PAGE_SHIFT);
  const pages = metaOf(page) & VALUE_MASK;
  if (ASSERTS) assert(isRun(at), 'a slab is made of a run');
  for (let i: u32 = 0; i < pages; i++) setMeta(page + i, SLAB | page);
}

/** Frees a slab of `pages` pages. */
export function freeSlabPages(at: usize, pages: u32): void {
  const page = <u32>(at >> PAGE_SHIFT);
  for (let i: u32 = 0; i < pages; i++) {
    if (ASSERTS) assert(metaOf(page + i) === (SLAB | page), "a slab's pages name it");
    setMeta(page + i, 0);
  }
  pagesInUse -= pages;
  release(page, pages);
}

/** Returns the slab in which `at` lies, 0 when it is the start of a run. */
export function slabOf(at: usize): usize {
  const meta = metaOf(<u32>(at >> PAGE_SHIFT));
  return (meta & KIND_MASK) === SLAB ? (<usize>(meta & VALUE_MASK)) << PAGE_SHIFT : 0;
}

function metaOf(page: u32): u32 {
  return load<u32>(metadata + ((<usize>page) << 2));
}

function setMeta(page: u32, value: u32): void {
  store<u32>(metadata + ((<usize>page) << 2), value);
}

function takePages(pages: u32): usize {
  let page = findFree(pages);
  if (page === 0) {
    if (!growBy(pages)) return 0;
    page = findFree(pages);
    if (page === 0) return 0;
  }
  if (ASSERTS) assert((metaOf(page) & KIND_MASK) === FREE, 'what is taken is free');
  const found = metaOf(page) & VALUE_MASK;
  unlink(page, found);
  setMeta(page + found - 1, 0);
  setMeta(page, RUN | pages);
  if (found > pages) link(page + pages, found - pages);
  pagesInUse += pages;
  return (<usize>page) << PAGE_SHIFT;
}

function findFree(pages: u32): u32 {
  const bin = 31 - clz(pages);
  let page = load<u32>(bins + (bin << 2));
  for (let tries: u32 = 0; page !== 0 && tries < FIT_TRIES; tries++) {
    if ((metaOf(page) & VALUE_MASK) >= pages) return page;
    page = load<u32>((<usize>page) << PAGE_SHIFT);
  }
  const larger = occupiedBins & ~(((<u32>2) << bin) - 1);
  if (larger !== 0) return load<u32>(bins + (ctz(larger) << 2));
  // There is nothing larger: before memory grows, the rest of this class is looked at.
  while (page !== 0) {
    if ((metaOf(page) & VALUE_MASK) >= pages) return page;
    page = load<u32>((<usize>page) << PAGE_SHIFT);
  }
  return 0;
}

/**
 * Grows memory so that content of so many bytes has room, if it can: each growth is costly to the host. Pages
 * that are not used yet take no memory of the machine.
 */
export function growTo(bytes: f64): void {
  const wanted = min(bytes / <f64>PAGE_BYTES, <f64>pagesLimit);
  const present = <f64>(endPage - firstPage);
  if (wanted > present) growBy(<u32>(wanted - present));
}

function growBy(pages: u32): bool {
  const size = <u32>memory.size();
  const needed = (pages + PAGES_PER_WASM_PAGE - 1) / PAGES_PER_WASM_PAGE;
  const room = WASM_PAGES_MAX - size;
  if (needed > room) return false;
  const wanted = min(max(max(needed, size >> 3), GROWTH_WASM_PAGES_MIN), room);
  if (memory.grow(wanted) < 0 && (wanted === needed || memory.grow(needed) < 0)) return false;
  const grown = <u32>memory.size() * PAGES_PER_WASM_PAGE;
  const from = endPage;
  endPage = grown;
  release(from, grown - from);
  return true;
}

/** Puts a run into the free lists, joined with its free neighbours. */
function release(page: u32, pages: u32): void {
  setMeta(page, 0);
  if (page > firstPage) {
    const before = metaOf(page - 1);
    if ((before & KIND_MASK) === FREE) {
      const length = before & VALUE_MASK;
      unlink(page - length, length);
      setMeta(page - 1, 0);
      page -= length;
      pages += length;
    }
  }
  if (page + pages < endPage) {
    const after = metaOf(page + pages);
    if ((after & KIND_MASK) === FREE) {
      const length = after & VALUE_MASK;
      unlink(page + pages, length);
      setMeta(page + pages, 0);
      pages += length;
    }
  }
  link(page, pages);
}

function link(page: u32, pages: u32): void {
  const bin = 31 - clz(pages);
  const head = load<u32>(bins + (bin << 2));
  const at = (<usize>page) << PAGE_SHIFT;
  store<u32>(at, head);
  store<u32>(at, 0, 4);
  if (head !== 0) store<u32>((<usize>head) << PAGE_SHIFT, page, 4);
  store<u32>(bins + (bin << 2), page);
  occupiedBins |= 1 << bin;
  setMeta(page, FREE | pages);
  setMeta(page + pages - 1, FREE | pages);
}

function unlink(page: u32, pages: u32): void {
  const bin = 31 - clz(pages);
  const at = (<usize>page) << PAGE_SHIFT;
  const next = load<u32>(at);
  const previous = load<u32>(at, 4);
  if (previous !== 0) store<u32>((<usize>previous) << PAGE_SHIFT, next);
  else {
    store<u32>(bins + (bin << 2), next);
    if (next === 0) occupiedBins &= ~((<u32>1) << bin);
  }
  if (next !== 0) store<u32>((<usize>next) << PAGE_SHIFT, previous, 4);
}

/** Returns whether a run in use begins at `at`. */
export function isRun(at: usize): bool {
  const meta = metaOf(<u32>(at >> PAGE_SHIFT));
  return (at & (PAGE_BYTES - 1)) === 0 && (meta & KIND_MASK) === RUN && (meta & VALUE_MASK) !== 0;
}

/** Returns the first slab at or behind `from`, 0 when there is none, for the walk of `checkArena`. */
export function nextSlab(from: usize): usize {
  let page = max(<u32>(from >> PAGE_SHIFT), firstPage);
  while (page < endPage) {
    const meta = metaOf(page);
    if ((meta & KIND_MASK) === SLAB) return (<usize>page) << PAGE_SHIFT;
    page += meta & VALUE_MASK;
  }
  return 0;
}

/** Asserts the invariants of the pages. */
export function checkPages(): void {
  let used: u32 = 0;
  let reserved: u32 = 0;
  let freeRuns: u32 = 0;
  let isBehindFree = false;
  let page = firstPage;
  while (page < endPage) {
    const meta = metaOf(page);
    const kind = meta & KIND_MASK;
    let pages = meta & VALUE_MASK;
    if (kind === SLAB) {
      assert(pages === page, "a slab's first page names itself");
      for (pages = 1; page + pages < endPage && metaOf(page + pages) === meta; ) pages++;
    } else {
      assert(kind === FREE || kind === RUN, 'a run begins where the one before it ends');
      assert(pages !== 0 && pages <= endPage - page, 'a run lies within the memory');
      const inner = kind === FREE ? pages - 1 : pages;
      for (let i: u32 = 1; i < inner; i++) assert(metaOf(page + i) === 0, 'the words inside a run are 0');
    }
    if (kind === FREE) {
      assert(!isBehindFree, 'free neighbours have joined');
      assert(metaOf(page + pages - 1) === meta, 'a free run names its length at both ends');
      freeRuns++;
    } else {
      used += pages;
      if (kind === RUN && (meta & RESERVE) !== 0) reserved += pages;
    }
    isBehindFree = kind === FREE;
    page += pages;
  }
  assert(used === pagesInUse && reserved === reservePages, 'the pages in use are those that were counted');
  assert(used - reserved <= pagesLimit, 'what counts against the limit is within it');
  assert(countListedRuns() === freeRuns, 'every free run is in a list');
}

function countListedRuns(): u32 {
  let listed: u32 = 0;
  for (let bin: u32 = 0; bin <= 20; bin++) {
    const head = load<u32>(bins + (bin << 2));
    assert((head !== 0) === ((occupiedBins & (1 << bin)) !== 0), 'a list that holds a run is marked so');
    let previous: u32 = 0;
    for (let page = head; page !== 0; page = load<u32>((<usize>page) << PAGE_SHIFT)) {
      const meta = metaOf(page);
      assert(
        (meta & KIND_MASK) === FREE && 31 - clz(meta & VALUE_MASK) === bin,
        'a list holds its size alone',
      );
      assert(load<u32>((<usize>page) << PAGE_SHIFT, 4) === previous, 'a free run names the one before it');
      previous = page;
      listed++;
    }
  }
  return listed;
}

// Cells of 64 bytes, for what is linked and never moves: keys that are tracked, and who tracks them. They lie
// in pages of their own, outside the limit of content; a page whose last cell is freed is given back.
//
// The first cell of a page is its head:
//   0  u32  the first free cell of the page, 0 when there is none; a free cell begins with the next one
//   4  u32  cells in use
//   8  u32  the next page with free cells
//   12 u32  the page with free cells before it
//
// Invariants (`checkCells`): the pages with free cells are linked both ways and are those that have some;
// `cellsInUse` counts the cells of all pages.
import { ASSERTS } from '../assertions';
import { allocateReserve, freePages, PAGE_BYTES } from './pages';

export const CELL_BYTES: usize = 64;
const CELLS_IN_PAGE: u32 = <u32>(PAGE_BYTES / CELL_BYTES) - 1;

/** How many cells are in use. */
export let cellsInUse: u32 = 0;
/** The first page with free cells, 0 when there is none. */
let roomy: usize = 0;

/** Returns a cell, whose content is undefined, or 0 when memory is exhausted. */
export function allocateCell(): usize {
  if (roomy === 0 && !addPage()) return 0;
  const page = roomy;
  const cell: usize = load<u32>(page);
  store<u32>(page, load<u32>(cell));
  store<u32>(page, load<u32>(page, 4) + 1, 4);
  if (load<u32>(page) === 0) unlinkPage(page);
  cellsInUse++;
  return cell;
}

export function freeCell(cell: usize): void {
  const page = cell & ~(PAGE_BYTES - 1);
  const used = load<u32>(page, 4);
  if (ASSERTS) assert(cell !== page && used !== 0, 'a cell in use is freed');
  cellsInUse--;
  if (used === 1) {
    // A page with one cell in use has free ones.
    unlinkPage(page);
    freePages(page);
    return;
  }
  if (load<u32>(page) === 0) linkPage(page);
  store<u32>(cell, load<u32>(page));
  store<u32>(page, <u32>cell);
  store<u32>(page, used - 1, 4);
}

function addPage(): bool {
  const page = allocateReserve(PAGE_BYTES);
  if (page === 0) return false;
  const end = page + PAGE_BYTES;
  for (let cell = page + CELL_BYTES; cell < end; cell += CELL_BYTES) {
    store<u32>(cell, cell + CELL_BYTES === end ? 0 : <u32>(cell + CELL_BYTES));
  }
  store<u32>(page, <u32>(page + CELL_BYTES));
  store<u32>(page, 0, 4);
  linkPage(page);
  return true;
}

function linkPage(page: usize): void {
  store<u32>(page, <u32>roomy, 8);
  store<u32>(page, 0, 12);
  if (roomy !== 0) store<u32>(roomy, <u32>page, 12);
  roomy = page;
}

function unlinkPage(page: usize): void {
  const next: usize = load<u32>(page, 8);
  const previous: usize = load<u32>(page, 12);
  if (previous === 0) roomy = next;
  else store<u32>(previous, <u32>next, 8);
  if (next !== 0) store<u32>(next, <u32>previous, 12);
}

/** Asserts the invariants of the pages with free cells. */
export function checkCells(): void {
  let previous: usize = 0;
  for (let page = roomy; page !== 0; page = load<u32>(page, 8)) {
    assert(<usize>load<u32>(page, 12) === previous, 'a page with free cells names the one before it');
    let free: u32 = 0;
    for (let cell: usize = load<u32>(page); cell !== 0; cell = load<u32>(cell)) free++;
    assert(free !== 0 && free + load<u32>(page, 4) === CELLS_IN_PAGE, 'a cell is in use or free');
    assert(load<u32>(page, 4) <= cellsInUse, 'the cells in use are counted');
    previous = page;
  }
}

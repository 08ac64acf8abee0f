// The exports of the debug build beside index.ts: the invariants of all structures, which the suites assert
// between steps, and functions that bring about states that would take a test too long.
import { checkArena } from './memory/arena';
import { checkCells } from './memory/cells';
import { checkPages } from './memory/pages';
import { checkFrame, checkPostponed } from './store/batch';
import { checkChanges } from './store/changes';
import { checkStore } from './store/store-invariants';
import { checkTrackedKeys } from './store/tracked-keys';
import { checkExpiry } from './table/expiry';
import { shardAt, shardCount } from './table/shard';
import { checkTable } from './table/table-invariants';

export { keyedHash, takeChosenHashes } from './keyed-hash';
export { recordsMoved } from './store/store';
export { skipGenerations } from './table/segment';
export { bucketsProbed } from './table/table';
export { valueHash } from './xxh3';

/**
 * Asserts the invariants of the whole store, which takes time in proportion to it. Between calls they all
 * hold.
 */
export function invariants(): void {
  checkPages();
  checkArena();
  for (let id: u32 = 0; id < shardCount; id++) {
    const shard = shardAt(id);
    checkTable(shard);
    checkExpiry(shard);
    checkFrame(shard);
  }
  checkPostponed();
  checkChanges();
  checkCells();
  checkTrackedKeys();
  checkStore();
}

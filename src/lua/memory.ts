/**
 * The memory of one script is bounded by the growth of the heap since the script began. Garbage is collected
 * before a script is found to have too much.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { allocation } from './allocation.js';
import { fengari, type LuaState } from './fengari.js';
import { pushText } from './stack.js';

/** Bytes that a script may have, in strings and tables. */
const SCRIPT_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes of strings that may be made between two looks at the heap. */
const UNSEEN_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes by which the heap may grow between two collections of garbage. */
const UNCOLLECTED_BYTES_MAX = 64 * 1024 * 1024;

/** Watches what the script that runs allocates. */
export class ScriptMemory {
  /** Bytes of the heap when the script began; undefined until somebody looks. */
  #before: number | undefined;
  /** Bytes of the heap beyond which garbage is collected. */
  #collectAt = 0;
  #seenStringBytes = 0;

  constructor() {
    allocation.grant = (L, bytes) => this.#grant(L, bytes);
  }

  /** Begins to count for another script. */
  begin(): void {
    this.#before = undefined;
    this.#collectAt = 0;
    this.#seenStringBytes = allocation.stringBytes;
  }

  /** Looks at the heap; raises Lua's error when the script has too much with `more` bytes. */
  check(L: LuaState, more = 0): void {
    this.#seenStringBytes = allocation.stringBytes;
    if (more <= SCRIPT_BYTES_MAX && this.#fits(more)) return;
    // The instruction that allocates has reserved no room for an error.
    fengari().lua.lua_checkstack(L, 2);
    pushText(L, 'not enough memory');
    fengari().lua.lua_error(L);
  }

  #grant(L: LuaState, bytes: number): void {
    const unseen = allocation.stringBytes - this.#seenStringBytes + bytes;
    if (unseen > UNSEEN_BYTES_MAX) this.check(L, bytes);
  }

  #fits(more: number): boolean {
    let bytes = heapBytes();
    this.#before ??= bytes;
    const most = this.#before + SCRIPT_BYTES_MAX;
    if (bytes + more <= Math.max(most, this.#collectAt)) return true;
    collectGarbage();
    bytes = heapBytes();
    this.#collectAt = bytes + UNCOLLECTED_BYTES_MAX;
    return bytes + more <= most;
  }
}

function heapBytes(): number {
  const { used_heap_size: ownBytes, external_memory: externalBytes } = getHeapStatistics();
  return ownBytes + externalBytes;
}

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

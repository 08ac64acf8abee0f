/** The bytes that scripts allocate, counted where that happens. */
import type { LuaState } from './lua-api.js';

/** The counts of the strings that scripts make. */
export interface Allocation {
  /** Bytes of all strings that were made, and are perhaps gone again. */
  stringBytes: number;
  /** Called before `bytes` are allocated at once; throws Lua's error when they are too many. */
  grant(L: LuaState, bytes: number): void;
}

/** Bytes that a string takes besides its own. */
export const STRING_BYTES = 96;
/** The shortest length, in bytes, that is asked for before it is allocated. */
export const LARGE_BYTES = 64 * 1024;

/** Counts for the one copy of fengari that a process has. */
export const allocation: Allocation = { stringBytes: 0, grant: () => {} };

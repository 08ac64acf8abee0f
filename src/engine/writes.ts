/**
 * The common parts of all writes to the kernel: their limits, another try when memory is exhausted, their
 * outcome.
 */
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import { type Kernel, outOfMemory } from './kernel.js';

/** Throws VALUE_OVER_LIMIT when a key or value of `found` bytes is longer than the `expected` ones. */
export function checkLength(found: number, expected: number): void {
  if (found <= expected) return;
  const message = `A key or value may have ${expected} bytes; this one has ${found}.`;
  throw new FastcacheError('VALUE_OVER_LIMIT', message, { expected, found });
}

/** Returns the status (WRITE_*) of a write, which is tried again as long as memory can be freed for it. */
export function written(kernel: Kernel, write: () => number): number {
  let status = write();
  for (let attempt = 0; status === layout.WRITE_MEMORY; attempt++) {
    if (kernel.exports.relieve(attempt) === 0) break;
    status = write();
  }
  return status;
}

/**
 * Returns whether the key of a write was there. Throws OUT_OF_MEMORY, which names `bytes` as what was
 * lacking.
 */
export function wasThere(status: number, bytes: number): boolean {
  if (status === layout.WRITE_MEMORY) throw outOfMemory(bytes);
  return status === layout.WRITE_DONE;
}

/** The uses of a store's memory. */
import type { Kernel } from './kernel.js';

/** The bytes of kernel memory by what they are used for. */
export interface EngineMemory {
  /** Bytes in pages that are handed out. */
  allocated: number;
  /** Bytes that may still be handed out. */
  available: number;
  /** Bytes in blocks that hold records, rounding included. */
  records: number;
  /** Bytes in free blocks between them; housekeeping compacts them when that pays. */
  freeBlocks: number;
  /** Bytes in tables and expiry heaps. */
  tables: number;
  /** Bytes in open frames' buffers. */
  frames: number;
}

/** Returns what a kernel's memory is used for. */
export function engineMemory({ exports }: Kernel): EngineMemory {
  return {
    allocated: exports.memoryAllocated(),
    available: exports.memoryAvailable(),
    records: exports.memoryInRecords(),
    freeBlocks: exports.memoryInFreeBlocks(),
    tables: exports.memoryInTables(),
    frames: exports.memoryInFrames(),
  };
}

/** How a store knows records again that it applied last (docs/architecture.md, "Rust primaries"). */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import type { KernelBuffer } from './kernel-buffer.js';
import type { RecordPrint } from './types.js';

/** Returns the last record of the first shard of which it is known; undefined: of none. */
export function lastRecordOf(kernel: Kernel): RecordPrint | undefined {
  if (kernel.exports.lastRecord() === 0) return undefined;
  return {
    shard: kernel.result[layout.RESULT_SHARD]!,
    sequence: kernel.resultU64(layout.RESULT_EXPECTED_U64),
    print: kernel.resultU64(layout.RESULT_FOUND_U64),
  };
}

/** Returns whether a MutationBatch payload, sound up to there, has this very record. Throws OUT_OF_MEMORY. */
export function hasRecord(
  { exports }: Kernel,
  buffer: KernelBuffer,
  payload: Uint8Array,
  { shard, sequence, print }: RecordPrint,
): boolean {
  const address = buffer.fill(payload);
  const isThere = exports.hasRecord(address, payload.length, shard, sequence, print) !== 0;
  buffer.trim();
  return isThere;
}

/** Finds facts about content whose beginning or shards are not named, from batches and watermarks. */
import { FastcacheError } from '../../errors.js';
import { type DecodedRecord, decodeBatch } from '../../frame/batch.js';

/** Returns a batch's first record; undefined for a malformed batch, which the kernel refuses. */
export function firstRecord(payload: Uint8Array): DecodedRecord | undefined {
  try {
    return decodeBatch(payload).records.next().value ?? undefined;
  } catch (error) {
    if (error instanceof FastcacheError) return undefined;
    throw error;
  }
}

/**
 * Returns the power of two that covers all shards that were written to: their watermarks are past the
 * others'.
 */
export function shardsIn(watermarks: readonly bigint[]): number {
  const untouched = watermarks.at(-1)!;
  const last = watermarks.findLastIndex((watermark) => watermark !== untouched);
  return 2 ** Math.ceil(Math.log2(last + 1 || 1));
}

/**
 * The outcome of the kernel's `apply`, `pass`, `loadEntries` and `checkEntries`: counts, or an error with its
 * code, the byte in the payload, and what was expected and found.
 */
import assert from 'node:assert';
import { type ErrorCode, FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import type { ApplyResult } from './types.js';

const faults: Record<number, { code: ErrorCode; message: string }> = {
  [layout.APPLY_COUNT]: {
    code: 'FCRP_COUNT_OVER_PAYLOAD',
    message: 'The count announces more than the payload can hold.',
  },
  [layout.APPLY_TRUNCATED]: { code: 'FCRP_FIELD_PAST_PAYLOAD', message: 'A field runs past the payload.' },
  [layout.APPLY_TRAILING]: {
    code: 'FCRP_TRAILING_BYTES',
    message: 'Bytes are left over behind the last field of the payload.',
  },
  [layout.APPLY_OP]: { code: 'FCRP_UNKNOWN_OP', message: 'A record has an unknown op.' },
  [layout.APPLY_HASH]: {
    code: 'FCRP_KEY_HASH_MISMATCH',
    message: "A record's key hash is not the XXH3-64 of its key.",
  },
  [layout.APPLY_SHARD]: {
    code: 'SHARD_OUT_OF_RANGE',
    message: 'A record belongs to a shard that the primary does not have.',
  },
  [layout.APPLY_GAP]: {
    code: 'SEQUENCE_GAP',
    message: 'A record leaves a gap behind the last one of its shard.',
  },
  [layout.APPLY_MEMORY]: {
    code: 'OUT_OF_MEMORY',
    message: 'The store is full: a record could not be applied beside what is held.',
  },
};

/** Returns the counts of a payload with status APPLY_OK. Throws `applyFault` for any other status. */
export function applyResult(kernel: Kernel, status: number): ApplyResult {
  if (status !== layout.APPLY_OK) throw applyFault(kernel, status);
  const { result } = kernel;
  return {
    applied: result[layout.RESULT_APPLIED]!,
    skipped: result[layout.RESULT_SKIPPED]!,
    lastTimestampMs: kernel.resultF64(layout.RESULT_TIMESTAMP_F64),
  };
}

/** Makes the error for a status (APPLY_*) other than APPLY_OK from the kernel's result block. */
export function applyFault(kernel: Kernel, status: number): FastcacheError {
  const { result } = kernel;
  const fault = faults[status];
  assert(fault !== undefined, `The kernel returned the status ${status}, which is no fault.`);
  const { code, message } = fault;
  const details = {
    offset: result[layout.RESULT_FAULT_OFFSET]!,
    expected: kernel.resultU64(layout.RESULT_EXPECTED_U64),
    found: kernel.resultU64(layout.RESULT_FOUND_U64),
  };
  if (status === layout.APPLY_MEMORY) {
    const bytes = `${details.found} of the ${details.expected} bytes that it can have at most`;
    return new FastcacheError(code, `${message} It holds ${bytes}.`, details);
  }
  if (status !== layout.APPLY_GAP) return new FastcacheError(code, message, details);
  const shard = result[layout.RESULT_SHARD]!;
  return new FastcacheError(code, `Shard ${shard}: ${message}`, { ...details, shard });
}

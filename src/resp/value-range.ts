/** Parts of values, as GETRANGE, SETRANGE and the commands on bits read and write them. */
import type { ShardEngine } from '../engine/shard-engine.js';

/**
 * The part that Redis takes for a start and an end (inclusive; negative ones count from the value's end) in a
 * value of `length` bytes or bits. `end` of the result is not included. Undefined when nothing is left.
 */
export function rangeWithin(
  start: bigint,
  end: bigint,
  length: number,
): { start: number; end: number } | undefined {
  return start < 0n && end < 0n && start > end ? undefined : clampedRange(start, end, length);
}

/** The same for a command for which negative numbers that cross each other are no special case (BITPOS). */
export function clampedRange(
  start: bigint,
  end: bigint,
  length: number,
): { start: number; end: number } | undefined {
  const first = fromStart(start, length);
  const last = Math.min(fromStart(end, length), length - 1);
  return first > last ? undefined : { start: first, end: last + 1 };
}

function fromStart(index: bigint, length: number): number {
  return Math.max(Number(index < 0n ? BigInt(length) + index : index), 0);
}

/** Writes a part of a value; missing bytes before it become zeros. */
export function writeAt(engine: ShardEngine, key: Buffer, offset: number, part: Buffer): void {
  if (!engine.values.overwrite(key, offset, part))
    engine.set(key, Buffer.concat([Buffer.alloc(offset), part]));
}

/** Describes a gap in a shard's sequences, in the same words for all the frames tools. */
import { FastcacheError } from '../errors.js';
import type { History } from '../replication/history.js';
import type { SequenceStep } from '../replication/history-course.js';

/** A step between two sequences of a shard that leaves some out. */
export interface SequenceGap extends SequenceStep {
  /** The byte at which the sequence `found` is, in whatever the caller reads. */
  offset: number;
}

/** Returns the gap that an error describes; undefined when it is no `SEQUENCE_GAP`. */
export function gapIn(error: unknown): SequenceGap | undefined {
  if (!(error instanceof FastcacheError) || error.code !== 'SEQUENCE_GAP') return undefined;
  const { shard = 0, expected = 0n, found = 0n, offset = 0 } = error;
  return { shard, expected: BigInt(expected), found: BigInt(found), offset };
}

/** Returns a `SEQUENCE_GAP`; `history` is the record's history, where that is known. */
export function sequenceGap(
  { shard, expected, found, offset }: SequenceGap,
  history?: History,
): FastcacheError {
  const message = `Shard ${shard} lacks ${lacking(shard, expected, found, history)}.`;
  return new FastcacheError('SEQUENCE_GAP', message, { shard, expected, found, offset });
}

/**
 * Names the missing sequences, without those between the end of a history and the base of the one that
 * continues it, which were never given out.
 */
function lacking(shard: number, expected: bigint, found: bigint, history: History | undefined): string {
  const end = history?.previous?.watermarks[shard];
  if (history === undefined || end === undefined || expected > end + 1n || found <= history.base) {
    return range(expected, found - 1n);
  }
  const parts = [
    ...(expected <= end ? [`${range(expected, end)} of history ${history.previous?.id}`] : []),
    ...(found > history.base + 1n ? [range(history.base + 1n, found - 1n)] : []),
  ];
  return parts.join(', and ');
}

function range(first: bigint, last: bigint): string {
  return first === last ? `the sequence ${first}` : `the sequences ${first} to ${last}`;
}

/** The faults of dumps that lead to no key space, where no single frame is wrong. */
import { FastcacheError } from '../../errors.js';
import type { SnapshotBuild } from './snapshot-build.js';

/** Returns the fault of a snapshot of which nothing shows that it was taken before the moment asked for. */
export function untimed(snapshot: SnapshotBuild): FastcacheError {
  return ofSnapshot(
    'BAD_OPTION',
    'The content at that time is not known: no record up to it, behind the snapshot that begins here, says when that was taken.',
    snapshot,
  );
}

/** Returns the fault of a snapshot that was taken after the moment asked for. */
export function tooLate(snapshot: SnapshotBuild): FastcacheError {
  return ofSnapshot(
    'BAD_OPTION',
    'The content at that place is not known: the snapshot that begins here shows only later content.',
    snapshot,
  );
}

/** Returns a fault at the beginning of a snapshot. */
export function ofSnapshot(
  code: 'BAD_OPTION' | 'SNAPSHOT_OUT_OF_ORDER',
  message: string,
  { offset, file }: SnapshotBuild,
): FastcacheError {
  return new FastcacheError(code, message, { offset, file });
}

/** Returns the fault of dumps without content; `isEmpty`: they have no byte. */
export function noContent(isEmpty: boolean): FastcacheError {
  return new FastcacheError(
    'DUMP_EMPTY',
    isEmpty
      ? 'The dump is empty: it has no frame, and leads to no key space.'
      : 'The dump leads to no key space: it has neither a snapshot nor the first records of a history.',
  );
}

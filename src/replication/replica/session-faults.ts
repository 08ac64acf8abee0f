/** The errors for which a replica leaves its primary and ends a session. */
import type { RecordPrint } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { frameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import type { PrimaryAnswer } from '../link/conversation.js';

/** Makes `FRAME_OUT_OF_PLACE`: a sound frame may not come here. */
export function outOfPlace(frame: SplitFrame, expected: string): FastcacheError {
  const found = frameKindName(frame.header.kind);
  return new FastcacheError('FRAME_OUT_OF_PLACE', `The primary sent a ${found} where ${expected} was due.`, {
    expected,
    found,
    offset: frame.offset,
  });
}

/** Makes `PEER_SILENT`: the primary at `address` (`host:port`) has sent nothing for `silentMs`. */
export function deadLink(address: string, silentMs: number): FastcacheError {
  const message = `${address} has sent nothing for ${silentMs} ms: the link is dead.`;
  return new FastcacheError('PEER_SILENT', message, { address });
}

/**
 * Makes `FOREIGN_HISTORY`: the history `theirs` of the primary at `address` (`host:port`), undefined of a
 * Rust primary, is foreign to the `heldKeys` keys that are held of `own`.
 */
export function foreignHistory(
  address: string,
  heldKeys: number,
  { own, theirs }: { own: string | undefined; theirs: string | undefined },
): FastcacheError {
  const has = theirs === undefined ? 'another run' : `the history ${theirs}`;
  const held =
    own === undefined ? 'of an earlier run' : `of the history ${own}, to which that does not go back`;
  return new FastcacheError(
    'FOREIGN_HISTORY',
    `${address} has ${has}, and the keys that are held (${heldKeys}) are ${held}: they stay. ` +
      'To go on with them, start that primary with --recover and the address of a replica, or promote this one ' +
      '(REPLICAOF NO ONE). To take in what that primary has, name it once more (REPLICAOF, follow()), or set ' +
      'fresh-history to yes there (CONFIG SET), for all its replicas.',
    { address, expected: own ?? 'no history', found: theirs ?? 'no history' },
  );
}

/** Makes `EMPTY_SNAPSHOT`: new content without a key is not taken in place of `heldKeys` keys. */
export function emptySnapshot(heldKeys: number): FastcacheError {
  return new FastcacheError(
    'EMPTY_SNAPSHOT',
    `The primary has no key at all, and ${heldKeys} are held: they stay. ` +
      '--allow-empty-snapshot (allowEmptySnapshot: true) takes what it has.',
    { found: heldKeys },
  );
}

/** Makes `HISTORY_DIFFERS`: `own` watermarks are not part of what the primary that answered so has. */
export function historyDiffers(own: readonly bigint[], { watermarks }: PrimaryAnswer): FastcacheError {
  return new FastcacheError(
    'HISTORY_DIFFERS',
    'What this replica holds is not part of what the primary has: all of it will be fetched again.',
    { expected: own.join(), found: watermarks.join() },
  );
}

/** Makes `HISTORY_DIFFERS`: this record has not come again from a primary without histories. */
export function otherRun({ shard, sequence }: RecordPrint): FastcacheError {
  return new FastcacheError(
    'HISTORY_DIFFERS',
    `The primary is not the run that this replica followed: record ${sequence} of shard ${shard} has not come ` +
      'again as it was. All of what it has will be fetched.',
  );
}

/** Returns whether a session has ended with `HISTORY_DIFFERS`, so that nothing may be claimed again. */
export function isDisproof(error: Error): boolean {
  return error instanceof FastcacheError && error.code === 'HISTORY_DIFFERS';
}

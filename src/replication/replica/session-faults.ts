/** The errors for which a replica leaves its primary and ends a session. */
import type { RecordPrint } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { frameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { formatAddress } from '../../transport/address.js';
import type { Address } from '../../transport/connection.js';
import type { PrimaryAnswer } from '../link/conversation.js';
import type { FullStore } from '../link/full.js';
import type { SessionEnd } from './session-options.js';

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

/** Returns whether a session has ended because there was no memory for what the primary has. */
export function isFull(error: Error): error is FastcacheError {
  return error instanceof FastcacheError && error.code === 'OUT_OF_MEMORY';
}

/**
 * Returns how full the store was for whose lack of memory a session has ended; undefined for any other end.
 */
export function fullStore(error: Error): FullStore | undefined {
  if (!isFull(error) || error.expected === undefined) return undefined;
  return { heldBytes: Number(error.found), mostBytes: Number(error.expected) };
}

/** Makes `HISTORY_DIFFERS`: `own` watermarks are not part of what the primary that answered so has. */
export function historyDiffers(own: readonly bigint[], { watermarks }: PrimaryAnswer): FastcacheError {
  return new FastcacheError(
    'HISTORY_DIFFERS',
    'The content of this replica is not part of that of the primary: all of it will be fetched again.',
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

/**
 * Returns how a session with the primary at `address` ends for `fault`. `isContinued`: its batches were
 * applied to what is held, whose records may lie scattered, so that where they have no room, those of a
 * snapshot have it.
 */
export function endFor(fault: Error, address: Address, isContinued: boolean): SessionEnd {
  if (isFull(fault)) {
    return { error: cannotHold(formatAddress(address), fault), claimNothing: isContinued, gap: undefined };
  }
  const isDisproof = fault instanceof FastcacheError && fault.code === 'HISTORY_DIFFERS';
  return { error: fault, claimNothing: isDisproof, gap: undefined };
}

/** Makes the `OUT_OF_MEMORY` of a replica that has no room for what `address` has, from its store's. */
function cannotHold(address: string, error: FastcacheError): FastcacheError {
  const { expected, found } = error;
  const numbers =
    expected === undefined
      ? error.message
      : `${found} of the ${expected} bytes that it has at most are taken.`;
  return new FastcacheError(
    'OUT_OF_MEMORY',
    `${address} has more than this replica can hold: ${numbers} What was whole stays readable, and the next ` +
      'try is in a minute or two. Have that primary hold less: delete keys, set maxmemory and a ' +
      'maxmemory-policy that evicts there (CONFIG SET), or divide its keys among several primaries.',
    {
      address,
      cause: error,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    },
  );
}

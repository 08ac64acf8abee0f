/** Why a replica leaves its primary: the errors that end a session (replica-session.ts). */
import { FastcacheError } from '../../errors.js';
import { frameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { formatAddress } from '../../transport/address.js';
import type { Address } from '../../transport/connection.js';
import type { PrimaryAnswer } from '../link/conversation.js';

export function outOfPlace(frame: SplitFrame, expected: string): FastcacheError {
  const found = frameKindName(frame.header.kind);
  return new FastcacheError('FRAME_OUT_OF_PLACE', `The primary sent a ${found} where ${expected} was due.`, {
    expected,
    found,
    offset: frame.offset,
  });
}

export function deadLink(address: Address, silentMs: number): FastcacheError {
  const place = formatAddress(address);
  return new FastcacheError(
    'PEER_SILENT',
    `${place} has sent nothing for ${silentMs} ms: the link is dead.`,
    {
      address: place,
    },
  );
}

export function emptySnapshot(heldKeys: number): FastcacheError {
  return new FastcacheError(
    'EMPTY_SNAPSHOT',
    `The primary has no key at all, and ${heldKeys} are held: they stay. --allow-empty-snapshot (allowEmptySnapshot: true) takes what it has.`,
    { found: heldKeys },
  );
}

export function historyDiffers(own: readonly bigint[], { watermarks }: PrimaryAnswer): FastcacheError {
  return new FastcacheError(
    'HISTORY_DIFFERS',
    'What this replica holds is not part of what the primary has: all of it will be fetched anew.',
    { expected: own.join(), found: watermarks.join() },
  );
}

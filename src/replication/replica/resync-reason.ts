/**
 * Says in a replica's words why a primary sends new content to a replica that holds some (its
 * primary/resume.ts decides that).
 */
import type { FollowedStore } from '../../engine/types.js';
import type { PrimaryAnswer } from '../link/conversation.js';
import type { Divergence } from './divergence.js';
import type { Holding } from './holding.js';

const FELL_BEHIND = 'the replica has fallen behind, and the primary no longer keeps all that it lacks';
const DIVERGED = 'what is held is not what the primary has at the same sequences';

/**
 * Returns why it does so on a connection on which the replica was level: the primary's answer is long past.
 */
export function lateReason({ divergence }: { readonly divergence?: Divergence | undefined }): string {
  return divergence?.state === undefined ? FELL_BEHIND : DIVERGED;
}

/** Returns a clause without a full stop, for a person: why it does so behind its answer. */
export function resyncReason(
  { store, history }: Holding<FollowedStore>,
  { watermarks, margin }: PrimaryAnswer,
): string {
  const theirs = margin?.get('history');
  if (theirs !== history?.id) {
    return `the primary has ${nameOf(theirs)}, and what is held is of ${nameOf(history?.id)}`;
  }
  const held = store.watermarks();
  if (held.length !== watermarks.length) {
    return `the primary has ${watermarks.length} shards, and what is held is of ${held.length}`;
  }
  const behind = held.findIndex((own, shard) => watermarks[shard]! < own);
  if (behind !== -1) {
    return `shard ${behind} of the primary is at ${watermarks[behind]}, and what is held at ${held[behind]}`;
  }
  const lacking = held.findIndex((own, shard) => own < watermarks[shard]!);
  if (lacking === -1) return 'the primary chose to';
  const next = held[lacking]! + 1n;
  return (
    `the primary no longer keeps all that is lacking: shard ${lacking} is to go on at ${next}, ` +
    `and the primary is at ${watermarks[lacking]}`
  );
}

function nameOf(history: string | undefined): string {
  return history === undefined ? "no history (it is the crate's)" : `the history ${history}`;
}

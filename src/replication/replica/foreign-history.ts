/** Decides what may take the place of the keys that are held (docs/architecture.md, "Foreign histories"). */
import type { FollowedStore } from '../../engine/types.js';
import type { FastcacheError } from '../../errors.js';
import { formatAddress } from '../../transport/address.js';
import { goesBackTo, type History } from '../history.js';
import type { PrimaryAnswer } from '../link/conversation.js';
import { hasReached } from '../watermarks.js';
import type { Holding } from './holding.js';
import { emptySnapshot, foreignHistory } from './session-faults.js';
import type { ReplicaSessionOptions } from './session-options.js';

type RuleOptions = Pick<
  ReplicaSessionOptions,
  'address' | 'allowEmptySnapshot' | 'isRequested' | 'foreignHistory'
>;

/** The rule for one session; the held content keeps its keys until the session's new content is whole. */
export class ForeignRule {
  readonly #options: RuleOptions;
  #held: Holding<FollowedStore> | undefined;
  #history: History | undefined;
  /** Whether the primary's content is foreign to what is held. */
  #isForeign = false;

  constructor(options: RuleOptions, held: Holding<FollowedStore> | undefined) {
    this.#options = options;
    this.#held = held;
  }

  /**
   * Takes the primary's answer and its history. Returns the error with which the session must end, as nothing
   * that this primary can send may be taken in.
   */
  answered(answer: PrimaryAnswer, history: History | undefined): FastcacheError | undefined {
    const held = this.#held;
    this.#history = history;
    this.#isForeign = held !== undefined && isForeign(held, history, answer);
    // Content without a key, which may be allowed, is known by its end only.
    return this.#options.allowEmptySnapshot === true ? undefined : this.judge(Number.POSITIVE_INFINITY);
  }

  /**
   * Returns the error with which the session must end, because so many new keys must not take the place of
   * those that are held.
   */
  judge(keys: number): FastcacheError | undefined {
    const { address, allowEmptySnapshot, isRequested, foreignHistory: choice } = this.#options;
    const heldKeys = this.#held?.store.keyCount() ?? 0;
    const takesAll = isRequested === true || choice === 'accept' || this.#history?.isFresh === true;
    if (heldKeys === 0 || takesAll) return undefined;
    if (keys === 0 && allowEmptySnapshot === true) return undefined;
    if (this.#isForeign) {
      const ids = { own: this.#held?.history?.id, theirs: this.#history?.id };
      return foreignHistory(formatAddress(address), heldKeys, ids);
    }
    return keys === 0 ? emptySnapshot(heldKeys) : undefined;
  }

  /** Called when new content is held, in the place of the old: frames that come now continue it. */
  replaced(held: Holding<FollowedStore>): void {
    this.#held = held;
    this.#isForeign = false;
  }
}

/**
 * Returns whether the history of the primary that answered so, undefined of a Rust primary, neither is that
 * of what is held nor goes back to it. The runs of Rust primaries have no ids, and a relay that starts again
 * makes up another one: a run whose watermarks are below those that are held is another one.
 */
function isForeign(
  { store, history: held }: Holding<FollowedStore>,
  history: History | undefined,
  { watermarks }: PrimaryAnswer,
): boolean {
  if (history !== undefined && goesBackTo(history, held?.id)) return false;
  if (isRust(held) && isRust(history)) {
    return watermarks.length !== store.shards || !hasReached(watermarks, store.watermarks());
  }
  return true;
}

/** Whether the content is a Rust primary's, of which a relay may have made up the history. */
function isRust(history: History | undefined): boolean {
  return history === undefined || history.isRust === true;
}

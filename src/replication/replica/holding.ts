import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';

/** What a replica holds, whole and of one moment. */
export interface Holding<S extends FollowedStore = ReplicatedStore> {
  readonly store: S;
  /**
   * The history that the store's watermarks count in; undefined: a Rust primary's, which has no histories.
   */
  readonly history: History | undefined;
  /**
   * The Rust primary, `host:port`, that the content without a history is of: numbers of another one say
   * nothing. Undefined where it is not known, and of content with a history.
   */
  readonly rustAddress?: string | undefined;
}

import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import type { Address } from '../../transport/connection.js';
import type { History } from '../history.js';

/** The content that a replica holds, whole and of one moment. */
export interface Holding<S extends FollowedStore = ReplicatedStore> {
  readonly store: S;
  /**
   * The history that the store's watermarks count in; undefined: a Rust primary's, which has no histories.
   */
  readonly history: History | undefined;
  /** The primary that sent the content; undefined where it is not known. */
  readonly from?: Address | undefined;
}

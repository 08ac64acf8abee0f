import type { ReplicatedStore } from '../../engine/types.js';
import type { History } from '../history.js';

/** What a replica holds, whole and of one moment. */
export interface Holding {
  readonly store: ReplicatedStore;
  /** Whose sequences the store's watermarks are; undefined: a Rust primary's, which has no histories. */
  readonly history: History | undefined;
}

import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import type { BatchHead } from '../../frame/batch.js';
import type { History } from '../history.js';
import type { Holding } from './holding.js';

/** A batch that has just been applied to what is held. */
export interface AppliedBatch {
  /** The whole frame, valid during the call. */
  readonly frame: Buffer;
  readonly head: BatchHead;
  /** How many of the batch's records were applied, 1 at least. */
  readonly applied: number;
  /** The watermark of the head's shard behind them. */
  readonly watermark: bigint;
}

/**
 * The relay that serves others with what a follower holds, and is called as that changes. None of it may
 * throw.
 */
export interface Downstream<in S extends FollowedStore = ReplicatedStore> {
  /** The name of this process in the paths of those below it. */
  readonly nodeId: string;
  /** Called when a primary has answered; `path` names it and the nodes above it, nearest first. */
  follows(path: readonly string[]): void;
  /** Called when new content has taken the place of what was held. */
  swapped(holding: Holding<S>): void;
  /** Called when what is held continues in `history`, at `watermarks` of it; both may be what they were. */
  adopted(history: History, watermarks: readonly bigint[]): void;
  received(batch: AppliedBatch): void;
  /**
   * Called when a shard that was still in the history before has come to its end, and continues from
   * `watermark`.
   */
  crossed(shard: number, watermark: bigint): void;
}

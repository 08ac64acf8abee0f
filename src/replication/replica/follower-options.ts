/** The options of a follower, and the functions that it calls on events. */
import type { Seams } from '../../clock.js';
import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import type { Log } from '../log.js';
import type { Holding } from './holding.js';
import type { ReplicaSessionOptions } from './session-options.js';

/** Called as things happen; none may throw. Each may stop the follower. */
export interface FollowerHandlers<S extends FollowedStore = ReplicatedStore> {
  connecting?(event: { attempt: number }): void;
  /** Called when what is held cannot be continued, for this reason, and new content takes its place. */
  resync?(event: { reason: string }): void;
  /**
   * Called at a snapshot's begin and after each chunk: `entries` have come. `primaryKeys`: the keys that the
   * primary had when it answered; undefined where it does not say.
   */
  snapshot?(event: { entries: number; primaryKeys: number | undefined }): void;
  /**
   * Called when new content has replaced what was held: `holding.store` is read from now on, and the store
   * held before is no longer the follower's.
   */
  swapped?(event: { holding: Holding<S> }): void;
  /**
   * Called when what is held follows the primary. `primaryIsOurs`: it deletes what expires; a Rust primary
   * does not, so that the owner of the store must sweep.
   */
  live?(event: { primaryIsOurs: boolean; watermarks: bigint[] }): void;
  /** Called when what is held continues in another history, that of a primary that was promoted. */
  adopted?(event: { holding: Holding<S> }): void;
  /** Called once a connection, when all that the primary had when it answered is applied. */
  caughtUp?(event: { watermarks: readonly bigint[] }): void;
  lost?(event: { error: Error; retryInMs: number }): void;
  /**
   * Called once for as long as it lasts, when the primary has a history that is foreign to what is held,
   * which is kept; `lost` follows.
   */
  foreignHistory?(event: { error: Error }): void;
  /** Called when the primary refused the token; `lost` follows, or with `failFast` `stopped`. */
  refused?(event: { error: Error }): void;
  /**
   * Called when the follower has stopped for good; `error` is undefined when `stop` was called without one.
   */
  stopped?(event: { error: Error | undefined }): void;
}

/** The options of a follower. */
export interface FollowerOptions<S extends FollowedStore = ReplicatedStore>
  extends Omit<ReplicaSessionOptions<S>, keyof Seams>,
    Seams {
  log: Log;
  handlers: FollowerHandlers<S>;
  /** The most that the first pause takes, ms; later ones double up to `MAX_RECONNECT_BACKOFF_MS`. */
  reconnectBackoffMs: number;
  /** The content held from an earlier following, to be continued if the primary can; undefined: none. */
  holding?: Holding<S> | undefined;
  /** Whether to stop when the token is refused, rather than try again. */
  failFast: boolean;
}

/** What is known of a replica that is connected, or was. */
import type { Address } from '../../transport/connection.js';
import type { FeedState } from './feed.js';

/** One replica, as its primary or relay knows it. */
export interface ReplicaInfo {
  /** `host:port` that it connected from. */
  address: string;
  /** What it is sent now; `gone`: it left within the last hour, and the rest is as it was then. */
  state: FeedState | 'gone';
  /**
   * The history that it follows, which is the primary's; undefined of a Rust replica, which knows of none.
   */
  history: string | undefined;
  /** What has been sent to it; while it is not `live`, what it will have been sent then. */
  watermarks: bigint[];
  /** What it has acknowledged as applied; undefined until it does, and a Rust replica never does. */
  acknowledged: bigint[] | undefined;
  /** Whole seconds since it was last heard of. */
  sinceAckSeconds: number;
  /** Bytes of frames that wait until its connection takes them. */
  queuedBytes: number;
  /** The id that it sent of itself, 16 hex digits; undefined of a Rust replica and of older ones. */
  nodeId?: string | undefined;
  /** How often it has come within the last minute; 0 of one without an id. */
  comings?: number;
}

/**
 * Returns whether a replica may have been sent all and not have it whole: one of fastcache's that has
 * acknowledged nothing yet, or that it holds nothing.
 */
export function holdsNothing({ history, acknowledged }: ReplicaInfo): boolean {
  return acknowledged === undefined ? history !== undefined : acknowledged.length === 0;
}

/** What a replica that comes claims of itself. */
export interface Claim {
  /** `host:port` that it connected from. */
  readonly address: string;
  /** The history that `watermarks` are of; undefined of a Rust replica's. */
  readonly history: string | undefined;
  /** The id that it sent of itself; undefined: none. */
  readonly nodeId?: string | undefined;
  /** Where it is followed once it has taken over from its primary; undefined: it does not take over. */
  readonly takesOverAt?: Address | undefined;
  /** The watermarks of what it holds; empty: it holds nothing. */
  readonly watermarks: ArrayLike<bigint>;
}

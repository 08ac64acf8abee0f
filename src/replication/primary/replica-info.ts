/** The facts about a replica that is connected, or was. */
import type { Margin } from '../../frame/margin.js';
import { hostOf } from '../../transport/address.js';
import type { Address } from '../../transport/connection.js';
import { announcedIn } from '../link/announced.js';
import { nodeInMargin } from '../link/path.js';
import { nameInMargin } from '../link/server-name.js';
import type { Divergence } from './replica-divergence.js';

/**
 * The kind of frames that a replica is sent now; it is `catching-up` also while nothing has been sent yet.
 */
export type FeedState = 'snapshot' | 'catching-up' | 'live';

/** A replica's facts about itself in the margin of its Hello; a Rust one gives none. */
export interface ReplicaIdentity {
  /** Its id, 16 hex digits; undefined of a Rust replica and of older ones. */
  readonly nodeId?: string | undefined;
  /** The name that its operator has given it; undefined: none. */
  readonly name?: string | undefined;
  /** `host:port` at which its clients reach it; undefined: it serves none, or does not say where. */
  readonly announced?: string | undefined;
}

/** Reads what the replica that connects from `address` says of itself. */
export function identityIn(margin: Margin | undefined, address: string): ReplicaIdentity {
  return {
    nodeId: nodeInMargin(margin),
    name: nameInMargin(margin),
    announced: announcedIn(margin, hostOf(address)),
  };
}

/** The names of a replica; null as undefined: it does not give that one. */
export interface NamedReplica {
  readonly name?: string | null | undefined;
  readonly announced?: string | null | undefined;
  readonly address: string;
}

/** Returns how a replica is shown: by its name, by where its clients reach it, or by its connection. */
export function shownName({ name, announced, address }: NamedReplica): string {
  return name ?? announced ?? address;
}

/** Returns a replica in the words of logs: its name, if it has one, and the address that it connects from. */
export function replicaText({ name, address }: NamedReplica): string {
  return typeof name === 'string' ? `${name} (${address})` : address;
}

/** One replica, as its primary or relay knows it. */
export interface ReplicaInfo extends ReplicaIdentity {
  /** `host:port` that it connected from. */
  address: string;
  /**
   * The kind of frames that it is sent now; `gone`: it left within the last hour, and the rest is as it was
   * then.
   */
  state: FeedState | 'gone';
  /**
   * The history that it follows, which is the primary's; undefined of a Rust replica, which knows of none.
   */
  history: string | undefined;
  /**
   * The watermarks that have been sent to it; while it is not `live`, those that will have been sent then.
   */
  watermarks: bigint[];
  /**
   * The watermarks that it has acknowledged as applied; undefined until it does, and a Rust replica never
   * does.
   */
  acknowledged: bigint[] | undefined;
  /** Whole seconds since it last sent something. */
  sinceAckSeconds: number;
  /** Whole seconds since it came; of one that left, since it left. */
  sinceSeconds: number;
  /** Bytes of frames that wait until its connection takes them. */
  queuedBytes: number;
  /** Bytes a second that its connection took of late; 0 of one that left. */
  sentBytesPerSecond: number;
  /** How much of its snapshot has been made for it, whole percents; undefined: it is sent none. */
  snapshotPercent?: number | undefined;
  /** The shards that hold something else than this node's; absent: none is known to. */
  diverges?: Divergence | undefined;
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

/** The facts that a replica claims about itself when it comes. */
export interface Claim extends ReplicaIdentity {
  /** `host:port` that it connected from. */
  readonly address: string;
  /** The history that `watermarks` are of; undefined of a Rust replica's. */
  readonly history: string | undefined;
  /** Where it is followed once it has taken over from its primary; undefined: it does not take over. */
  readonly takesOverAt?: Address | undefined;
  /** The watermarks of what it holds; empty: it holds nothing. */
  readonly watermarks: ArrayLike<bigint>;
}

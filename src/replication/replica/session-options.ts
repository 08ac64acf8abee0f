/** The options of a session with a primary, and the events that it reports. */
import type { Clock, Timers } from '../../clock.js';
import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import type { SplitFrame } from '../../frame/splitter.js';
import type { Address, Transport } from '../../transport/connection.js';
import type { Announcement } from '../link/announced.js';
import type { FullStore } from '../link/full.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { Recorder } from '../outputs/recorder.js';
import type { StreamTap } from '../outputs/tap.js';
import type { Divergence } from './divergence.js';
import type { Downstream } from './downstream.js';
import type { Gap } from './gap-policy.js';
import type { TakeoverSeat } from './takeover.js';

/** The action on a history that is foreign to the held content: `accept` takes it in. */
export type ForeignHistory = 'refuse' | 'accept';

/** Takes the payload of a Messages frame, and the frame itself, both valid during the call only. */
export type MessagesConsumer = (payload: Uint8Array, frame: SplitFrame) => void;

/** Where a replica keeps its content. */
export interface SyncedDisk {
  /** Returns what is surely there, as watermarks in the content's history; undefined: nothing is known. */
  watermarks(): ArrayLike<bigint> | undefined;
  /** Calls `run` each time when there is more; returns what ends that. */
  onSynced(run: () => void): () => void;
}

/** The options of a session. */
export interface ReplicaSessionOptions<S extends FollowedStore = ReplicatedStore> {
  transport: Transport;
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  address: Address;
  connectTimeoutMs: number;
  /** The id by which the primary knows this replica again; absent: none is sent. */
  nodeId?: string | undefined;
  /** The name that its operator has given it (link/server-name.ts); absent: none is sent. */
  name?: string | undefined;
  /** Returns where its clients reach this replica; absent, or undefined: nowhere that others should know. */
  announced?: (() => Announcement | undefined) | undefined;
  /** How full the store was that had no memory for what the primary has; absent: none is known of. */
  full?: FullStore | undefined;
  /** Whether the store has only watermarks, so that nothing can be read or taken from it; default false. */
  isContentless?: boolean | undefined;
  /** The token that is sent; undefined: none is sent. */
  token: string | undefined;
  /** Makes an empty store of so many shards, at watermarks of 0. Throws `OUT_OF_MEMORY`. */
  createStore(shards: number): S;
  /**
   * The recorder, which gets the frames of the stream as they came, from SnapshotBegin or the first batch on,
   * and what they are.
   */
  recorder: Pick<Recorder, 'follow' | 'offer'> | undefined;
  /** The relay, which gets the frames that are applied to the held content, for replicas of this replica. */
  relay?: Downstream<S> | undefined;
  /** Whether content without a key may replace content that has keys; default false. */
  allowEmptySnapshot?: boolean | undefined;
  /**
   * Whether the owner has asked for this very primary, and nothing of it is live yet: keys that are held then
   * give way to whatever it has; default false.
   */
  isRequested?: boolean | undefined;
  /** Where the content is kept; absent: nowhere. */
  disk?: SyncedDisk | undefined;
  /** The action on a history that is foreign to the keys that are held; default `refuse`. */
  foreignHistory?: ForeignHistory | undefined;
  /** Takes the messages that are published to channels; absent: none are asked for. */
  messages?: MessagesConsumer | undefined;
  /** The replica's part in failovers; absent: it takes over from nobody. */
  takeover?: TakeoverSeat | undefined;
  /** Compares what is held with the primary's digests; absent: none are asked for. */
  divergence?: Divergence | undefined;
  /** The tap, which gets what is applied, and stops the flow of frames when it has no room. */
  tap?: StreamTap | undefined;
}

/** The events that a session reports beside those of the machine; no handler may throw. */
export interface ReplicaSessionHandlers {
  /** Called when so many bytes have come from the primary. */
  heard(bytes: number): void;
  /** Called with what the primary had when it answered, and with each of its heartbeats. */
  primaryAt(watermarks: ArrayLike<bigint>): void;
  /**
   * Called when records of a batch are applied, the newest of which is of `newestMs`, Unix ms of the primary.
   */
  applied(newestMs: number): void;
  /**
   * Called when the held content is no part of the primary's, for this reason in words: new content is to
   * come.
   */
  startsOver(reason: string): void;
  /**
   * Called when the connection is dropped, and content that was not whole with it; the machine is still in a
   * session's phase.
   */
  ended(end: SessionEnd): void;
}

/** The reason for which a session ended that its owner did not close. */
export interface SessionEnd {
  error: Error;
  /** Whether the claim led nowhere, so that the next session must claim nothing. */
  claimNothing: boolean;
  /** The gap, when `error` is a `SEQUENCE_GAP`; otherwise undefined. */
  gap: Gap | undefined;
}

/** The calls of a session with a replica, or with a probe, to the listener that has accepted it. */
import type { FullStore } from '../link/full.js';
import type { Claim, FeedState, ReplicaInfo } from './replica-info.js';

/**
 * The steps of the conversation: `hello` before the peer is known, `waiting`: its token is not compared, or
 * what is served may not be yet, `probe`: it is none and may ask, `ending`: only the close is left.
 */
export type SessionState = 'hello' | 'waiting' | 'probe' | FeedState | 'ending' | 'closed';

/** The side that has accepted the session; `Session` is the class of that. */
export interface SessionHost<Session> {
  /** Called when the peer may come and wants to be a replica; returns false when no slot is free. */
  admit(session: Session, claim: Claim): boolean;
  /** Called when the replica has acknowledged what it has applied, whether or not that is something whole. */
  acknowledged(session: Session, holdsSomething: boolean): void;
  /**
   * Called when the replica leaves and keeps its content of this history, which is foreign to the one that is
   * served.
   */
  kept(history: string, address: string): void;
  /**
   * Called when the replica, which has been admitted, says that it has no memory for the content that is
   * served.
   */
  isFull(session: Session, full: FullStore): void;
  /** Called with the payload of a Failover frame. Throws `FCRP_*`, FRAME_OUT_OF_PLACE. */
  heardOfFailover(session: Session, payload: Uint8Array): void;
  /** Called when a probe asks that departed replicas be listed no longer; returns how many these were. */
  forget(which: string): number;
  /**
   * Called once, when all that the session held is free. `last` is how a replica was that had content of this
   * primary's and has not said that it leaves; undefined of any other peer.
   */
  ended(session: Session, last: ReplicaInfo | undefined): void;
}

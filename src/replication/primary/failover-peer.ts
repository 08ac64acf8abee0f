/** A replica, as a primary sees it that may hand over to it (docs/protocol.md, "Failover"). */
import { encodeFailover, type FailoverMessage } from '../../frame/failover.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { formatAddress } from '../../transport/address.js';
import type { Address } from '../../transport/connection.js';
import type { Claim } from './replica-info.js';

/** The conversation with the replica. */
export interface FailoverSession {
  /** `live`: it is sent what is written, and nothing else is on its way. */
  readonly state: string;
  /** The watermarks that the replica has acknowledged as applied; undefined until it does. */
  readonly acknowledged: readonly bigint[] | undefined;
  /** Sends a frame that is none of the stream's behind all that was published. */
  insert(frame: Buffer): void;
}

/** One connection of a replica that takes over when it is ordered to; one that comes back is another peer. */
export class FailoverPeer {
  readonly nodeId: string;
  /** The history of what it held when it came; undefined: it held nothing. */
  readonly history: string | undefined;
  /** Where it is followed once it has taken over. */
  readonly takesOverAt: Address;
  /** `host:port` at which its clients reach it; undefined: it does not say where. */
  readonly #announced: string | undefined;
  readonly #session: FailoverSession;

  /** Returns the replica that has said this when it came; undefined when it does not take over. */
  static of(session: FailoverSession, claim: Claim): FailoverPeer | undefined {
    const { nodeId, takesOverAt } = claim;
    if (nodeId === undefined || takesOverAt === undefined) return undefined;
    return new FailoverPeer(session, { ...claim, nodeId, takesOverAt });
  }

  private constructor(
    session: FailoverSession,
    { nodeId, history, takesOverAt, announced }: Claim & Pick<FailoverPeer, 'nodeId' | 'takesOverAt'>,
  ) {
    this.#session = session;
    this.nodeId = nodeId;
    this.history = history;
    this.takesOverAt = takesOverAt;
    this.#announced = announced;
  }

  /** The replica's name for people: `host:port` where it is followed. */
  get name(): string {
    return formatAddress(this.takesOverAt);
  }

  /** `host:port` at which its clients reach it, as INFO shows it; undefined: it does not say where. */
  get announced(): string | undefined {
    return this.#announced;
  }

  get isLive(): boolean {
    return this.#session.state === 'live';
  }

  get acknowledged(): readonly bigint[] | undefined {
    return this.#session.acknowledged;
  }

  /** Whether people call it by this `host:port`. */
  isAt(place: string): boolean {
    return [this.name, this.#announced].some((known) => known?.toLowerCase() === place.toLowerCase());
  }

  /** Says something of a failover behind all that was published. */
  send(message: FailoverMessage): void {
    this.#session.insert(encodeFrame(FrameKind.Failover, encodeFailover(message)));
  }
}

/** The listener to events of replicas that can take over. */
export interface FailoverEars {
  came(peer: FailoverPeer): void;
  /** Called once, when the connection is over. */
  left(peer: FailoverPeer): void;
  /** Called with a message of the replica. Throws FRAME_OUT_OF_PLACE for one that it may not send. */
  heard(peer: FailoverPeer, message: FailoverMessage): void;
}

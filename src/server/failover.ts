/**
 * Failovers of a node in either role (docs/protocol.md, "Failover"): as a primary it hands over to a replica,
 * as a replica it asks its primary for that.
 */

import type { FailoverMessage } from '../frame/failover.js';
import { unaskedFailover } from '../replication/link/failover-fault.js';
import { Failover, type FailoverWish } from '../replication/primary/failover.js';
import type { FailoverEars, FailoverPeer } from '../replication/primary/failover-peer.js';
import type { ClientState } from '../resp/client-state.js';
import type { FailoverHost } from '../resp/command-host.js';
import { Later } from '../resp/later.js';
import { Failure, OK } from '../resp/reply.js';
import type { RespServer } from '../resp/server.js';
import type { Address } from '../transport/connection.js';
import type { Following } from './following.js';
import type { Leading } from './leading.js';
import type { NodeParts } from './parts.js';
import { type HandoverNode, SentinelHandover } from './sentinel-handover.js';

/** The node whose failovers these are. */
export interface FailoverNode extends NodeParts, HandoverNode {
  readonly leading: Leading | undefined;
  readonly following: Following | undefined;
  /** The Redis-protocol server; undefined without `listen`. */
  readonly server: (Pick<RespServer, 'isRunningScript' | 'holdWrites'> & HandoverNode['server']) | undefined;
  follow(primary: Address): void;
}

/** The failovers of one node, one at a time. */
export class Failovers implements FailoverHost, FailoverEars {
  readonly sentinels: SentinelHandover;
  readonly #node: FailoverNode;
  #present: Failover | undefined;
  /** The replica that has asked for the present one. */
  #asker: FailoverPeer | undefined;
  #lastFault: string | undefined;

  constructor(node: FailoverNode) {
    this.#node = node;
    this.sentinels = new SentinelHandover(node);
  }

  get state(): FailoverHost['state'] {
    return this.#present?.state ?? 'no-failover';
  }

  get lastFault(): string | undefined {
    return this.#lastFault;
  }

  begin(wish: FailoverWish, client?: ClientState): string | undefined {
    const refusal = this.#refusal(wish);
    if (refusal === undefined) this.#begin(wish, client);
    return refusal;
  }

  abort(): string | undefined {
    if (this.#present === undefined) return 'No failover in progress.';
    const refusal = this.#present.abort();
    return refusal && `FAILOVER cannot be aborted yet: ${refusal}.`;
  }

  takeOver(timeoutMs: number): Later {
    const { following } = this.#node;
    return new Later((answer) => {
      if (following === undefined) {
        answer(OK);
        return () => {};
      }
      return following.takeover.request(timeoutMs, (refusal) => {
        answer(refusal === undefined ? OK : new Failure(`ERR Couldn't execute takeover: ${refusal}`));
      });
    });
  }

  came(peer: FailoverPeer): void {
    this.#present?.came(peer);
  }

  left(peer: FailoverPeer): void {
    if (this.#asker === peer) this.#asker = undefined;
    this.#present?.left(peer);
  }

  heard(peer: FailoverPeer, message: FailoverMessage): void {
    if (message.says !== 'request') {
      if (this.#present === undefined) throw unaskedFailover(message);
      this.#present.heard(peer, message);
      return;
    }
    const wish = { to: peer.name, timeoutMs: Math.max(1, message.timeoutMs) };
    this.#node.events.log.info(`replica ${peer.name} asks to take over`);
    const refusal = this.begin(wish);
    if (refusal !== undefined) peer.send({ says: 'refused', reason: refusal });
    else if (this.#present !== undefined) this.#asker = peer;
  }

  /** Has the present failover decide nothing more, because the node is being closed; writes still wait. */
  abandon(): void {
    this.#present?.stop();
  }

  /** Ends the present failover without a word, because the node's role ends. */
  stop(): void {
    if (this.#present === undefined) return;
    this.#present.stop();
    this.#end();
  }

  #refusal({ to, isForced, timeoutMs }: FailoverWish): string | undefined {
    const { leading, listener } = this.#node;
    if (this.#present !== undefined) return 'FAILOVER already in progress.';
    if (leading === undefined) return 'FAILOVER is not valid when server is a replica.';
    const peers = listener?.failoverPeers() ?? [];
    if (peers.length === 0) return 'FAILOVER requires connected replicas.';
    if (isForced === true && (to === undefined || timeoutMs === undefined)) {
      return 'FAILOVER with force option requires both a timeout and target HOST and IP.';
    }
    if (to === undefined) return undefined;
    const chosen = peers.find((peer) => peer.isAt(to));
    if (chosen === undefined) return 'FAILOVER target HOST and PORT is not a replica.';
    return chosen.isLive ? undefined : 'FAILOVER target replica is not online.';
  }

  #begin(wish: FailoverWish, client: ClientState | undefined): void {
    const node = this.#node;
    const { config, settings, events, seams, leading, listener } = node;
    if (leading === undefined || listener === undefined) return;
    const present = new Failover(wish, {
      probe: {
        transport: seams.transport,
        timers: seams.timers,
        connectTimeoutMs: config.connectTimeoutMs,
        // It is what this node presents when it follows the replica.
        token: config.token ?? settings.password,
      },
      log: events.log,
      publisher: leading.publisher,
      listener,
      isQuiet: () => node.server?.isRunningScript !== true,
      takenOver: (heir) => {
        // It is over before the role changes, and writes wait until then, to be refused.
        this.#present = undefined;
        this.#lastFault = undefined;
        this.sentinels.handOver(heir, client);
        node.follow(heir.takesOverAt);
        this.#end();
      },
      givenUp: (reason) => {
        this.#lastFault = reason;
        this.#asker?.send({ says: 'refused', reason });
        this.#end();
      },
    });
    this.#present = present;
    this.#lastFault = undefined;
    this.#holdWrites(true);
    present.start();
  }

  #end(): void {
    this.#present = undefined;
    this.#asker = undefined;
    this.#holdWrites(false);
  }

  /** Holds clients' writes back, and with them all that changes content by itself, or ends that. */
  #holdWrites(areHeld: boolean): void {
    const { server, engine } = this.#node;
    if (server === undefined) engine.setFrozen(areHeld);
    else server.holdWrites(areHeld);
  }
}

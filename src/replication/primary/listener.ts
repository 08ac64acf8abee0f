/**
 * Accepts the connections of replicas, keeps unauthenticated ones apart from the replicas, and lists which
 * are connected and which have left.
 */
import assert from 'node:assert';
import { decodeFailover } from '../../frame/failover.js';
import type { ChannelMessage } from '../../frame/messages.js';
import { hostOf } from '../../transport/address.js';
import type {
  Address,
  Connection,
  Listener,
  StrangerWarning,
  Transport,
} from '../../transport/connection.js';
import { unaskedFailover } from '../link/failover-fault.js';
import { Guesses } from '../link/guesses.js';
import { StrangerLog } from '../link/stranger-log.js';
import type { FrameStream } from '../stream/stream.js';
import { hasAll } from '../watermarks.js';
import type { AckedReplica } from './acknowledgements.js';
import { Carousels } from './carousel.js';
import { Comings } from './comings.js';
import { DepartedReplicas, isSameReplica } from './departed.js';
import { type FailoverEars, FailoverPeer } from './failover-peer.js';
import { ForeignClaims } from './foreign-claims.js';
import { type FullReplica, FullReplicas } from './full-replicas.js';
import { Halts } from './halts.js';
import { LagMarks } from './lag-marks.js';
import { MessageSender } from './message-sender.js';
import { type Claim, type ReplicaInfo, replicaText } from './replica-info.js';
import { PrimarySession } from './session.js';
import type { SessionHost } from './session-host.js';
import type { SessionOptions } from './session-options.js';
import { WindowWatch } from './window-watch.js';
import { WorkShare } from './work-share.js';

/** The options of a listener and its sessions. */
export interface ReplicaListenerOptions
  extends Omit<SessionOptions, 'carousels' | 'guesses' | 'strangers' | 'messages' | 'work'> {
  transport: Transport;
  /** Takes events of replicas that can take over; absent: nobody decides on failovers. */
  failovers?: FailoverEars | undefined;
  /** The address to listen on; port 0 picks a free one. Undefined: connections come by `accept` alone. */
  bind: Address | undefined;
  maxReplicas: number;
}

/** A replica that is connected. */
interface Connected {
  readonly claim: Claim;
  /** The time at which it came, monotonic microseconds. */
  readonly cameAtUs: number;
  /** The replica as one that can take over; undefined: it cannot. */
  readonly peer: FailoverPeer | undefined;
}

/**
 * Unauthenticated connections at one time. One more costs the oldest its place: a replica has sent its Hello
 * long before a crowd of silent connections gets round to it.
 */
const MAX_UNAUTHENTICATED = 256;
/** The part of the time that may be spent on the comparisons of all probes. */
const COMPARE_PART = 0.01;

/**
 * The sessions of one primary, or of one relay, and their lists. A connection is unauthenticated until its
 * Hello has the right token and a slot of `maxReplicas` is free; it is then a replica until it ends. One that
 * had content of this primary's is listed as departed for an hour, unless it is back already.
 */
export class ReplicaListener {
  readonly #options: ReplicaListenerOptions;
  /** The carousels, which share the scans of streams, also for others than replicas. */
  readonly carousels: Carousels;
  readonly #guesses: Guesses;
  readonly #strangers: StrangerLog;
  readonly #work: WorkShare;
  readonly #unauthenticated = new Set<PrimarySession>();
  readonly #replicas = new Map<PrimarySession, Connected>();
  readonly #departed: DepartedReplicas;
  readonly #foreignClaims: ForeignClaims;
  readonly #fullReplicas: FullReplicas;
  readonly #windowWatch: WindowWatch;
  readonly #halts: Halts;
  /** The marks of the stream that is served. */
  #marks: { stream: FrameStream; marks: LagMarks } | undefined;
  readonly #comings: Comings;
  readonly #ackListeners = new Set<(replica: AckedReplica) => void>();
  readonly #messages: MessageSender;
  readonly #host: SessionHost<PrimarySession> = {
    admit: (session, claim) => this.#admit(session, claim),
    acknowledged: (session, holdsSomething) => {
      if (holdsSomething) this.#fullReplicas.holds(this.#keyOf(session));
      for (const listener of this.#ackListeners) listener(session);
    },
    kept: (history, address) => {
      if (!this.#isClosed) this.#foreignClaims.left(history, address);
    },
    isFull: (session, full) => {
      this.#fullReplicas.said(this.#keyOf(session), { address: session.address, ...full });
    },
    forget: (which) => this.#forget(which),
    heardOfFailover: (session, payload) => {
      const peer = this.#replicas.get(session)?.peer;
      const message = decodeFailover(payload);
      if (peer === undefined) throw unaskedFailover(message);
      this.#options.failovers?.heard(peer, message);
    },
    ended: (session, last) => {
      const peer = this.#replicas.get(session)?.peer;
      this.#unauthenticated.delete(session);
      this.#replicas.delete(session);
      if (this.#ofOtherPorts.delete(session) && this.#ofOtherPorts.size === 0) this.#onNoneOfOtherPorts();
      if (peer !== undefined) this.#options.failovers?.left(peer);
      if (last !== undefined && !this.#isBack(last, session.heardAtUs)) this.#departed.left(last);
    },
  };
  #listener: Listener | undefined;
  /** Sessions whose connections are of another port, for which nobody else waits. */
  readonly #ofOtherPorts = new Set<PrimarySession>();
  /** Called when the last of these has ended. */
  #onNoneOfOtherPorts: () => void = () => {};
  #asksAtEndOfTurn = false;
  #isClosed = false;

  /** Resolves when replicas can connect. Throws `PORT_TAKEN` or `LISTEN_FAILED`. */
  static async start(options: ReplicaListenerOptions): Promise<ReplicaListener> {
    const listener = new ReplicaListener(options);
    const { transport, bind } = options;
    const accept = (connection: Connection) => void listener.#take(connection, options.token);
    const refused: StrangerWarning = (kind, message) => listener.#strangers.warn(kind, message);
    listener.#listener = bind && (await transport.listen(bind, accept, refused));
    return listener;
  }

  private constructor(options: ReplicaListenerOptions) {
    this.#options = options;
    this.carousels = new Carousels(options);
    this.#guesses = new Guesses(options.clock);
    this.#strangers = new StrangerLog(options.log, options.timers);
    this.#work = new WorkShare(options, COMPARE_PART);
    this.#departed = new DepartedReplicas(options.clock);
    this.#comings = new Comings(options.clock);
    this.#foreignClaims = new ForeignClaims(options);
    this.#messages = new MessageSender(options);
    this.#fullReplicas = new FullReplicas(options);
    this.#halts = new Halts(options.clock);
    this.#windowWatch = new WindowWatch({
      ...options,
      backlog: () => options.stream()?.backlog,
      replicas: () => [...this.replicas(), ...this.departed()],
      onLook: () => {
        this.#halts.look();
        for (const session of this.#replicas.keys()) session.look();
        this.#mark();
      },
    });
  }

  /** The `host:port` that is really listened on; undefined without `bind`. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  /**
   * Takes a connection from another port than that of `bind`, whose peer is to send its Hello; it has to
   * present `portSecret` there, if no token is set.
   */
  accept(connection: Connection, portSecret?: string): void {
    const session = this.#take(connection, this.#options.token ?? portSecret);
    if (session !== undefined) this.#ofOtherPorts.add(session);
  }

  #take(connection: Connection, token: string | undefined): PrimarySession | undefined {
    if (this.#isClosed) {
      connection.destroy();
      return undefined;
    }
    const options = {
      ...this.#options,
      token,
      carousels: this.carousels,
      messages: this.#messages,
      guesses: this.#guesses,
      strangers: this.#strangers,
      work: this.#work,
    };
    const session = new PrimarySession(connection, options, this.#host);
    this.#unauthenticated.add(session);
    if (this.#unauthenticated.size > MAX_UNAUTHENTICATED) {
      const [oldest] = this.#unauthenticated;
      oldest?.close();
    }
    return session;
  }

  /** How many unauthenticated connections there are, those included that are refused and being closed. */
  get unauthenticatedConnections(): number {
    return this.#unauthenticated.size;
  }

  /** Returns the connected replicas, in the order in which they came. */
  replicas(): ReplicaInfo[] {
    const infos: ReplicaInfo[] = [];
    for (const session of this.#replicas.keys()) {
      const info = session.info();
      if (info !== undefined) infos.push(this.#counted(info));
    }
    return infos;
  }

  /**
   * Returns the replicas that left within the last hour and are not back, in the order in which they left.
   */
  departed(): ReplicaInfo[] {
    return this.#departed.list().map((info) => this.#counted(info));
  }

  /** Returns the histories, other than what is served, that replicas have kept within the last minute. */
  foreignHistories(): string[] {
    return this.#foreignClaims.list();
  }

  /** Returns the replicas that have said that they cannot hold what is served, and still may not. */
  fullReplicas(): FullReplica[] {
    return this.#fullReplicas.list();
  }

  /**
   * Returns how many replicas have all, and have acknowledged at most so many whole seconds ago; a Rust
   * replica never does. Acks that are read behind a halt of this process count as sent before it.
   */
  goodReplicas(maxLagSeconds: number): number {
    let count = 0;
    const leftSeconds = maxLagSeconds - this.#halts.doubtSeconds;
    for (const session of this.#replicas.keys()) {
      if (session.isGood(leftSeconds)) count += 1;
    }
    return count;
  }

  /** Returns the connected replicas that can take over, in the order in which they came. */
  failoverPeers(): FailoverPeer[] {
    return [...this.#replicas.values()].flatMap(({ peer }) => peer ?? []);
  }

  /** Returns how many replicas have acknowledged all of these. */
  acknowledged(watermarks: readonly bigint[]): number {
    return this.replicasThat(({ acknowledged }) => hasAll(acknowledged, watermarks)).length;
  }

  /** Returns the connected replicas of which `isMeant` is true. */
  replicasThat(isMeant: (replica: AckedReplica) => boolean): AckedReplica[] {
    return [...this.#replicas.keys()].filter(isMeant);
  }

  /**
   * Publishes what waits and asks every live replica of fastcache's to acknowledge at once, at the end of
   * this turn: clients that wait in one turn ask together.
   */
  ask(): void {
    if (this.#asksAtEndOfTurn) return;
    this.#asksAtEndOfTurn = true;
    this.#options.timers.endOfTurn(() => {
      this.#asksAtEndOfTurn = false;
      this.#options.stream()?.flush();
      for (const session of this.#replicas.keys()) session.ask();
    });
  }

  /** Has a message sent to all replicas that take messages, behind what was written before it. */
  sendMessage(message: ChannelMessage): void {
    this.#messages.add(message);
  }

  /** Sends the messages of this turn; called before clients are answered. */
  endTurn(): void {
    this.#messages.flush();
  }

  /** Hands a frame of messages, which is not changed any more, to all replicas that take them. */
  relayMessages(frame: Buffer): void {
    this.#messages.relay(frame);
  }

  /**
   * Hands a frame of the primary's digests to all replicas that take them, behind all that came before it.
   */
  relayDigests(frame: Buffer): void {
    for (const session of this.#replicas.keys()) session.relayDigests(frame);
  }

  /**
   * Returns the most milliseconds by which a replica that holds `held` is behind the stream, within a second
   * and a sixteenth; undefined when that is longer ago than is known.
   */
  lagMs(held: ArrayLike<bigint>): number | undefined {
    const stream = this.#options.stream();
    if (stream === undefined || stream !== this.#marks?.stream) return undefined;
    return this.#marks.marks.lagMs(held, stream.watermarks());
  }

  /** Calls `listener` with the replica of each acknowledgement. Returns what ends that. */
  onAck(listener: (replica: AckedReplica) => void): () => void {
    this.#ackListeners.add(listener);
    return () => {
      this.#ackListeners.delete(listener);
    };
  }

  /**
   * Stops listening. Live replicas still get all that was published, as far as they take it in time; all
   * other connections are dropped. Resolves when the last one is over.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#windowWatch.stop();
    this.#strangers.stop();
    const stopped = this.#listener?.close();
    for (const session of [...this.#unauthenticated, ...this.#replicas.keys()]) session.finish();
    await stopped;
    if (this.#ofOtherPorts.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNoneOfOtherPorts = resolve;
    });
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    assert(this.#replicas.size <= this.#options.maxReplicas, 'every replica has a slot');
    assert(this.#unauthenticated.size <= MAX_UNAUTHENTICATED);
    for (const session of this.#replicas.keys()) {
      assert(!this.#unauthenticated.has(session), 'a session is in one list');
      session.invariants();
    }
  }

  #mark(): void {
    const { stream: current, clock } = this.#options;
    const stream = current();
    if (stream === undefined) return;
    if (stream !== this.#marks?.stream) this.#marks = { stream, marks: new LagMarks(clock) };
    this.#marks.marks.note(stream.watermarks());
  }

  #counted(info: ReplicaInfo): ReplicaInfo {
    return { ...info, comings: this.#comings.count(info.nodeId) };
  }

  /** Returns by what a replica is known again, whatever its port is then. */
  #keyOf(session: PrimarySession): string {
    return this.#replicas.get(session)?.claim.nodeId ?? hostOf(session.address);
  }

  #forget(which: string): number {
    const forgotten = this.#departed.forget(which);
    if (forgotten.length > 0) {
      const names = forgotten.map(replicaText).join(', ');
      this.#options.log.info(`listed no longer, as an operator has asked: replica ${names}`);
    }
    return forgotten.length;
  }

  #admit(session: PrimarySession, claim: Claim): boolean {
    const { maxReplicas, clock, log } = this.#options;
    if (this.#replicas.size >= maxReplicas) return false;
    this.#unauthenticated.delete(session);
    if (this.#replicas.size === 0) this.#halts.begin();
    const peer = FailoverPeer.of(session, claim);
    this.#replicas.set(session, { claim, cameAtUs: clock.monotonicUs(), peer });
    if (peer !== undefined) this.#options.failovers?.came(peer);
    this.#windowWatch.start();
    this.#comings.note(claim.nodeId);
    const awayMs = this.#departed.returned(claim);
    if (awayMs !== undefined) log.info(`replica ${replicaText(claim)} is back after ${awayMs} ms`);
    return true;
  }

  /** Returns whether the replica came back on another connection before this one was found dead. */
  #isBack(last: ReplicaInfo, heardAtUs: number): boolean {
    if (last.history === undefined) return false;
    for (const { claim, cameAtUs } of this.#replicas.values()) {
      if (cameAtUs > heardAtUs && isSameReplica(last, claim)) return true;
    }
    return false;
  }
}

/**
 * A server: the one place where its parts are put together. They outlive every change of role; the server has
 * one of its two roles at a time, and changes between them whenever it is asked to.
 *
 * ```
 *              start, without `primary`          start, with `primary`
 *                        │                                 │
 *                        ▼        follow (REPLICAOF)       ▼
 *                    ┌─────────┐ ────────────────────► ┌───────────┐ ──┐ follow
 *                    │ Leading │                       │ Following │   │ another
 *                    └─────────┘ ◄──────────────────── └───────────┘ ◄─┘
 *                        │       promote (NO ONE)          │
 *        publisher ──────┤                                 ├────── follower
 *        WAIT            ▼                                 ▼
 *                 one store · one listener for replicas · clients · metrics · recorder, tap, state
 * ```
 *
 * A node that leads and is made to follow another keeps its content readable until the other's is whole, and
 * continues its history where the other can. A node that follows and is promoted begins a history that
 * continues the one it followed (docs/architecture.md, "Histories").
 */
import { Housekeeping } from '../engine/housekeeping.js';
import { drawSecret } from '../engine/secret.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { type ChannelMessage, decodeMessages, messageBytes } from '../frame/messages.js';
import { keptBytes, type SplitFrame } from '../frame/splitter.js';
import { MESSAGES_MAX_BYTES } from '../limits.js';
import { type History, newHistory } from '../replication/history.js';
import { ReplicationMetrics } from '../replication/metrics.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { type Beginning, beginHistory } from '../replication/relay/promotion.js';
import type { Relay } from '../replication/relay/relay.js';
import type { Holding } from '../replication/replica/holding.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { Later } from '../resp/later.js';
import { Failure, type Reply } from '../resp/reply.js';
import type { RespServer } from '../resp/server.js';
import type { Settings } from '../resp/settings.js';
import { roleReply } from '../status/replication-info.js';
import type { NodeReport, ReplicaStatus } from '../status/report.js';
import { formatAddress } from '../transport/address.js';
import type { Address, Listener } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import { createEngine, type EngineOrigin } from './engines.js';
import { Events, type NodeEvents } from './events.js';
import { type FailoverNode, Failovers } from './failover.js';
import { Following } from './following.js';
import { Leading } from './leading.js';
import { recordBeginning, withContent } from './load.js';
import { nodeIdOf } from './node-id.js';
import { type Outputs, openOutputs } from './outputs.js';
import { createClientServer, createRelay, listenToReplicas, type ServedNode, serveMetrics } from './ports.js';
import type { NodeSeams } from './seams.js';
import { createSettings } from './settings.js';
import { type Start, startingContent } from './starting.js';
import { createStatus, type Status } from './status.js';

/** A server in either role. */
export class Node implements ServedNode, FailoverNode {
  readonly config: NodeConfig;
  readonly seams: NodeSeams;
  readonly events: Events<NodeEvents>;
  readonly metrics = new ReplicationMetrics();
  readonly settings: Settings;
  readonly outputs: Outputs;
  readonly nodeId: string;
  readonly relay: Relay | undefined;
  readonly failover = new Failovers(this);
  readonly #origin: EngineOrigin;
  /** What is to be logged of its start, once somebody can listen. */
  readonly #notes: readonly string[];
  readonly #housekeeping: Housekeeping;
  readonly #status: Status;
  readonly #server: RespServer | undefined;
  #engine: ShardEngine;
  #role: Leading | Following;
  #listener: ReplicaListener | undefined;
  #listenAddress: string | undefined;
  #metricsPort: Listener | undefined;
  /** Its outputs have not begun or lack what was loaded, so that clients' writes would come between. */
  #isOpening = true;
  #closing: Promise<void> | undefined;

  /**
   * Resolves when all its ports are open and loaded content is recorded; with `primary` it connects in the
   * next turn, so that its owner can listen for the first event. Throws PORT_TAKEN, LISTEN_FAILED,
   * WRITE_FAILED, READ_FAILED, STATE_UNUSABLE, and with `load` and `recover` what `startingContent` throws.
   */
  static async start(config: NodeConfig, seams: NodeSeams): Promise<Node> {
    const origin = { config, seams, secret: drawSecret(seams.random) };
    const start = await startingContent(origin);
    const node = new Node(start, await nodeIdOf(config, seams));
    try {
      await node.#open();
      return node;
    } catch (error) {
      // Other faults from now on are consequences of this one.
      await node.close().catch(() => {});
      throw error;
    }
  }

  private constructor({ origin, engine, history, recovered, notes }: Start, nodeId: string) {
    const { config, seams } = origin;
    const { clock, timers } = seams;
    this.config = config;
    this.seams = seams;
    this.#origin = origin;
    this.#engine = engine;
    this.#notes = notes;
    this.nodeId = nodeId;
    this.events = new Events(clock);
    this.settings = createSettings(this);
    this.outputs = openOutputs({
      config,
      files: seams.files,
      timers,
      log: this.events.log,
      holding: () => this.following?.follower.holding,
      stop: (error) => this.#stopFollowing(error),
    });
    this.relay = createRelay(this);
    this.#role =
      config.primary === undefined
        ? new Leading(this, this.#beginHistory(recovered, history))
        : new Following(this, config.primary, this.outputs.holding, false);
    this.#status = createStatus(this);
    this.#server = createClientServer(this, this.#status);
    this.#housekeeping = new Housekeeping({
      timers,
      engine: () => this.#engine,
      sweeps: () => this.leading !== undefined || this.following?.sweeps === true,
    });
  }

  /** The role of a primary; undefined while it follows. */
  get leading(): Leading | undefined {
    return this.#role instanceof Leading ? this.#role : undefined;
  }

  /** The role of a replica; undefined while it leads. */
  get following(): Following | undefined {
    return this.#role instanceof Following ? this.#role : undefined;
  }

  get isReplica(): boolean {
    return this.#role instanceof Following;
  }

  /** The primary that it follows; undefined while it leads. */
  get primary(): Address | undefined {
    return this.following?.primary;
  }

  /** The history of what is readable; undefined while nothing is, and of a Rust primary without a relay. */
  get history(): History | undefined {
    return this.#role.history;
  }

  get engine(): ShardEngine {
    return this.#engine;
  }

  get listener(): ReplicaListener | undefined {
    return this.#listener;
  }

  get stream(): FrameStream | undefined {
    return this.leading?.publisher ?? this.relay?.stream;
  }

  /** What is readable, with the history that its watermarks count in; undefined while nothing is. */
  get holding(): Holding | undefined {
    const { leading, following } = this;
    return leading === undefined
      ? following?.follower.holding
      : { store: this.#engine, history: leading.publisher.history };
  }

  /**
   * Each shard's highest sequence that replicas could have, or that is applied; empty while there is no
   * content.
   */
  watermarks(): bigint[] {
    return this.leading?.publisher.watermarks() ?? this.holding?.store.watermarks() ?? [];
  }

  /** The replicas that are connected, and behind them those that left within the last hour. */
  replicas(): ReplicaStatus[] {
    const { serving } = this.report();
    return serving === undefined ? [] : [...serving.connected, ...serving.departed];
  }

  /** `host:port` where replicas connect; undefined without `bind`. */
  get bindAddress(): string | undefined {
    return this.#listener?.address;
  }

  /** `host:port` where clients connect; undefined without `listen`. */
  get listenAddress(): string | undefined {
    return this.#listenAddress;
  }

  /** `host:port` where metrics are served; undefined without `metrics`. */
  get metricsAddress(): string | undefined {
    return this.#metricsPort?.address;
  }

  /** The port that clients connect to; 0 without `listen`. */
  get clientPort(): number {
    return this.#server?.port ?? 0;
  }

  get isLoading(): boolean {
    return this.#isOpening || this.following?.isLoading === true;
  }

  get isStale(): boolean {
    return this.following?.isStale === true;
  }

  get lacksReplicas(): boolean {
    return this.leading?.lacksReplicas === true;
  }

  get isRunningScript(): boolean {
    return this.#server?.isRunningScript === true;
  }

  holdWrites(areHeld: boolean): void {
    if (this.#server === undefined) this.#engine.setFrozen(areHeld);
    else this.#server.holdWrites(areHeld);
  }

  report(): NodeReport {
    return this.#role.report();
  }

  roleReply(): Reply {
    return roleReply(this.report());
  }

  endTurn(): void {
    // Messages bring the writes before them along: both leave in one go.
    this.#listener?.endTurn();
    this.leading?.publisher.endTurn();
  }

  sendMessage(message: ChannelMessage): Failure | undefined {
    if (messageBytes(message) > MESSAGES_MAX_BYTES) return MESSAGE_TOO_LONG;
    if (!this.isReplica) this.#listener?.sendMessage(message);
    return undefined;
  }

  takeMessages(payload: Uint8Array, frame: SplitFrame): void {
    for (const message of decodeMessages(payload)) this.#server?.deliver(message);
    this.#listener?.relayMessages(keptBytes(frame));
  }

  wait(replicas: number, timeoutMs: number): Later {
    return this.leading?.wait(replicas, timeoutMs) ?? NOBODY_WAITS;
  }

  get backlogBytes(): number {
    const backlog = this.stream?.backlog;
    return backlog === undefined ? 0 : backlog.pushedBytes - backlog.keptFrom;
  }

  /** What its primary has is refused; asked for that primary once more, it takes that in. */
  get isRefusing(): boolean {
    return this.following?.follower.refusal !== undefined;
  }

  /**
   * Follows `primary` from now on. The content stays readable until new content is whole, and is continued if
   * that primary can; clients' writes are refused. Replicas of this node reconnect and are served what it
   * follows. Throws CLOSED.
   */
  follow(primary: Address): void {
    this.#refuseClosed();
    const { leading } = this;
    const holding = this.#role.leave('its primary follows another one now');
    const following = new Following(this, primary, holding, true);
    this.#role = following;
    if (leading !== undefined) {
      const address = formatAddress(primary);
      this.events.log.info(`follows ${address} from now on, with history ${holding?.history?.id}`);
      this.events.emit('demoted', { primary: address });
    }
    this.failover.stop();
    // What is given another primary while it opens starts behind that.
    if (!this.#isOpening) following.start();
  }

  /**
   * Leaves the primary and takes writes, with all options that the node was started with, in a history that
   * continues that of the content; does nothing while it leads. Throws CLOSED, and NO_CONTENT when it keeps
   * no content (`state`).
   */
  promote(): void {
    this.#refuseClosed();
    const { following, outputs, events } = this;
    if (following === undefined) return;
    if (outputs.createStore !== undefined) {
      throw new FastcacheError('NO_CONTENT', 'With state no content is kept, which a primary could serve.');
    }
    const holding = following.leave();
    const beginning = this.#beginHistory(holding);
    const { history } = beginning;
    const leading = new Leading(this, beginning);
    this.#role = leading;
    leading.joinOutputs(holding === undefined ? 'new' : 'promoted');
    const previous = history.previous?.id ?? 'nothing';
    events.log.info(
      `promoted: history ${history.id} continues ${previous} of ${formatAddress(following.primary)}`,
    );
    events.emit('promoted', { history: history.id });
  }

  createEngine(shards: number): ShardEngine {
    return createEngine(this.#origin, shards);
  }

  swap(engine: ShardEngine): void {
    engine.setFrozen(this.#server?.isFrozen ?? false);
    this.#engine = engine;
    this.#server?.storeReplaced();
  }

  /**
   * Sends clients' last replies, publishes what waits, leaves the primary, and closes all ports and outputs;
   * content stays readable. Throws WRITE_FAILED when a dump or a state is not whole.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    this.#listener = await listenToReplicas(this);
    this.#listenAddress = await this.#server?.listen();
    this.#metricsPort = await serveMetrics(this, this.#status, this.#server);
    // Only a node that has its ports may replace a dump: the dump could be that of a node that runs.
    this.outputs.start();
    this.leading?.joinOutputs('new');
    await recordBeginning(this);
    this.#isOpening = false;
    const { following } = this;
    this.seams.timers.endOfTurn(() => {
      for (const note of this.#notes) this.events.log.warn(note);
      // The owner may have closed the node, or made it follow another primary, in between.
      if (following !== undefined && this.#role === following && this.#closing === undefined)
        following.start();
    });
  }

  /**
   * Moves the store to where a new history begins, which continues that of `holding`, if that was followed or
   * recovered; `loaded` is the history that a loaded dump led to.
   */
  #beginHistory(holding: Holding | undefined, loaded?: History): Beginning {
    const { seams, config, relay } = this;
    if (holding !== undefined) return beginHistory(seams, this.#engine, holding, relay);
    if (this.#engine.shards !== config.shards) this.#engine = this.createEngine(config.shards);
    const fresh = newHistory(seams, config.sequenceBase);
    const history = config.load === undefined ? fresh : withContent(fresh, loaded);
    this.#engine.setWatermarks(new Array(config.shards).fill(history.base));
    return { history, backlog: relay?.promoted(history.base) };
  }

  #stopFollowing(error: Error): void {
    if (this.following === undefined) this.events.emit('stopped', { error });
    else this.following.stop(error);
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new FastcacheError('CLOSED', 'This node is closed.');
  }

  async #close(): Promise<void> {
    this.#housekeeping.stop();
    this.following?.stop();
    await this.#metricsPort?.close();
    await this.#server?.close();
    this.failover.stop();
    this.leading?.close();
    await this.#listener?.close();
    await this.outputs.close();
  }
}

/** The answer to a message that no frame has room for. */
const MESSAGE_TOO_LONG = new Failure(`ERR the message has more than ${MESSAGES_MAX_BYTES} bytes`);
/** WAIT's answer on a node that follows: no replica acknowledges writes, for it takes none. */
const NOBODY_WAITS = new Later((done) => {
  done(0);
  return () => {};
});

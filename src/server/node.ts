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
 * Histories go on through changes of role where they can (docs/architecture.md, "Histories").
 */
import { Housekeeping } from '../engine/housekeeping.js';
import { drawSecret } from '../engine/secret.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import type { ChannelMessage } from '../frame/messages.js';
import type { SplitFrame } from '../frame/splitter.js';
import type { History } from '../replication/history.js';
import { ReplicationMetrics } from '../replication/metrics.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { Relay } from '../replication/relay/relay.js';
import type { Holding } from '../replication/replica/holding.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { Later } from '../resp/later.js';
import type { Failure, Reply } from '../resp/reply.js';
import type { RespServer } from '../resp/server.js';
import type { Settings } from '../resp/settings.js';
import { roleReply } from '../status/replication-info.js';
import type { NodeReport } from '../status/report.js';
import { formatAddress } from '../transport/address.js';
import type { ClientPorts } from '../transport/client-ports.js';
import type { Address, Listener } from '../transport/connection.js';
import { handOnMessages, sendMessage } from './channel-messages.js';
import { closeInTurn } from './closing.js';
import type { NodeConfig } from './config.js';
import { ContentDamage } from './content-damage.js';
import { createEngine, type EngineOrigin, emptyEngine } from './engines.js';
import { Events, type NodeEvents } from './events.js';
import { type FailoverNode, Failovers } from './failover.js';
import { firstPhase, firstRole, takeInFirst } from './first-role.js';
import { Following, stopNode } from './following.js';
import { beginsHistory } from './history-beginning.js';
import { Keeping } from './keeping.js';
import { Leading } from './leading.js';
import { recordContent } from './load.js';
import type { SecuredSeams } from './node-tls.js';
import { closeBehind, LoadingProgress, leaveStart, type Opening } from './opening.js';
import { type Outputs, openOutputs } from './outputs.js';
import { createClientServer, createRelay, listenToReplicas, type ServedNode, serveMetrics } from './ports.js';
import type { NodeSeams } from './seams.js';
import { createSettings } from './settings.js';
import { type StartingRole, startingContent, startingRole } from './starting.js';
import { createStatus, type Status } from './status.js';
import { type SupervisedNode, Supervision } from './supervision.js';

/** A server in either role. */
export class Node implements ServedNode, SupervisedNode, FailoverNode {
  config: NodeConfig;
  readonly seams: SecuredSeams;
  readonly events: Events<NodeEvents>;
  readonly metrics = new ReplicationMetrics();
  readonly settings: Settings;
  readonly outputs: Outputs;
  readonly nodeId: string;
  readonly relay: Relay | undefined;
  readonly failover = new Failovers(this);
  readonly #origin: EngineOrigin;
  readonly #housekeeping: Housekeeping;
  readonly #status: Status;
  readonly #supervision: Supervision;
  readonly #damage = new ContentDamage(this);
  readonly server: RespServer | undefined;
  #engine: ShardEngine;
  #role: Opening | Leading | Following;
  #listener: ReplicaListener | undefined;
  #metricsPort: Listener | undefined;
  readonly keeping: Keeping;
  /** How far it is with what it starts with; undefined once it has that, and its outputs have it as well. */
  #loading: LoadingProgress | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Resolves when its ports are open and loaded content is recorded; with `primary` it connects next turn.
   * Throws PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED, READ_FAILED, STATE_UNUSABLE, and as `startingContent`.
   */
  static async start(config: NodeConfig, seams: NodeSeams): Promise<Node> {
    const role = await startingRole({ config, seams, secret: drawSecret(seams.random) });
    let node: Node | undefined;
    try {
      node = new Node(role);
      await node.#loading!.until(node.#open(role, node.#loading!), seams.timers);
      return node;
    } catch (error) {
      // Later faults are consequences of this one.
      await (node === undefined ? role.locked?.lock.release() : node.close().catch(() => {}));
      throw error;
    }
  }

  private constructor({ origin, nodeId, role, locked }: StartingRole) {
    const { config, seams } = origin;
    this.config = config;
    this.seams = seams;
    this.#origin = origin;
    this.#engine = emptyEngine(origin);
    this.#loading = new LoadingProgress(seams.clock, config.onLoading);
    this.keeping = new Keeping(locked);
    this.nodeId = nodeId;
    this.events = new Events(seams.clock);
    this.settings = createSettings(this);
    this.#supervision = new Supervision(this, role);
    this.outputs = openOutputs({
      ...origin,
      files: seams.files,
      timers: seams.timers,
      log: this.events.log,
      holding: () => this.following?.follower.holding,
      stop: (error) => this.fail(error),
    });
    this.relay = createRelay(this);
    this.#role = firstPhase(this);
    this.#status = createStatus(this);
    this.server = createClientServer(this, this.#status);
    this.#housekeeping = new Housekeeping({
      timers: seams.timers,
      engine: () => this.#engine,
      sweeps: () => this.leading !== undefined || this.following?.sweeps === true,
      damaged: (record) => this.#damage.found(record),
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
    // A server that has lost its data is no primary that replicas should take for theirs.
    return this.lacksData ? undefined : (this.leading?.publisher ?? this.relay?.stream);
  }

  /** The readable content, with the history that its watermarks count in; undefined: there is none. */
  get holding(): Holding | undefined {
    const history = this.leading?.publisher.history;
    return history === undefined ? this.following?.follower.holding : { store: this.#engine, history };
  }

  /** Each shard's highest sequence that replicas could have, or that is applied; empty without content. */
  watermarks(): bigint[] {
    return this.leading?.publisher.watermarks() ?? this.holding?.store.watermarks() ?? [];
  }

  /** `host:port` where replicas connect; undefined without `bind`. */
  get bindAddress(): string | undefined {
    return this.#listener?.address;
  }

  /** Where clients connect; undefined without `listen` and `listenTls`. */
  get clientPorts(): ClientPorts | undefined {
    return this.server?.ports;
  }

  /** `host:port` where metrics are served; undefined without `metrics`. */
  get metricsAddress(): string | undefined {
    return this.#metricsPort?.address;
  }

  /** The port of clients that others use, who speak TLS if replication does; 0 where none is open. */
  get clientPort(): number {
    return this.clientPorts?.portFor(this.config.tls) ?? 0;
  }

  get isLoading(): boolean {
    return this.#loading !== undefined || this.lacksData || this.following?.isLoading === true;
  }

  get lacksData(): boolean {
    return this.#supervision.lacksData;
  }

  /** Whether its content has a past: records, or keys that were loaded. */
  get hasWritten(): boolean {
    return this.report().offsetRecords > 0n || this.#engine.keyCount() > 0;
  }

  get isStale(): boolean {
    return this.following?.isStale === true;
  }

  get isReadOnly(): boolean {
    return this.config.readOnly;
  }

  get lacksReplicas(): boolean {
    return this.leading?.lacksReplicas === true;
  }

  report(): NodeReport {
    const { fault: diskFault, isUnkept } = this.keeping;
    const loading = this.#loading?.report();
    return { ...this.#role.report(), ...this.#damage.report(), loading, diskFault, isUnkept };
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
    return sendMessage(this, message);
  }

  takeMessages(payload: Uint8Array, frame: SplitFrame): void {
    handOnMessages(payload, frame, this.server, this);
  }

  wait(replicas: number, timeoutMs: number): Later {
    return this.#role.wait(replicas, timeoutMs);
  }

  waitForDisks(wanted: { isLocal: boolean; replicas: number }, timeoutMs: number): Later {
    return this.#role.waitForDisks(wanted, timeoutMs);
  }

  get backlogBytes(): number {
    const backlog = this.stream?.backlog;
    return backlog === undefined ? 0 : backlog.pushedBytes - backlog.keptFrom;
  }

  /** Its primary's content is refused; a further request for that primary makes it take that in. */
  get isRefusing(): boolean {
    return this.following?.follower.refusal !== undefined;
  }

  /**
   * Follows `primary` from now on. The content stays readable until new content is whole, and is continued if
   * that primary can; clients' writes are refused. Replicas of this node reconnect. Throws CLOSED.
   */
  follow(primary: Address): void {
    this.refuseClosed();
    const { leading } = this;
    const holding = this.#role.leave('its primary follows another one now');
    const following = new Following(this, primary, holding, 'request');
    this.#role = following;
    if (leading !== undefined) {
      const address = formatAddress(primary);
      this.events.log.info(`follows ${address} from now on, with history ${holding?.history?.id}`);
      this.events.emit('demoted', { primary: address });
    }
    this.failover.stop();
    this.#supervision.roleChanged();
    // A node that is given another primary while it opens starts to follow when it has opened.
    if (this.#loading === undefined) following.start();
  }

  /**
   * Leaves the primary and takes writes, with all options that the node was started with, in a history that
   * continues that of the content; does nothing while it leads. Throws CLOSED, and NO_CONTENT when it keeps
   * no content (`state`).
   */
  promote(): void {
    this.refuseClosed();
    const { following, outputs, events } = this;
    if (following === undefined) return;
    if (outputs.createStore !== undefined) {
      throw new FastcacheError('NO_CONTENT', 'With state no content is kept, which a primary could serve.');
    }
    const holding = following.leave();
    const beginning = beginsHistory(this, holding);
    const { id, previous } = beginning.history;
    const leading = new Leading(this, beginning);
    this.#role = leading;
    leading.joinOutputs(holding === undefined ? 'new' : 'promoted');
    this.keeping.follow(holding !== undefined);
    const past = previous?.id ?? 'nothing';
    events.log.info(`promoted: history ${id} continues ${past} of ${formatAddress(following.primary)}`);
    events.emit('promoted', { history: id });
    this.#supervision.roleChanged();
  }

  shutdown(): void {
    if (this.#loading === undefined) this.events.emit('shutdown', {});
    else this.#loading.abandon();
  }

  /** Ends the start, or has the node stopped: something that it needs has failed. */
  fail(error: Error): void {
    if (this.#loading === undefined) stopNode(this, error);
    else this.#loading.abandon(error);
  }

  keepRole(): Promise<void> | undefined {
    return this.#supervision.rewrite();
  }

  createEngine(shards: number): ShardEngine {
    return createEngine(this.#origin, shards);
  }

  swap(engine: ShardEngine): void {
    engine.setFrozen(this.server?.isFrozen ?? false);
    this.#engine = engine;
    this.server?.storeReplaced();
  }

  /** Closes it, as `EmbeddedNode.close`. Throws WRITE_FAILED when a dump or a state is not whole. */
  close(): Promise<void> {
    this.#closing ??= closeInTurn(this.events.log, [
      () => this.failover.abandon(),
      () => this.#housekeeping.stop(),
      () => this.following?.stop(),
      () => this.#metricsPort?.close(),
      () => this.server?.close(),
      () => this.failover.stop(),
      () => (this.#loading === undefined ? this.keeping.anchor() : leaveStart(this.#loading, this)),
      () => this.leading?.close(),
      () => this.#listener?.close(),
      () => this.outputs.close(),
      () => this.#supervision.close(),
      () => closeBehind(this.#loading, this.keeping, this.leading !== undefined && !this.lacksData),
    ]);
    return this.#closing;
  }

  async #open(role: StartingRole, loading: LoadingProgress): Promise<void> {
    this.#listener = await listenToReplicas(this);
    await this.server?.listen();
    this.#metricsPort = await serveMetrics(this, this.#status, this.server);
    const start = await startingContent(role, this.#engine, loading);
    loading.check();
    this.config = start.config;
    this.#supervision.found(start.lacksData);
    this.#role = firstRole(this, start);
    // Only a node that has its ports may replace a dump: the dump could be that of a node that runs.
    await this.outputs.start();
    await this.keeping.open(this, start.opened);
    this.leading?.joinOutputs('new');
    await recordContent(this, loading);
    const caughtUp = await takeInFirst(this, start, (following) => {
      loading.check();
      this.#role = following;
    });
    await this.#supervision.begin();
    loading.check();
    this.#loading = undefined;
    const { following } = this;
    this.seams.timers.endOfTurn(() => {
      for (const note of [...role.notes, ...start.notes, ...caughtUp]) this.events.log.warn(note);
      // The owner may have closed the node, or made it follow another primary, in between.
      if (following !== undefined && this.#role === following && this.#closing === undefined)
        following.start();
    });
  }

  /** Throws CLOSED once it is closed. */
  refuseClosed(): void {
    if (this.#closing !== undefined) throw new FastcacheError('CLOSED', 'This node is closed.');
  }
}

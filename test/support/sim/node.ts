/**
 * A server of a simulation, wired as `Primary` and `Replica` wire theirs, in a process that can be killed and started again:
 * it serves replicas in either role, follows whom it is told to, and can be promoted.
 */
import { Housekeeping } from '../../../src/engine/housekeeping.js';
import { type ErrorCode, FastcacheError } from '../../../src/errors.js';
import { type History, newHistory } from '../../../src/replication/history.js';
import { newNodeId } from '../../../src/replication/link/path.js';
import { ReplicationMetrics } from '../../../src/replication/metrics.js';
import { ReplicaListener } from '../../../src/replication/primary/listener.js';
import { beginHistory } from '../../../src/replication/relay/promotion.js';
import { Relay } from '../../../src/replication/relay/relay.js';
import { Follower } from '../../../src/replication/replica/follower.js';
import type { Holding } from '../../../src/replication/replica/holding.js';
import { Publisher, type PublisherOptions } from '../../../src/replication/stream/publisher.js';
import type { Address } from '../../../src/transport/connection.js';
import type { RandomSource } from '../random.js';
import { MemoryLog } from '../virtual-cluster.js';
import { VirtualProcess } from '../virtual-process.js';
import type { VirtualConnection } from '../virtual-transport.js';
import type { VirtualWorld } from '../virtual-world.js';
import type { Configuration, Outcome } from './configuration.js';
import type { SimNetwork } from './network.js';
import { ObservedEngine } from './observed-engine.js';
import type { Held, Oracle } from './oracle.js';
import { checkBounds, leftoversOf, outcomesOf, type Running } from './running.js';

/** How a session may end where every peer is sound: a gap or a damaged frame is not among them. */
const expectedEnds: ReadonlyMap<ErrorCode, Outcome | undefined> = new Map([
  ['CONNECTION_LOST', undefined],
  ['PRIMARY_UNREACHABLE', undefined],
  ['PEER_SILENT', 'dead link'],
  ['HISTORY_DIFFERS', undefined],
  ['PRIMARY_LOADING', 'relay without content'],
  ['PRIMARY_BEHIND', 'relay behind'],
  ['REPLICATION_CYCLE', 'cycle'],
  ['EMPTY_SNAPSHOT', 'empty snapshot'],
]);
/** And where frames get lost. */
const gapEnds: ReadonlyMap<ErrorCode, Outcome | undefined> = new Map([
  ...expectedEnds,
  ['SEQUENCE_GAP', 'gap'],
  ['SNAPSHOT_OUT_OF_ORDER', 'gap'],
]);
/** Of log lines: what has no place where every peer is sound. */
const ALARM = /cannot be read|failed|could not|handed on/;

export interface NodeSeams {
  world: VirtualWorld;
  network: SimNetwork;
  oracle: Oracle;
  configuration: Configuration;
  /** Of this node alone. */
  random: RandomSource;
  /** A replica of a primary that leaves gaps has stopped for good. */
  gaveUp(node: SimNode): void;
  /** Something worth counting has come about. */
  reached(outcome: Outcome): void;
}

export class SimNode {
  readonly address: Address;
  readonly log = new MemoryLog();
  /** How often it was paused. */
  pauses = 0;
  #running: Running | undefined;
  /** What must not have happened in it: thrown by `check`. */
  #alarm: unknown;
  /** Since the bounds were last checked. */
  #hasPublished = false;
  #clockOffMs: number;
  readonly #seams: NodeSeams;

  constructor(port: number, seams: NodeSeams) {
    this.address = { host: '127.0.0.1', port };
    this.#seams = seams;
    const { clockSkewMs } = seams.configuration;
    this.#clockOffMs = clockSkewMs === 0 ? 0 : seams.random.between(-clockSkewMs, clockSkewMs);
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** It has been told to stop, and is not gone yet. */
  get isStopping(): boolean {
    return this.#running?.isStopping === true;
  }

  get isPaused(): boolean {
    return this.#running?.process.isPaused === true;
  }

  /** It runs and was neither paused nor told to stop. */
  get isWell(): boolean {
    return this.isUp && !this.isPaused && !this.isStopping;
  }

  get publisher(): Publisher | undefined {
    return this.#running?.publisher;
  }

  /** Its process began as a replica: it can follow somebody again. */
  get wasReplica(): boolean {
    return this.#running?.relay !== undefined;
  }

  /** As a primary: what is written to. */
  get primaryStore(): ObservedEngine | undefined {
    return this.publisher?.store as ObservedEngine | undefined;
  }

  /** As a replica: what it holds of whose history. */
  held(): Held | undefined {
    const { store, history } = this.#running?.follower?.holding ?? {};
    return store === undefined || history === undefined
      ? undefined
      : { store: store as ObservedEngine, historyId: history.id };
  }

  owns({ process }: VirtualConnection): boolean {
    return process !== undefined && process === this.#running?.process;
  }

  async startPrimary(): Promise<void> {
    const running = this.#run();
    const { configuration } = this.#seams;
    const history = newHistory(running.process.seams, configuration.sequenceBase);
    const store = this.#createStore(running);
    store.setWatermarks(new Array(configuration.shards).fill(history.base));
    this.#publish(running, store, history, undefined);
    await this.#listen(running);
  }

  /** `binds`: replicas can follow it. */
  async startReplica(primary: Address, binds: boolean): Promise<void> {
    const running = this.#run();
    const { nodeId, process } = running;
    const { backlogBytes } = this.#seams.configuration;
    if (binds) {
      running.relay = new Relay({ nodeId, backlogBytes, random: process.seams.random, log: this.log });
      await this.#listen(running);
    }
    this.#follow(running, primary, undefined).start();
  }

  /** As REPLICAOF; what is held is continued if that primary can. */
  follow(primary: Address): void {
    const running = this.#running;
    if (running === undefined) return;
    const { publisher, follower, relay } = running;
    let holding = follower?.holding;
    if (publisher !== undefined) {
      publisher.close('its primary follows another one now');
      relay?.demoted(publisher);
      const store = publisher.store as ObservedEngine;
      store.setReplica(true);
      holding = { store, history: publisher.history };
      running.publisher = undefined;
      running.housekeeping?.stop();
    }
    const next = this.#follow(running, primary, holding);
    follower?.stop();
    next.start();
  }

  /** As REPLICAOF NO ONE; false when it holds nothing or is a primary already. */
  promote(): boolean {
    const running = this.#running;
    const { follower, relay, process } = running ?? {};
    const holding = follower?.holding;
    if (running === undefined || process === undefined || holding === undefined) return false;
    running.follower = undefined;
    follower?.stop();
    const store = holding.store as ObservedEngine;
    const { history, backlog } = beginHistory(process.seams, store, holding, relay);
    store.setReplica(false);
    this.#publish(running, store, history, backlog);
    return true;
  }

  /** As SIGTERM; the process is there until `kill`. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.isStopping = true;
    running.housekeeping?.stop();
    running.follower?.stop();
    running.publisher?.close();
    await running.listener?.close();
  }

  /** As SIGKILL: its memory is lost. */
  kill(): void {
    this.#tellCounts();
    this.#running?.process.kill();
    this.#running = undefined;
  }

  pause(): void {
    this.pauses += 1;
    this.#running?.process.pause();
  }

  resume(): void {
    this.#running?.process.resume();
  }

  setClock(offMs: number): void {
    this.#clockOffMs = offMs;
    if (this.#running !== undefined) this.#running.process.clockOffMs = offMs;
  }

  /** Throws what must not have happened in it. */
  check(): void {
    if (this.#alarm !== undefined) throw this.#alarm;
    const hasApplied = this.held()?.store.isChanged === true;
    if (this.#running === undefined || !(this.#hasPublished || hasApplied)) return;
    this.#hasPublished = false;
    checkBounds(this.#running, this.#seams.configuration);
  }

  /** Throws when the log has a line that has no place here. */
  checkLog(): void {
    const line = this.log.lines.find((text) => ALARM.test(text));
    if (line !== undefined) throw new Error(`${this.address.port} logged: ${line}`);
  }

  /** What is left behind a `stop`; empty: nothing. */
  leftovers(): string[] {
    this.#tellCounts();
    return this.#running === undefined ? [] : leftoversOf(this.#running);
  }

  #tellCounts(): void {
    for (const outcome of this.#running === undefined ? [] : outcomesOf(this.#running)) {
      this.#seams.reached(outcome);
    }
  }

  #run(): Running {
    const process = new VirtualProcess(this.#seams.world, this.#seams.random);
    process.clockOffMs = this.#clockOffMs;
    this.#running = {
      process,
      nodeId: newNodeId(process.seams.random),
      metrics: new ReplicationMetrics(),
      stores: [],
      relay: undefined,
      listener: undefined,
      publisher: undefined,
      follower: undefined,
      housekeeping: undefined,
      isStopping: false,
    };
    return this.#running;
  }

  #publish(
    running: Running,
    store: ObservedEngine,
    history: History,
    backlog: PublisherOptions['backlog'],
  ): void {
    const { oracle } = this.#seams;
    const { sendPolicy, batchMaxDelayUs, backlogBytes, compression } = this.#seams.configuration;
    const { process, nodeId, metrics } = running;
    const { clock, timers } = process.seams;
    const publisher = new Publisher({
      store,
      history,
      clock,
      timers,
      metrics,
      log: this.log,
      nodeId,
      sendPolicy,
      batchMaxDelayUs,
      backlogBytes,
      backlog,
      encoding: { compression },
    });
    oracle.begin(history, store.watermarks());
    publisher.subscribe({
      offer: (frame) => {
        oracle.record(history.id, frame);
        this.#hasPublished = true;
      },
      // That a frame could not be sealed stands in the log.
      interrupt: () => {},
    });
    running.publisher = publisher;
    running.housekeeping = new Housekeeping({ timers, engine: () => store, sweeps: () => true });
  }

  async #listen(running: Running): Promise<void> {
    const { configuration, network } = this.#seams;
    const { process, metrics } = running;
    const { subscriberQueueFrames, subscriberQueueBytes, snapshotChunkBytes, compression } = configuration;
    running.listener = await ReplicaListener.start({
      transport: network.transport.of(process),
      bind: this.address,
      stream: () => running.publisher ?? running.relay?.stream,
      status: () => undefined,
      clock: process.seams.clock,
      timers: process.seams.timers,
      metrics,
      log: this.log,
      token: undefined,
      snapshotChunkBytes,
      subscriberQueueFrames,
      subscriberQueueBytes,
      encoding: { compression },
      maxReplicas: 16,
    });
  }

  #follow(running: Running, address: Address, holding: Holding | undefined): Follower {
    const { process, metrics, relay } = running;
    const { network, configuration, reached, gaveUp } = this.#seams;
    let heldKeys = holding?.store.keyCount() ?? 0;
    const follower = new Follower({
      ...process.seams,
      transport: network.transport.of(process),
      metrics,
      log: this.log,
      address,
      holding,
      connectTimeoutMs: 500,
      reconnectBackoffMs: 200,
      failFast: false,
      token: undefined,
      recorder: undefined,
      relay,
      allowEmptySnapshot: configuration.allowEmptySnapshot,
      createStore: (shards) => {
        heldKeys = follower.holding?.store.keyCount() ?? 0;
        const store = this.#createStore(running, shards);
        store.setReplica(true);
        return store;
      },
      handlers: {
        swapped: ({ holding: { store } }) => {
          const isEmptied = store.keyCount() === 0 && heldKeys > 0;
          if (isEmptied && !configuration.allowEmptySnapshot) {
            this.#raise(new Error(`nothing has taken the place of ${heldKeys} keys`));
          }
        },
        adopted: () => reached('history continued'),
        lost: ({ error }) => this.#onLost(error),
        stopped: ({ error }) => {
          if (error === undefined) return;
          this.#onLost(error);
          gaveUp(this);
        },
      },
    });
    running.follower = follower;
    return follower;
  }

  #onLost(error: Error): void {
    const code = error instanceof FastcacheError ? error.code : undefined;
    const ends = this.#seams.configuration.faults.has('lost frames') ? gapEnds : expectedEnds;
    if (code === undefined || !ends.has(code)) {
      this.#raise(error);
      return;
    }
    const outcome = ends.get(code);
    if (outcome !== undefined) this.#seams.reached(outcome);
  }

  #createStore({ process, stores }: Running, shards = this.#seams.configuration.shards): ObservedEngine {
    const { sendPolicy, batchMaxRecords, batchMaxBytes, maxMemoryBytes } = this.#seams.configuration;
    const store = new ObservedEngine({
      shards,
      clock: process.seams.clock,
      batchMaxRecords: sendPolicy === 'immediate' ? 1 : batchMaxRecords,
      batchMaxBytes,
      evictAboveBytes: maxMemoryBytes,
    });
    stores.push(store);
    return store;
  }

  #raise(error: unknown): void {
    this.#alarm ??= error;
  }
}

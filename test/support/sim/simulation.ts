/**
 * One seeded run of a cluster (docs/reliability.md, "Simulation"): nodes as they ship, each with its kernel,
 * in one process, under a virtual clock, network and disk, disturbed by everything that a seed draws. After
 * every event the oracle compares what has changed. In the end all is healed: all must soon be equal, go on
 * from what they hold when every link is cut once more, have put out what they hold, and leave nothing
 * behind.
 */
import { hasReached } from '../../../src/replication/watermarks.js';
import { RandomSource } from '../random.js';
import { PERFECT_DISK, VirtualDisk } from '../virtual-disk.js';
import { VirtualWorld } from '../virtual-world.js';
import { Cluster } from './cluster.js';
import {
  type Configuration,
  drawConfiguration,
  drawDiskConfiguration,
  type FaultName,
  type Outcome,
} from './configuration.js';
import { Faults } from './faults.js';
import { SimNetwork } from './network.js';
import { SimNode } from './node.js';
import { Oracle } from './oracle.js';
import { Workload } from './workload.js';

const FIRST_PORT = 7_000;
/** A node that died at an operation of its disk is started again within this time. */
const DOWN_MAX_MS = 2_000;
const EQUAL_WITHIN_MS = 30_000;
/** Within it every replica has tried again, and keeps what is foreign to its primary. */
const KEPT_MS = 6_000;
/**
 * Work that was begun before a stop ends within this time: sessions have a second to let out the last writes.
 */
const AFTERMATH_MS = 5_000;
/** Writes are synced each second, unless that is left to the system. */
const SYNCED_WITHIN_MS = 5_000;
/** A consumer of changes that is slow takes what waits for it. */
const DRAINED_WITHIN_MS = 120_000;

export interface SimulationResult {
  /** The same for the same seed. */
  trace: number;
  events: number;
  /** The faults that it met, and its outcomes. */
  hits: ReadonlySet<FaultName | Outcome>;
}

export class Simulation {
  readonly configuration: Configuration;
  readonly #world: VirtualWorld;
  readonly #network: SimNetwork;
  readonly disk: VirtualDisk;
  readonly #oracle = new Oracle();
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #faults: Faults;
  readonly #outcomes = new Set<Outcome>();
  readonly #random: RandomSource;
  #events = 0;

  /** `hasDisks`: every node has a data directory. */
  constructor(seed: number, { hasDisks = false }: { hasDisks?: boolean } = {}) {
    this.configuration = hasDisks ? drawDiskConfiguration(seed) : drawConfiguration(seed);
    this.#random = RandomSource.fork(seed, 'simulation');
    this.#world = new VirtualWorld(seed);
    this.#network = new SimNetwork(this.#world, seed, this.configuration);
    this.disk = new VirtualDisk(RandomSource.fork(seed, 'disk'));
    const { configuration } = this;
    const world = this.#world;
    const network = this.#network;
    const oracle = this.#oracle;
    const reached = (outcome: Outcome) => this.#outcomes.add(outcome);
    const gaveUp = (node: SimNode) => world.plan(0, () => this.#cluster.startAnew(node));
    const crashed = (node: SimNode) =>
      world.plan(this.#random.below(DOWN_MAX_MS), () => {
        if (!node.isUp) this.#cluster.start(node);
      });
    const disk = this.disk;
    const servers = 1 + configuration.replicas;
    const nodes = Array.from({ length: servers + configuration.taps }, (_, index) => {
      const random = RandomSource.fork(seed, `node ${index}`);
      const seams = { world, network, disk, oracle, configuration, random, reached, gaveUp, crashed };
      return new SimNode(FIRST_PORT + index, index >= servers, seams);
    });
    this.#cluster = new Cluster(nodes, RandomSource.fork(seed, 'cluster'), configuration);
    this.#workload = new Workload(world, seed, configuration, () => this.#cluster.writable(), reached);
    const cluster = this.#cluster;
    this.#faults = new Faults(world, seed, configuration, { network, disk, cluster });
  }

  /** Throws when anything is not as it must be. */
  async play(): Promise<SimulationResult> {
    for (const node of this.#cluster.nodes) this.#cluster.start(node);
    this.#workload.start();
    this.#faults.start();
    await this.#run(this.configuration.durationMs);
    await this.#heal();
    await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
    this.#expectEqual();
    await this.#liveOn();
    if (this.configuration.disks !== undefined) await this.#restart();
    await this.#end();
    const hits = new Set([...this.#faults.hits, ...this.#network.exercised(), ...this.#outcomes]);
    return { trace: this.#world.trace, events: this.#events, hits };
  }

  /** Runs for so long, or until `isDone`, and checks everything after each event. */
  async #run(durationMs: number, isDone: () => boolean = () => false): Promise<void> {
    const untilMs = this.#world.nowMs + durationMs;
    for (;;) {
      // Code that awaits goes on before the next event.
      await new Promise(setImmediate);
      if (isDone()) return;
      if (!this.#world.step(untilMs)) break;
      this.#events += 1;
      for (const node of this.#cluster.nodes) node.check();
      this.#expectPrefixes();
      for (const node of this.#cluster.nodes) this.#oracle.check(node, node.held());
    }
    this.#world.run(Math.max(0, untilMs - this.#world.nowMs));
  }

  /**
   * Of any two that hold the same history, one holds all that the other holds: each holds a prefix of what
   * was published. So the one with the greater offset is the one to be promoted. A network that is at fault
   * may have lost what lies between.
   */
  #expectPrefixes(): void {
    if (this.#network.hasLostFrames) return;
    const all = this.#cluster.nodes.map((node) => node.held()).filter((held) => held !== undefined);
    for (const changed of all.filter(({ store }) => store.isChanged)) {
      const own = changed.store.watermarks();
      for (const { historyId, store } of all) {
        if (historyId !== changed.historyId || store === changed.store) continue;
        const other = store.watermarks();
        if (hasReached(own, other) || hasReached(other, own)) continue;
        throw new Error(`of history ${historyId} one holds ${own}, and one ${other}: neither is a prefix`);
      }
    }
  }

  async #heal(): Promise<void> {
    this.#faults.end();
    for (const { data } of this.#cluster.nodes) if (data !== undefined) data.isQuiet = true;
    this.#network.heal();
    this.disk.conditions = PERFECT_DISK;
    if (this.configuration.lastLoss !== 'none') await this.#losePrimary();
    // A node with content that no primary continues gives it up.
    this.#oracle.mean(undefined);
    for (const node of this.#cluster.servers) node.meanHistory(true);
    this.#cluster.heal();
    // A primary that reads its directory first takes none yet.
    if (this.configuration.disks !== undefined) {
      await this.#run(EQUAL_WITHIN_MS, () => this.#cluster.primary.isWell);
    }
    this.#world.plan(1, () => this.#workload.end());
    if (this.configuration.disks !== undefined) await this.#run(1);
  }

  /**
   * The primary loses its memory once more, where all else is well: its replicas keep what they hold, and it
   * has that back if it asks them.
   */
  async #losePrimary(): Promise<void> {
    const { lastLoss } = this.configuration;
    this.#cluster.heal();
    await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
    if (!this.#areEqual()) return;
    const { primary } = this.#cluster;
    primary.kill();
    if (lastLoss === 'emptied') this.#cluster.start(primary);
    else this.#cluster.recover(primary);
    await this.#run(KEPT_MS);
    if (primary.publisher?.history.previous === undefined) return;
    // The load goes on: with bounds as narrow as are drawn here somebody may always be behind.
    await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
    if (this.#areEqual()) this.#expectEqual();
  }

  #areEqual(): boolean {
    const { publisher, primaryStore } = this.#cluster.primary;
    if (publisher === undefined || primaryStore === undefined || primaryStore.keyCount() === 0) return false;
    const watermarks = publisher.watermarks().join();
    if (watermarks !== primaryStore.watermarks().join()) return false;
    return this.#followers().every(({ node }) => {
      if (node?.following === undefined) return false;
      const { state, holding } = node.following.follower;
      const isHere = state.name === 'live' && holding?.history?.id === publisher.history.id;
      return isHere && holding.store.watermarks().join() === watermarks;
    });
  }

  #expectEqual(): void {
    if (!this.#areEqual()) {
      const states = this.#cluster.nodes.map((node) => node.describe()).join('; ');
      throw new Error(`not all are equal after ${EQUAL_WITHIN_MS} ms without faults: ${states}`);
    }
    const { primary, replicas } = this.#cluster;
    this.#oracle.checkWhole({ store: primary.primaryStore!, historyId: primary.publisher!.history.id });
    for (const node of replicas) this.#oracle.checkWhole(node.held()!);
  }

  /** Mended faults leave no trace: all links are cut once more, and everyone goes on from its content. */
  async #liveOn(): Promise<void> {
    const { primary } = this.#cluster;
    const snapshots = () => snapshotsOf(this.#cluster.servers);
    const watermarks = () => primary.publisher?.watermarks().join();
    const before = { snapshots: snapshots(), watermarks: watermarks() };
    for (const { client } of this.#network.open()) client.break();
    await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
    this.#expectEqual();
    // Keys that expire meanwhile are written, and may be more than is kept.
    if (watermarks() === before.watermarks && snapshots() > before.snapshots) {
      throw new Error('whoever lacks nothing was given a snapshot');
    }
  }

  /** Each is stopped in order and started again: it goes on, and nobody needs a snapshot. */
  async #restart(): Promise<void> {
    for (const node of this.#cluster.nodes) {
      const others = this.#cluster.nodes.filter((each) => each !== node);
      const before = snapshotsOf(others);
      node.stop();
      await this.#run(DRAINED_WITHIN_MS, () => node.isClosed);
      node.kill();
      this.#cluster.start(node);
      await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
      this.#expectEqual();
      if (snapshotsOf(others) > before) throw new Error(`a stop of ${node.address.port} cost a snapshot`);
    }
    await this.#crashPrimary();
  }

  /**
   * The primary dies when all of it is on its disk: a node that is level goes on in the history that follows.
   */
  async #crashPrimary(): Promise<void> {
    const { primary } = this.#cluster;
    await this.#run(SYNCED_WITHIN_MS, () => primary.node?.keeping.isSynced === true && this.#areEqual());
    if (primary.node?.keeping.isSynced !== true || !this.#areEqual()) return;
    const { history } = primary.publisher!;
    const before = snapshotsOf(this.#followers());
    primary.kill();
    this.#cluster.start(primary);
    await this.#run(EQUAL_WITHIN_MS, () => this.#areEqual());
    this.#expectEqual();
    if (primary.publisher?.history.previous?.id !== history.id) {
      throw new Error(`history ${primary.publisher?.history.id} does not continue ${history.id}`);
    }
    if (snapshotsOf([primary, ...this.#followers()]) > before) throw new Error('a crash cost a snapshot');
  }

  #followers(): SimNode[] {
    return this.#cluster.nodes.filter((node) => node !== this.#cluster.primary);
  }

  async #end(): Promise<void> {
    const source = this.#cluster.primary.primaryStore!;
    for (const node of this.#cluster.nodes) node.stop();
    await this.#run(DRAINED_WITHIN_MS, () => this.#cluster.nodes.every(({ isClosed }) => isClosed));
    await this.#run(AFTERMATH_MS);
    for (const node of this.#cluster.nodes) {
      const left = node.leftovers();
      if (left.length > 0) throw new Error(`${node.address.port} leaves behind: ${left.join(', ')}`);
      node.checkLog();
      node.checkOutputs(node.isTap ? source : node.node!.engine);
    }
    if (this.#world.pending > 0) throw new Error(`${this.#world.pending} events are still to come`);
    if (this.#network.openEnds().length > 0) throw new Error('connections are still open');
    if (this.#network.transport.listening > 0) throw new Error('a port is still listened on');
    this.#network.checkWrites();
  }
}

/** How many snapshots these have given, each since its start. */
function snapshotsOf(nodes: readonly SimNode[]): number {
  return nodes.reduce((sum, { node }) => sum + (node?.metrics.catchUpSnapshotCount ?? 0), 0);
}

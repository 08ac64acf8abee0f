/**
 * A seeded run of a cluster in which one replica applies one record wrongly (docs/reliability.md,
 * "Simulation"): nodes as they ship, on a network that is slow and cuts everything to pieces, under writes.
 * Before, nothing may be found; behind it, the replica must find it by the heartbeats, and soon hold what its
 * primary has.
 */
import { NO_EXPIRY } from '../../../src/frame/batch.js';
import { RandomSource } from '../random.js';
import { VirtualDisk } from '../virtual-disk.js';
import { VirtualWorld } from '../virtual-world.js';
import { Cluster } from './cluster.js';
import { type Configuration, drawConfiguration, type FaultName } from './configuration.js';
import { SimNetwork } from './network.js';
import { SimNode } from './node.js';
import { Oracle } from './oracle.js';
import { Workload } from './workload.js';
import { type Wrong, WrongRecord, wrongs } from './wrong-record.js';

const FIRST_PORT = 7_000;
/** Heartbeats that reach it: a network that is slow may have much before them. */
const HEARTBEATS = 2;
const SOON_MS = 30_000;
/** The slowest network takes so long for what is on its way. */
const ARRIVED_MS = 600_000;
/** A write or two in so many virtual ms. */
const WRITE_WITHIN_MS = 20;
/** Room for some keys of those that are written besides, and tables. */
const LEAST_CONTENT_BYTES = 500_000;
/** A wrong that later writes have undone is done again. */
const ATTEMPTS = 50;
/** The faults that slow a network, and lose and cut nothing. */
const slowness: ReadonlySet<FaultName> = new Set(['latency', 'slices', 'single bytes', 'small send buffers']);

/** The wrong record, and when it was found. */
export interface FoundWrong {
  readonly wrong: Wrong;
  /** Virtual ms from the record on. */
  readonly afterMs: number;
  /** The heartbeat that found it, from 1 on. */
  readonly heartbeat: number;
  /** How often it was undone before by what was written next. */
  readonly undone: number;
}

export class DivergenceSimulation {
  readonly #wrong: Wrong;
  readonly #world: VirtualWorld;
  readonly #random: RandomSource;
  readonly #oracle = new Oracle();
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #configuration: Configuration;
  /** Whether a replica holds what it should not. */
  #isWrong = false;
  #isWriting = true;

  constructor(seed: number) {
    this.#wrong = wrongs[seed % wrongs.length]!;
    const drawn = drawConfiguration(seed);
    const configuration: Configuration = {
      ...drawn,
      replicas: Math.max(drawn.replicas, 1),
      shards: Math.max(drawn.shards, 2),
      hasOutputs: false,
      taps: 0,
      clockSkewMs: 0,
      // Under less nothing may stay that could be wrong.
      maxMemoryBytes: drawn.maxMemoryBytes === 0 ? 0 : drawn.maxMemoryBytes + LEAST_CONTENT_BYTES,
      // A snapshot would mend it before a heartbeat could find it.
      backlogBytes: 1_048_576,
      subscriberQueueFrames: 1_024,
      subscriberQueueBytes: 16_777_216,
      snapshotChunkBytes: Math.max(drawn.snapshotChunkBytes, 4_096),
      faults: new Set([...drawn.faults].filter((name) => slowness.has(name))),
    };
    this.#configuration = configuration;
    const world = new VirtualWorld(seed);
    this.#world = world;
    this.#random = RandomSource.fork(seed, 'wrong');
    const network = new SimNetwork(world, seed, configuration);
    const disk = new VirtualDisk(RandomSource.fork(seed, 'disk'));
    const oracle = this.#oracle;
    const gaveUp = (node: SimNode) => {
      throw new Error(`${node.address.port} follows no more`);
    };
    const nodes = Array.from({ length: 1 + configuration.replicas }, (_, index) => {
      const random = RandomSource.fork(seed, `node ${index}`);
      const seams = {
        world,
        network,
        disk,
        oracle,
        configuration,
        random,
        gaveUp,
        crashed() {},
        reached() {},
      };
      return new SimNode(FIRST_PORT + index, false, seams);
    });
    this.#cluster = new Cluster(nodes, RandomSource.fork(seed, 'cluster'), configuration);
    this.#workload = new Workload(
      world,
      seed,
      configuration,
      () => (this.#isWriting ? this.#cluster.writable() : []),
      () => {},
    );
  }

  /** Throws when it is not found, or anything is found before. */
  async play(): Promise<FoundWrong> {
    for (const node of this.#cluster.nodes) this.#cluster.start(node);
    this.#workload.start();
    this.#planWrite();
    await this.#run(this.#configuration.durationMs, () => false);
    for (let undone = 0; undone < ATTEMPTS; undone += 1) {
      const victim = this.#random.pick(this.#cluster.replicas);
      await this.#doWrong(victim);
      const doneMs = this.#world.nowMs;
      const found = () => divergencesOf(victim) > 0;
      const heartbeats = heartbeatsOf(victim);
      await this.#run(ARRIVED_MS, () => found() || heartbeats.count === HEARTBEATS);
      const afterMs = this.#world.nowMs - doneMs;
      const heartbeat = heartbeats.count;
      if (found()) {
        await this.#mended(victim);
        return { wrong: this.#wrong, afterMs, heartbeat, undone };
      }
      if (heartbeat < HEARTBEATS) throw new Error('no heartbeat has reached it');
      this.#oracle.checkWhole(victim.held()!);
      this.#isWrong = false;
      this.#isWriting = true;
    }
    throw new Error(`later writes undid it ${ATTEMPTS} times`);
  }

  /** Resolves when the replica has applied a record wrongly. Nothing is written any more then. */
  async #doWrong(victim: SimNode): Promise<void> {
    let wrong: WrongRecord | undefined;
    let store: unknown;
    await this.#run(SOON_MS, () => {
      const { follower } = victim.node?.following ?? {};
      const held = follower?.state.name === 'live' ? victim.held()?.store : undefined;
      if (held !== undefined && held !== store) {
        wrong?.end();
        store = held;
        wrong = new WrongRecord(held, this.#wrong, this.#random);
      }
      this.#isWrong = wrong?.isDone === true;
      return this.#isWrong;
    });
    if (!this.#isWrong) throw new Error(`nothing was ${this.#wrong} within ${SOON_MS} ms`);
    this.#isWriting = false;
  }

  /** A snapshot replaces what is wrong. */
  async #mended(victim: SimNode): Promise<void> {
    const { primary } = this.#cluster;
    const isLevel = () => {
      const held = victim.held();
      const { follower } = victim.node?.following ?? {};
      return (
        follower?.state.name === 'live' &&
        victim.node?.report().diverges === undefined &&
        held?.store.watermarks().join() === primary.publisher?.watermarks().join()
      );
    };
    await this.#run(SOON_MS, isLevel);
    if (!isLevel()) throw new Error(`it is not mended: ${victim.describe()}`);
    this.#oracle.checkWhole(victim.held()!);
    for (const node of this.#cluster.nodes) node.kill();
  }

  /** Writes besides those of the workload, which ends. */
  #planWrite(): void {
    this.#world.plan(this.#random.below(WRITE_WITHIN_MS), () => {
      const store = this.#isWriting ? this.#cluster.primary.primaryStore : undefined;
      if (store !== undefined) {
        const random = this.#random;
        const key = Buffer.from(`wrong:${random.below(20)}`);
        const act = random.below(10);
        if (act < 6) {
          if (store.makeRoom()) store.set(key, random.bytes(random.below(100)));
        } else if (act < 8) store.del(key);
        else store.expire(key, act === 8 ? NO_EXPIRY : BigInt(Number.MAX_SAFE_INTEGER - random.below(1_000)));
      }
      this.#planWrite();
    });
  }

  async #run(durationMs: number, isDone: () => boolean): Promise<void> {
    const untilMs = this.#world.nowMs + durationMs;
    for (;;) {
      await new Promise(setImmediate);
      if (isDone()) return;
      if (!this.#world.step(untilMs)) return;
      if (!this.#isWrong) for (const node of this.#cluster.nodes) node.check();
    }
  }
}

function divergencesOf({ node }: SimNode): number {
  return node?.metrics.divergences ?? 0;
}

/** Counts the heartbeats with digests that reach a replica from now on. */
function heartbeatsOf({ node }: SimNode): { count: number } {
  const counted = { count: 0 };
  const { divergence } = node!.following!;
  const heard = divergence.heard.bind(divergence);
  divergence.heard = (...frame) => {
    counted.count += 1;
    heard(...frame);
  };
  return counted;
}

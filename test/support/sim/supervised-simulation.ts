/**
 * One seeded run of a primary, two replicas and a supervisor that promotes at random moments, on nodes as
 * they ship (docs/reliability.md, "Simulation"). Clients write with `min-replicas-to-write 1` and WAIT 1;
 * writes that this has acknowledged must be there after every promotion, and in the end at every node.
 */
import { Failure } from '../../../src/resp/reply.js';
import { RandomSource } from '../random.js';
import { VirtualDisk } from '../virtual-disk.js';
import { VirtualWorld } from '../virtual-world.js';
import { type Configuration, drawConfiguration, type FaultName } from './configuration.js';
import { SimNetwork } from './network.js';
import { SimNode } from './node.js';
import { Oracle } from './oracle.js';
import { type SupervisedOutcome, Supervisor } from './supervisor.js';

const FIRST_PORT = 7_000;
const NODES = 3;
const EQUAL_WITHIN_MS = 60_000;
const WRITE_MAX_MS = 40;
const FAULT_MAX_MS = 400;
const OUTAGE_MAX_MS = 8_000;
const WAIT_MS = 2_000;
/** Faults of connections that lose nothing that was written to them. */
const SOUND: readonly FaultName[] = ['latency', 'slices', 'small send buffers', 'slow close'];

export interface SupervisedResult {
  hits: ReadonlySet<SupervisedOutcome>;
  acknowledged: number;
}

export class SupervisedSimulation {
  readonly #world: VirtualWorld;
  readonly #random: RandomSource;
  readonly #network: SimNetwork;
  readonly #oracle = new Oracle();
  readonly #nodes: readonly SimNode[];
  readonly #supervisor: Supervisor;
  readonly #hits = new Set<SupervisedOutcome>();
  readonly #durationMs: number;
  /** The keys whose writes WAIT has acknowledged; each is written once. */
  readonly #acknowledged = new Set<string>();
  #written = 0;
  #isHealed = false;

  constructor(seed: number) {
    const random = RandomSource.fork(seed, 'supervised');
    this.#random = random;
    this.#durationMs = random.between(3_000, 15_000);
    const configuration = configure(seed, random);
    const world = new VirtualWorld(seed);
    this.#world = world;
    this.#network = new SimNetwork(world, seed, configuration);
    const disk = new VirtualDisk(RandomSource.fork(seed, 'disk'));
    const { network, oracle } = { network: this.#network, oracle: this.#oracle };
    this.#nodes = Array.from({ length: NODES }, (_, index) => {
      const own = RandomSource.fork(seed, `node ${index}`);
      const seams = {
        world,
        network,
        oracle,
        configuration,
        random: own,
        disk,
        gaveUp() {},
        crashed() {},
        reached() {},
      };
      return new SimNode(FIRST_PORT + index, false, seams);
    });
    this.#supervisor = new Supervisor({
      world,
      random: RandomSource.fork(seed, 'supervisor'),
      nodes: this.#nodes,
      reached: (outcome) => this.#hits.add(outcome),
    });
  }

  /** Throws when anything is not as it must be. */
  async play(): Promise<SupervisedResult> {
    this.#supervisor.start();
    this.#planWrite();
    this.#planFault();
    await this.#run(this.#durationMs, () => false);
    this.#isHealed = true;
    this.#supervisor.rest();
    this.#network.heal();
    for (const node of this.#nodes) node.resume();
    await this.#run(EQUAL_WITHIN_MS, () => this.#isSettled());
    if (!this.#isSettled()) throw new Error(`not all are equal after ${EQUAL_WITHIN_MS} ms without faults`);
    for (const node of this.#nodes) this.#expectAcknowledged(node);
    for (const node of this.#nodes) {
      node.checkLog();
      node.kill();
    }
    return { hits: this.#hits, acknowledged: this.#acknowledged.size };
  }

  async #run(durationMs: number, isDone: () => boolean): Promise<void> {
    const untilMs = this.#world.nowMs + durationMs;
    for (;;) {
      // Code that awaits goes on before the next event.
      await new Promise(setImmediate);
      if (isDone() || !this.#world.step(untilMs)) return;
      for (const node of this.#nodes) node.check();
      for (const node of this.#nodes) this.#oracle.check(node, node.held());
      this.#supervisor.expectOneLeader();
    }
  }

  #isSettled(): boolean {
    const { primary } = this.#supervisor;
    const isOne = this.#nodes.every((node) => node === primary || node.publisher === undefined);
    return isOne && primary.node?.failover.state === 'no-failover' && this.#supervisor.areLevel();
  }

  #expectAcknowledged({ address, node }: SimNode): void {
    for (const key of this.#acknowledged) {
      if (node!.engine.get(key) === undefined) {
        throw new Error(`${address.port} lacks ${key}, which WAIT has acknowledged`);
      }
    }
  }

  #planWrite(): void {
    this.#world.plan(this.#random.below(WRITE_MAX_MS), () => {
      if (this.#isHealed) return;
      this.#write(this.#random.pick(this.#nodes));
      this.#planWrite();
    });
  }

  /** A client writes to whom it takes for the primary, and waits until a replica has it. */
  #write({ node, isWell, primaryStore }: SimNode): void {
    const key = `key:${this.#written++}`;
    if (!isWell || node === undefined || primaryStore === undefined) return;
    // The gate would postpone or refuse it.
    if (node.lacksReplicas || node.failover.state !== 'no-failover') return;
    primaryStore.set(key, key);
    node.endTurn();
    node.wait(1, WAIT_MS).start((answer) => {
      if (answer instanceof Failure || Number(answer) < 1) return;
      this.#acknowledged.add(key);
      this.#hits.add('acknowledged');
    });
  }

  #planFault(): void {
    this.#world.plan(this.#random.below(FAULT_MAX_MS), () => {
      if (this.#isHealed) return;
      this.#disturb();
      this.#planFault();
    });
  }

  #disturb(): void {
    const random = this.#random;
    const kind = random.below(10);
    const pairs = this.#network.open();
    const pair = pairs.length === 0 ? undefined : random.pick(pairs);
    if (kind < 4) pair?.client.break();
    else if (kind < 7 && pair !== undefined) this.#stall(random.pick([pair.client, pair.server]));
    else if (kind < 9) this.#pause(random.pick(this.#nodes));
    else this.#kill(random.pick(this.#nodes));
  }

  #stall(end: { stall(): void; unstall(): void }): void {
    end.stall();
    this.#world.plan(this.#random.skewed(OUTAGE_MAX_MS), () => end.unstall());
  }

  #pause(node: SimNode): void {
    if (!node.isWell) return;
    node.pause();
    this.#world.plan(this.#random.skewed(OUTAGE_MAX_MS), () => node.resume());
  }

  /** Its memory is lost, which a cluster of three can bear once until all have everything again. */
  #kill(node: SimNode): void {
    if (!this.#supervisor.isWhole || this.#nodes.some(({ isUp }) => !isUp) || !node.isUp) return;
    this.#supervisor.loses(node);
    node.kill();
  }
}

function configure(seed: number, random: RandomSource): Configuration {
  return {
    ...drawConfiguration(seed),
    shards: random.pick([1, 2, 4]),
    replicas: NODES - 1,
    hasRelays: true,
    hasOutputs: false,
    taps: 0,
    hasExpiries: false,
    maxMemoryBytes: 0,
    sendPolicy: 'adaptive',
    backlogBytes: random.pick([2_000, 200_000]),
    subscriberQueueFrames: 1_024,
    subscriberQueueBytes: 16_777_216,
    foreignHistory: 'refuse',
    faults: new Set(SOUND.filter(() => random.chance(0.5))),
  };
}

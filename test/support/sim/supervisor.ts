/**
 * The supervisor of a simulation, as Sentinel or an operator is one: it knows who can be reached and how far
 * each has come, and nothing else. It promotes by offset, has primaries hand over, and points everybody at
 * who leads.
 *
 * A write that WAIT has acknowledged is on one of the two replicas. So it promotes only when both have
 * content that is level since the last memory was lost, takes both from the primary before it compares their
 * offsets, and promotes the one with the greater: then nothing more can be acknowledged that this one lacks.
 */
import type { RandomSource } from '../random.js';
import type { VirtualWorld } from '../virtual-world.js';
import type { SimNode } from './node.js';

/** Nobody is there. */
const NOWHERE = { host: '127.0.0.1', port: 1 };
const TICK_MAX_MS = 100;
const STEP_MAX_MS = 300;
const FAILOVER_TIMEOUT_MAX_MS = 3_000;

/** The outcomes of supervisors and their clusters; each must come about in some run. */
export const supervisedOutcomes = [
  'promoted by offset',
  'promoted beside a primary that lives',
  'handed over',
  'handed over to whichever has all',
  'a replica took over by itself',
  'given up in time',
  'found at its address',
  'back with the old history',
  'said to be dead',
  'acknowledged',
] as const;
export type SupervisedOutcome = (typeof supervisedOutcomes)[number];

export interface SupervisorOptions {
  world: VirtualWorld;
  random: RandomSource;
  nodes: readonly SimNode[];
  reached(outcome: SupervisedOutcome): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  #primary: SimNode;
  /** Whether nobody lacks anything that was acknowledged before the last loss of a memory. */
  #isWhole = false;
  /** Primaries that it has replaced, and that may not know it yet. */
  readonly #replaced = new Set<SimNode>();
  /** It is in the midst of a promotion. */
  #isBusy = false;
  /** Whether the primary was last asked to hand over to one that was named; undefined: it was not asked. */
  #handover: { wasTo: boolean } | undefined;
  #isResting = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#primary = options.nodes[0]!;
  }

  /** The node that leads, as far as it knows. */
  get primary(): SimNode {
    return this.#primary;
  }

  /** Whether one more memory may be lost without the loss of an acknowledged write. */
  get isWhole(): boolean {
    return this.#isWhole && !this.#isBusy;
  }

  start(): void {
    const [first, ...others] = this.#options.nodes;
    void first!.start({ primary: undefined }).then(() => first!.configure('min-replicas-to-write', '1'));
    for (const node of others) void node.start({ primary: first!.address });
    this.#planTick();
  }

  /** Promotes nobody any more without need, and keeps everybody where he is to be. */
  rest(): void {
    this.#isResting = true;
  }

  /**
   * A node is about to lose its memory. Writes that only it and the primary have are then with the primary
   * alone.
   */
  loses(node: SimNode): void {
    if (node.publisher === undefined) this.#isWhole = false;
  }

  /** Throws when two take writes, and not because it has replaced one that lived. */
  expectOneLeader(): void {
    for (const node of this.#replaced) if (node.publisher === undefined) this.#replaced.delete(node);
    const leading = this.#options.nodes.filter((node) => {
      const takesWrites = node.publisher !== undefined && node.node?.failover.state === 'no-failover';
      return takesWrites && !this.#replaced.has(node);
    });
    if (leading.length < 2) return;
    throw new Error(`two take writes: ${leading.map(({ address }) => address.port).join(' and ')}`);
  }

  /** Everyone follows the primary and holds what it holds. */
  areLevel(): boolean {
    const { publisher, primaryStore } = this.#primary;
    if (publisher === undefined || primaryStore === undefined) return false;
    const watermarks = primaryStore.watermarks().join();
    return this.#others().every(({ node }) => {
      const holding = node?.following?.follower.holding;
      const isSame = holding?.history?.id === publisher.history.id;
      return isSame && holding.store.watermarks().join() === watermarks;
    });
  }

  #others(): SimNode[] {
    return this.#options.nodes.filter((node) => node !== this.#primary);
  }

  #plan(withinMs: number, run: () => void): void {
    this.#options.world.plan(this.#options.random.below(withinMs), run);
  }

  #planTick(): void {
    this.#plan(TICK_MAX_MS, () => {
      this.#tick();
      this.#planTick();
    });
  }

  #tick(): void {
    if (this.#isBusy) return;
    if (this.#primary.isWell && this.#primary.node?.isReplica === true) this.#succeed(this.#primary);
    else this.#watchHandover();
    if (this.areLevel()) this.#isWhole = true;
    const { random } = this.#options;
    if (!this.#primary.isUp) this.#replace();
    else if (!this.#isResting && random.chance(0.03)) this.#promoteByOffset();
    else if (!this.#primary.isWell) return;
    else if (!this.#isResting && random.chance(0.05)) this.#handOver();
    else this.#point();
  }

  /** Points everybody at the primary who is elsewhere, but for those that follow it through another. */
  #point(): void {
    const isHandingOver = this.#primary.node?.failover.state !== 'no-failover';
    for (const node of this.#others()) {
      // It may have taken over, or have died as it did.
      if (isHandingOver && (node.publisher !== undefined || !node.isUp)) continue;
      if (!node.isUp) void node.start({ primary: this.#primary.address });
      if (!node.isWell || node.node === undefined) continue;
      const { primary } = node.node;
      const isBehind = this.#options.nodes.some(
        ({ address, node: other }) =>
          address.port === primary?.port && other?.primary?.port === this.#primary.address.port,
      );
      const isThere = primary?.port === this.#primary.address.port;
      if (!isThere && (!isBehind || this.#options.random.chance(0.1))) node.follow(this.#primary.address);
    }
  }

  /** The primary is dead: another one has promoted itself as that had ordered, or one is promoted. */
  #replace(): void {
    const heir = this.#others().find((node) => node.publisher !== undefined);
    if (heir === undefined) this.#promoteByOffset();
    else this.#lead(heir);
  }

  #promoteByOffset(): void {
    const replicas = this.#others();
    if (!this.#isWhole || replicas.some((node) => !node.isWell || node.held() === undefined)) return;
    this.#isBusy = true;
    for (const node of replicas) node.follow(NOWHERE);
    this.#plan(STEP_MAX_MS, () => {
      this.#isBusy = false;
      const [best] = replicas
        .filter((node) => node.isWell && node.held() !== undefined)
        .sort((one, other) => (offsetOf(one) > offsetOf(other) ? -1 : 1));
      // A node that is not there may have writes that the other lacks.
      if (best === undefined || replicas.some((node) => !node.isWell)) return;
      const before = this.#primary;
      this.#options.reached(before.isUp ? 'promoted beside a primary that lives' : 'promoted by offset');
      this.#replaced.add(before);
      best.promote();
      this.#lead(best);
    });
  }

  #lead(node: SimNode): void {
    this.#primary = node;
    this.#handover = undefined;
    this.#isWhole = false;
    node.configure('min-replicas-to-write', '1');
  }

  #handOver(): void {
    const { random, reached } = this.#options;
    const { node } = this.#primary;
    const failover = node?.failover;
    if (node === undefined || failover?.state !== 'no-failover') return;
    const chosen = random.pick(this.#others());
    if (random.chance(0.3)) {
      if (!chosen.isWell) return;
      chosen.node?.failover.takeOver(random.between(1, FAILOVER_TIMEOUT_MAX_MS)).start((answer) => {
        if (JSON.stringify(answer).includes('OK')) reached('a replica took over by itself');
      });
      this.#handover = { wasTo: true };
      return;
    }
    const wasTo = random.chance(0.5);
    const { host, port } = chosen.address;
    const to = wasTo ? `${host}:${port}` : undefined;
    const timeoutMs = random.between(1, FAILOVER_TIMEOUT_MAX_MS);
    if (failover.begin({ to, timeoutMs }) === undefined) this.#handover = { wasTo };
  }

  /** Finds out what has become of a failover. */
  #watchHandover(): void {
    const from = this.#primary;
    const failover = from.node?.failover;
    if (!from.isWell || failover === undefined) return;
    if (failover.state === 'failover-in-progress') this.#settle(from);
    else if (this.#handover !== undefined && failover.lastFault !== undefined) {
      const { reached } = this.#options;
      if (failover.lastFault.includes('is back')) reached('back with the old history');
      if (failover.lastFault.includes('had all')) reached('given up in time');
      this.#handover = undefined;
    }
  }

  /** The primary follows another one, perhaps at the late request of a replica. */
  #succeed(from: SimNode): void {
    const { nodes, reached } = this.#options;
    reached(this.#handover?.wasTo === false ? 'handed over to whichever has all' : 'handed over');
    if (from.log.some((line) => line.includes('its link is lost'))) reached('found at its address');
    const heir = nodes.find(({ address }) => address.port === from.node?.primary?.port);
    if (heir?.publisher !== undefined) this.#lead(heir);
    else if (heir !== undefined) {
      // It has died as a primary, and is to be replaced.
      this.#primary = heir;
      this.#handover = undefined;
    }
  }

  /**
   * The node that was ordered is dead: it may have led, and its own replica may have the writes that it
   * acknowledged.
   */
  #settle(from: SimNode): void {
    const others = this.#others();
    const living = others.filter(({ isUp }) => isUp);
    if (living.length === others.length) return;
    if (living.some((node) => !node.isWell || node.publisher !== undefined)) return;
    const further = living.find((node) => offsetOf(node) > offsetOf(from));
    if (further?.promote() === true) {
      this.#replaced.add(from);
      this.#lead(further);
    } else if (from.node?.failover.abort() === undefined) this.#options.reached('said to be dead');
  }
}

function offsetOf({ node }: SimNode): bigint {
  return node?.report().offsetRecords ?? 0n;
}

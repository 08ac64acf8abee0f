/** The nodes of a simulation: the primary, and the node that each replica follows. */
import type { RandomSource } from '../random.js';
import type { Configuration } from './configuration.js';
import type { SimNode } from './node.js';

export class Cluster {
  readonly nodes: readonly SimNode[];
  readonly #random: RandomSource;
  readonly #hasRelays: boolean;
  readonly #canRecover: boolean;
  /** The node that each node follows that is to be a replica. */
  readonly #upstream = new Map<SimNode, SimNode>();
  #primary: SimNode;

  constructor(nodes: readonly SimNode[], random: RandomSource, { hasRelays, hasOutputs }: Configuration) {
    this.nodes = nodes;
    this.#random = random;
    this.#hasRelays = hasRelays;
    this.#canRecover = hasRelays && !hasOutputs;
    this.#primary = nodes[0]!;
    this.#drawTree();
  }

  /** The one that all are to follow in the end; may be down. */
  get primary(): SimNode {
    return this.#primary;
  }

  /** Those that can be promoted. */
  get replicas(): SimNode[] {
    return this.nodes.filter((node) => node !== this.#primary && !node.isTap);
  }

  get taps(): SimNode[] {
    return this.nodes.filter(({ isTap }) => isTap);
  }

  /** Those that can be followed. */
  get servers(): SimNode[] {
    return this.nodes.filter(({ isTap }) => !isTap);
  }

  followersOf(node: SimNode): SimNode[] {
    return this.replicas.filter((replica) => this.#upstream.get(replica) === node);
  }

  /** Those that take writes now. */
  writable(): SimNode[] {
    return this.nodes.filter((node) => node.primaryStore !== undefined && node.isWell);
  }

  /** Starts it in the role that it has. */
  start(node: SimNode): void {
    const upstream = this.#upstream.get(node) ?? this.#primary;
    void node.start({ primary: node === this.#primary ? undefined : upstream.address });
  }

  /**
   * Starts the primary, which takes its content back from one of the others first; or not, where no other
   * could be asked, or where its own recording holds it up and the oracle would see its history too late.
   */
  recover(node: SimNode): void {
    if (node !== this.#primary || !this.#canRecover) {
      this.start(node);
      return;
    }
    void node.start({ primary: undefined, recover: this.replicas.map(({ address }) => address) });
  }

  startAnew(node: SimNode): void {
    node.kill();
    this.start(node);
  }

  /** Makes a replica the primary; false when it holds nothing, or nobody could follow it. */
  promote(node: SimNode): boolean {
    if (!this.#hasRelays || !node.promote()) return false;
    this.#upstream.set(this.#primary, node);
    this.#upstream.delete(node);
    this.#primary = node;
    return true;
  }

  /** A node that is not the primary follows another one from now on; false when it cannot. */
  redirect(node: SimNode, to: SimNode): boolean {
    if (node === this.#primary || to.isTap) return false;
    if (!this.#hasRelays && to !== this.#primary) return false;
    this.#upstream.set(node, to);
    node.follow(to.address);
    return true;
  }

  /** A node that was a primary and is not any more becomes a replica, in the process that it has. */
  rejoin(node: SimNode): void {
    if (node === this.#primary || !node.isUp || node.publisher === undefined) return;
    if (node.isWell) this.restore(node);
    else this.startAnew(node);
  }

  /** Has a node lead, or follow whom it is to follow, whatever it was asked before. */
  restore(node: SimNode): void {
    if (!node.isWell) return;
    if (node === this.#primary) node.node?.promote();
    else if (this.#isElsewhere(node)) node.follow(this.#upstream.get(node)!.address);
  }

  /**
   * Everyone is up, and follows the primary, through others or not. A node that does so already is left
   * alone.
   */
  heal(): void {
    const placed = [this.#primary, ...this.replicas.filter((node) => this.#leadsToPrimary(node))];
    for (const node of this.nodes) {
      const isLost = node !== this.#primary && !this.#leadsToPrimary(node);
      if (isLost) {
        this.#upstream.set(node, this.#random.pick(placed));
        if (!node.isTap) placed.push(node);
      }
      node.resume();
      if (node.isStopping || node.isStarting) node.kill();
      if (!node.isUp) this.start(node);
      else this.restore(node);
    }
  }

  #leadsToPrimary(node: SimNode): boolean {
    const passed = new Set<SimNode>();
    for (let at: SimNode | undefined = node; at !== undefined; at = this.#upstream.get(at)) {
      if (at === this.#primary) return true;
      if (passed.has(at)) return false;
      passed.add(at);
    }
    return false;
  }

  /** It leads, or follows another address than it is to. */
  #isElsewhere(node: SimNode): boolean {
    return node.node !== undefined && node.node.primary?.port !== this.#upstream.get(node)?.address.port;
  }

  #drawTree(): void {
    const placed = [this.#primary];
    for (const node of [...this.replicas, ...this.taps]) {
      this.#upstream.set(node, this.#hasRelays ? this.#random.pick(placed) : this.#primary);
      if (!node.isTap) placed.push(node);
    }
  }
}

/**
 * The faults that a cluster meets from time to time. Each fault that a seed has comes several times within
 * the run.
 */
import { evictionPolicies } from '../../../src/engine/memory-limit.js';
import { RandomSource } from '../random.js';
import { PERFECT_DISK, type VirtualDisk } from '../virtual-disk.js';
import type { VirtualConnection } from '../virtual-transport.js';
import type { Planned, VirtualWorld } from '../virtual-world.js';
import type { Cluster } from './cluster.js';
import {
  type Configuration,
  drawMemoryLimit,
  type FaultName,
  type TimedFault,
  timedFaults,
} from './configuration.js';
import type { SimNetwork } from './network.js';
import type { SimNode } from './node.js';

/** Many of them lead nowhere, as when the replica that is drawn holds nothing yet. */
const oftenFaults: ReadonlySet<TimedFault> = new Set([
  'promotion',
  'follows another',
  'follows one that lags',
  'joins at once',
]);
const STALL_MAX_MS = 8_000;
const PAUSE_MAX_MS = 8_000;
const DOWN_MAX_MS = 3_000;
const PROMOTION_MAX_MS = 500;
const ZOMBIE_MAX_MS = 5_000;
/** Between SIGTERM and SIGKILL. */
const LINGER_MAX_MS = 1_500;
const REFUSAL_MAX_MS = 4_000;
const DEAD_MAX_MS = 2_000;
const FRESH_MAX_MS = 2_000;
/** Nobody listens there. */
const DEAD_PORT = 6_999;

export class Faults {
  /** Those that happened. */
  readonly hits = new Set<FaultName>();
  readonly #world: VirtualWorld;
  readonly #network: SimNetwork;
  readonly #disk: VirtualDisk;
  readonly #cluster: Cluster;
  readonly #configuration: Configuration;
  readonly #random: RandomSource;
  readonly #kinds: Record<TimedFault, () => boolean>;
  /** The faults that are still to come. */
  readonly #planned: Planned[] = [];

  constructor(
    world: VirtualWorld,
    seed: number,
    configuration: Configuration,
    { network, disk, cluster }: { network: SimNetwork; disk: VirtualDisk; cluster: Cluster },
  ) {
    this.#world = world;
    this.#network = network;
    this.#disk = disk;
    this.#cluster = cluster;
    this.#configuration = configuration;
    this.#random = RandomSource.fork(seed, 'faults');
    this.#kinds = {
      stall: () => this.#onPair((client, server) => this.#stall([client, server])),
      'one-way stall': () =>
        this.#onPair((client, server) => this.#stall([this.#random.pick([client, server])])),
      reset: () => this.#onPair((client) => client.break()),
      'half-open': () => this.#onPair((client, server) => this.#random.pick([client, server]).vanish()),
      'refused connects': () => this.#receive('refused'),
      'silent connects': () => this.#receive('silent'),
      'primary paused': () => this.#pause(cluster.primary),
      'replica paused': () => this.#pause(this.#replica()),
      'primary crashed': () => this.#crash(cluster.primary),
      'replica crashed': () => this.#crash(this.#replica()),
      'primary restarted': () => this.#restart(cluster.primary),
      'replica restarted': () => this.#restart(this.#replica()),
      'clock jump': () => this.#jump(this.#random.pick([cluster.primary, ...cluster.replicas])),
      'joins at once': () => this.#joinAtOnce(this.#random.pick([5, 100, 1_000])),
      promotion: () => this.#promote(this.#replica()),
      'follows another': () => this.#followAnother(this.#replica()),
      'follows one that lags': () => this.#followLagging(this.#replica(), this.#replica()),
      'primary follows': () => this.#swap(this.#replica()),
      'follows a dead address': () => this.#followNobody(this.#random.pick(cluster.servers)),
      settings: () => this.#configure(this.#random.pick(cluster.servers)),
      'tap crashed': () => this.#crash(this.#tap()),
      'tap restarted': () => this.#restart(this.#tap()),
      'slow disk': () => this.#slowDisk(),
      'primary recovers': () => this.#recover(cluster.primary),
      'declared fresh': () => this.#declareFresh(this.#random.pick(cluster.servers)),
    };
  }

  start(): void {
    for (const name of timedFaults) {
      if (!this.#configuration.faults.has(name)) continue;
      const most = oftenFaults.has(name) ? 12 : 5;
      this.#planNext(name, this.#configuration.durationMs / this.#random.between(1, most));
    }
  }

  /** No more of them come: others end the faults that last. */
  end(): void {
    for (const planned of this.#planned) planned.run = undefined;
  }

  #planNext(name: TimedFault, meanMs: number): void {
    this.#plan(Math.ceil(meanMs * 2), () => {
      if (this.#kinds[name]()) this.hits.add(name);
      this.#planNext(name, meanMs);
    });
  }

  #plan(withinMs: number, run: () => void): void {
    this.#planned.push(this.#world.plan(this.#random.below(withinMs), run));
  }

  #onPair(harm: (client: VirtualConnection, server: VirtualConnection) => void): boolean {
    const open = this.#network.open();
    if (open.length === 0) return false;
    const { client, server } = this.#random.pick(open);
    harm(client, server);
    return true;
  }

  #stall(ends: VirtualConnection[]): void {
    for (const end of ends) end.stall();
    this.#plan(STALL_MAX_MS, () => {
      for (const end of ends) end.unstall();
    });
  }

  #receive(reception: 'refused' | 'silent'): boolean {
    this.#network.setReception(() => reception);
    this.#plan(REFUSAL_MAX_MS, () => this.#network.setReception(() => 'open'));
    return true;
  }

  #replica(): SimNode | undefined {
    const replicas = this.#cluster.replicas;
    return replicas.length === 0 ? undefined : this.#random.pick(replicas);
  }

  #tap(): SimNode | undefined {
    const { taps } = this.#cluster;
    return taps.length === 0 ? undefined : this.#random.pick(taps);
  }

  #pause(node: SimNode | undefined): boolean {
    if (node === undefined || !node.isUp || node.isPaused) return false;
    node.pause();
    this.#plan(PAUSE_MAX_MS, () => node.resume());
    return true;
  }

  #crash(node: SimNode | undefined, downMaxMs = DOWN_MAX_MS): boolean {
    if (node === undefined || !node.isUp) return false;
    node.kill();
    this.#startLater(node, downMaxMs);
    return true;
  }

  /** Its supervisor has it ask its replicas, which may lag or be paused, or be down as well. */
  #recover(node: SimNode): boolean {
    if (!this.#configuration.hasRelays || !node.isUp || this.#cluster.replicas.length === 0) return false;
    node.kill();
    this.#plan(DOWN_MAX_MS, () => {
      if (!node.isUp) this.#cluster.recover(node);
    });
    return true;
  }

  #restart(node: SimNode | undefined): boolean {
    if (node === undefined || !node.isUp || node.isPaused || node.isStopping) return false;
    node.stop();
    this.#plan(LINGER_MAX_MS, () => {
      node.kill();
      this.#startLater(node, DOWN_MAX_MS);
    });
    return true;
  }

  #startLater(node: SimNode, withinMs: number): void {
    this.#plan(withinMs, () => {
      if (!node.isUp) this.#cluster.start(node);
    });
  }

  #joinAtOnce(withinMs: number): boolean {
    return this.#cluster.replicas.filter((node) => this.#crash(node, withinMs)).length > 1;
  }

  /** Others may lag behind who is promoted, or be ahead of it. */
  #promote(node: SimNode | undefined): boolean {
    if (node === undefined || !node.isWell || node.held() === undefined) return false;
    for (const replica of this.#cluster.replicas) if (this.#random.chance(0.5)) this.#stallLinks(replica);
    this.#plan(PROMOTION_MAX_MS, () => this.#finishPromotion(node));
    return true;
  }

  /** The primary before may go on for a while, unaware, and take writes that are lost. */
  #finishPromotion(node: SimNode): void {
    const { primary, replicas } = this.#cluster;
    if (!node.isWell || !this.#cluster.promote(node)) return;
    if (this.#random.chance(0.5)) this.#crash(primary);
    else this.#plan(ZOMBIE_MAX_MS, () => this.#cluster.rejoin(primary));
    for (const sibling of replicas) {
      if (sibling !== node && this.#random.chance(0.7)) {
        this.#plan(PROMOTION_MAX_MS, () => this.#redirect(sibling, node));
      }
    }
  }

  /**
   * The primary follows a replica, which is promoted only then; or after all not, and the primary is one
   * again.
   */
  #swap(node: SimNode | undefined): boolean {
    const { primary } = this.#cluster;
    if (node?.held() === undefined || !node.isWell || !primary.isWell) return false;
    if (!this.#configuration.hasRelays) return false;
    primary.follow(node.address);
    this.#plan(PROMOTION_MAX_MS, () => {
      if (this.#cluster.primary !== primary) return;
      if (!node.isWell || !this.#cluster.promote(node)) this.#cluster.restore(primary);
    });
    return true;
  }

  /** It follows an address for a while at which nobody is; those who follow it stay. */
  #followNobody(node: SimNode): boolean {
    if (!node.isWell) return false;
    node.follow({ host: '127.0.0.1', port: DEAD_PORT });
    this.#plan(DEAD_MAX_MS, () => this.#cluster.restore(node));
    return true;
  }

  /** Changes a setting, as a client does with CONFIG SET. */
  #configure(node: SimNode): boolean {
    if (!node.isWell) return false;
    const random = this.#random;
    const maxMemoryBytes = drawMemoryLimit(random, this.#configuration.shards);
    const [name, value] = random.pick([
      ['maxmemory', maxMemoryBytes],
      ['maxmemory-policy', random.pick(evictionPolicies)],
      ['maxmemory-samples', random.between(1, 64)],
      ['min-replicas-to-write', random.below(3)],
      ['min-replicas-max-lag', random.below(3)],
    ] as const);
    node.configure(name, String(value));
    return true;
  }

  /** For a while its operator means that replicas give up other histories for what it serves. */
  #declareFresh(node: SimNode): boolean {
    if (!node.isWell) return false;
    node.meanHistory(true);
    this.#plan(FRESH_MAX_MS, () => {
      node.meanHistory(false);
    });
    return true;
  }

  #slowDisk(): boolean {
    this.#disk.conditions = {
      latencyMs: this.#random.skewed(2_000),
      bufferBytes: this.#random.between(1, 5_000),
    };
    this.#plan(STALL_MAX_MS, () => {
      this.#disk.conditions = PERFECT_DISK;
    });
    return this.#configuration.hasOutputs || this.#cluster.taps.length > 0;
  }

  /** To whomever, and often to one that follows this very replica. */
  #followAnother(node: SimNode | undefined): boolean {
    if (node === undefined) return false;
    const followers = this.#cluster.followersOf(node);
    const ofFollowers = followers.length > 0 && this.#random.chance(0.5);
    return this.#redirect(node, this.#random.pick(ofFollowers ? followers : this.#cluster.nodes));
  }

  /** A replica follows another one whose own link is stalled. */
  #followLagging(node: SimNode | undefined, relay: SimNode | undefined): boolean {
    if (node === undefined || relay === undefined || relay.held() === undefined) return false;
    if (!this.#stallLinks(relay)) return false;
    this.#plan(STALL_MAX_MS / 4, () => this.#redirect(node, relay));
    return true;
  }

  /** Stalls the bytes that a replica gets from the node that it follows, not those that it sends on. */
  #stallLinks(replica: SimNode): boolean {
    const links = this.#network.open().filter(({ client }) => replica.owns(client));
    if (links.length > 0) this.#stall(links.map(({ server }) => server));
    return links.length > 0;
  }

  #redirect(node: SimNode | undefined, to: SimNode): boolean {
    if (node === undefined || node === to || !node.isWell) return false;
    return this.#cluster.redirect(node, to);
  }

  #jump(node: SimNode): boolean {
    node.setClock(this.#random.between(-600_000, 600_000));
    return true;
  }
}

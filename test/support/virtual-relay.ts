/**
 * A replica that replicas follow, wired as `Replica` wires it: it may follow another primary, be promoted,
 * and go back.
 */

import { newNodeId } from '../../src/replication/link/path.js';
import { ReplicationMetrics } from '../../src/replication/metrics.js';
import { ReplicaListener, type ReplicaListenerOptions } from '../../src/replication/primary/listener.js';
import { beginHistory } from '../../src/replication/relay/promotion.js';
import { Relay } from '../../src/replication/relay/relay.js';
import type { Follower } from '../../src/replication/replica/follower.js';
import type { Holding } from '../../src/replication/replica/holding.js';
import type { ForeignHistory } from '../../src/replication/replica/session-options.js';
import { Publisher } from '../../src/replication/stream/publisher.js';
import { parseAddress } from '../../src/transport/address.js';
import { makeTestStore, type TestStoreKind } from './kernel-store.js';
import type { TestStore } from './map-store.js';
import { MemoryLog, startFollower, type VirtualFollower } from './virtual-cluster.js';
import type { VirtualTransport } from './virtual-transport.js';
import type { VirtualWorld } from './virtual-world.js';

export interface VirtualRelayOptions {
  kind?: TestStoreKind;
  /** The primary's address. */
  address: string;
  /** Its own. */
  bind: string;
  backlogBytes?: number;
  listener?: Partial<ReplicaListenerOptions>;
  allowEmptySnapshot?: boolean;
  foreignHistory?: ForeignHistory;
  /** Shards of what is promoted while it holds nothing; default 1. */
  shards?: number;
}

export class VirtualRelay {
  readonly relay: Relay;
  readonly log = new MemoryLog();
  /** The counters of its serving of replicas. */
  readonly metrics = new ReplicationMetrics();
  listener!: ReplicaListener;
  following: VirtualFollower | undefined;
  publisher: Publisher | undefined;
  readonly #world: VirtualWorld;
  readonly #transport: VirtualTransport;
  readonly #options: VirtualRelayOptions;

  static async start(
    world: VirtualWorld,
    transport: VirtualTransport,
    options: VirtualRelayOptions,
  ): Promise<VirtualRelay> {
    const node = new VirtualRelay(world, transport, options);
    node.listener = await ReplicaListener.start({
      route: 'full-key',
      transport,
      bind: parseAddress(options.bind),
      stream: () => node.publisher ?? node.relay.stream,
      isRelay: () => node.publisher === undefined,
      ...world.seams,
      metrics: node.metrics,
      log: node.log,
      token: undefined,
      isFresh: () => false,
      status: () => undefined,
      snapshotChunkBytes: 4_096,
      subscriberQueueFrames: 1_024,
      subscriberQueueBytes: 16_777_216,
      encoding: {},
      maxReplicas: 16,
      ...options.listener,
    });
    node.follow(options.address);
    return node;
  }

  private constructor(world: VirtualWorld, transport: VirtualTransport, options: VirtualRelayOptions) {
    this.#world = world;
    this.#transport = transport;
    this.#options = options;
    this.relay = new Relay({
      nodeId: newNodeId(world.seams.random),
      backlogBytes: options.backlogBytes ?? 1_048_576,
      random: world.seams.random,
      log: this.log,
    });
  }

  get follower(): Follower {
    return this.following!.follower;
  }

  readonly store = () => (this.publisher?.store ?? this.following?.store()) as TestStore | undefined;

  /** Follows another primary, as with REPLICAOF: the held content is continued if that primary can. */
  follow(address: string): void {
    let holding: Holding | undefined = this.following?.follower.holding;
    if (this.publisher !== undefined) {
      const { publisher } = this;
      publisher.close('its primary follows another one now');
      this.relay.demoted(publisher);
      (publisher.store as TestStore).setReplica(true);
      holding = { store: publisher.store, history: publisher.history };
      this.publisher = undefined;
    }
    this.following?.follower.stop();
    const { kind = 'map', allowEmptySnapshot, foreignHistory } = this.#options;
    this.following = startFollower(this.#world, this.#transport, {
      kind,
      address: parseAddress(address),
      holding,
      relay: this.relay,
      allowEmptySnapshot,
      foreignHistory,
      isRequested: true,
    });
  }

  /** Leads, as with REPLICAOF NO ONE. */
  promote(): Publisher {
    const { follower } = this;
    const { seams } = this.#world;
    const { kind = 'map', shards = 1 } = this.#options;
    follower.stop();
    const { holding } = follower;
    const store = (holding?.store as TestStore) ?? makeTestStore(kind, { shards, clock: seams.clock });
    const { history, backlog } = beginHistory(seams, store, holding, this.relay);
    store.setReplica(false);
    this.following = undefined;
    this.publisher = new Publisher({
      ...seams,
      store,
      history,
      metrics: this.metrics,
      log: this.log,
      sendPolicy: 'adaptive',
      batchMaxDelayUs: 750,
      nodeId: this.relay.nodeId,
      backlogBytes: 1_048_576,
      backlog,
      encoding: {},
    });
    return this.publisher;
  }

  async stop(): Promise<void> {
    this.following?.follower.stop();
    this.publisher?.close();
    await this.listener.close();
  }
}

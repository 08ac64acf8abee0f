/**
 * A replica, embedded or behind the command line: a node that starts by following, and is read at memory
 * speed.
 */
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FollowerState } from '../replication/replica/follower.js';
import type { ReplicaStatus } from '../status/report.js';
import { parseAddress } from '../transport/address.js';
import { type Bytes, keyBytes } from './bytes.js';
import { replicaConfig } from './config.js';
import type { ReplicaEvents } from './events.js';
import { Node } from './node.js';
import type { ReplicaOptions } from './options.js';
import { systemNodeSeams } from './system-seams.js';

/**
 * ```js
 * const replica = await Replica.follow('127.0.0.1:7631');
 * replica.on('caught-up', () => console.log(replica.get('greeting')?.toString()));
 * ```
 */
export class Replica {
  /** `host:port` where replicas of this replica connect, undefined without `bind`. */
  readonly bindAddress: string | undefined;
  /** `host:port` where clients connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #node: Node;

  /**
   * Resolves when it listens, if it is to; connecting to the primary goes on by itself, and starts over when
   * it fails. Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED (`record`),
   * READ_FAILED and STATE_UNUSABLE (`state`).
   */
  static async follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
    return new Replica(await Node.start(replicaConfig(address, options), systemNodeSeams));
  }

  private constructor(node: Node) {
    this.#node = node;
    this.bindAddress = node.bindAddress;
    this.listenAddress = node.listenAddress;
    this.metricsAddress = node.metricsAddress;
  }

  /** Where following stands; undefined once it is promoted. */
  get state(): FollowerState | undefined {
    return this.#node.following?.follower.state;
  }

  /**
   * The history of what is held; undefined when nothing is, or a Rust primary's, which has none but with
   * `bind`.
   */
  get history(): string | undefined {
    return this.#node.history?.id;
  }

  /** The primary's shards; 1 until the first content is whole. */
  get shards(): number {
    return this.#node.holding?.store.shards ?? this.#node.engine.shards;
  }

  /**
   * The value, own memory; undefined when there is no such key or it has expired. Touches no socket. Texts
   * are UTF-8.
   */
  get(key: Bytes): Buffer | undefined {
    return this.#node.engine.get(keyBytes(key));
  }

  /** Keys that are held, those included that have expired and are not deleted yet. */
  keyCount(): number {
    return this.#node.engine.keyCount();
  }

  /** Each shard's highest sequence that is applied; empty until the first content is whole. */
  watermarks(): bigint[] {
    return this.#node.watermarks();
  }

  /**
   * Follows another primary; what is held stays readable, and is continued if that primary can. Throws
   * BAD_OPTION, CLOSED.
   */
  follow(address: string): void {
    this.#node.follow(parseAddress(address));
  }

  /**
   * Leaves the primary and takes writes from clients, in a new history that continues the old one. With
   * `bind`, replicas that are not ahead of this one and follow it now carry on from what they hold. Throws
   * CLOSED, and NO_CONTENT when it keeps no content (`state`).
   */
  promote(): void {
    this.#node.promote();
  }

  /** As `Primary.replicas`, of the replicas of this replica. */
  replicas(): ReplicaStatus[] {
    return this.#node.replicas();
  }

  metrics(): MetricsSnapshot {
    return this.#node.metrics.snapshot();
  }

  on<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#node.events.on(name, listener);
    return this;
  }

  off<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#node.events.off(name, listener);
    return this;
  }

  /**
   * Leaves the primary and closes its own ports, the dump and the state, all changes given; what is held
   * stays readable by `get`. Throws WRITE_FAILED (`state`; `record`, when the dump is not whole).
   */
  close(): Promise<void> {
    return this.#node.close();
  }
}

/**
 * A replica, embedded or behind the command line: a node that begins by following a primary, and whose
 * content is read at memory speed.
 */
import type { Bytes } from '../engine/bytes.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FollowerState } from '../replication/replica/follower.js';
import type { ReplicaStatus } from '../status/report.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import { replicaConfig } from './config.js';
import type { ReplicaEvents } from './events.js';
import { Node } from './node.js';
import type { ReplicaOptions } from './option-types.js';
import { systemNodeSeams } from './system-seams.js';

/**
 * A node that begins by following a primary.
 *
 * ```js
 * const replica = await Replica.follow('127.0.0.1:7631');
 * replica.on('caught-up', () => console.log(replica.get('greeting')?.toString()));
 * ```
 */
export class Replica {
  /** `host:port` where replicas of this replica connect besides `listen`, undefined without `bind`. */
  readonly bindAddress: string | undefined;
  /** `host:port` where clients and replicas connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  /** The same for clients that connect by TLS, undefined without `listenTls`. */
  readonly listenTlsAddress: string | undefined;
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #node: Node;

  /**
   * Resolves when the ports that were asked for are open; connecting to the primary continues by itself, and
   * is repeated when it fails. Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED
   * (`record`), READ_FAILED and STATE_UNUSABLE (`state`), NO_INPUT and TLS_UNUSABLE (files of TLS).
   */
  static async follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
    return new Replica(await Node.start(replicaConfig(address, options), systemNodeSeams));
  }

  private constructor(node: Node) {
    this.#node = node;
    this.bindAddress = node.bindAddress;
    this.listenAddress = node.clientPorts?.address;
    this.listenTlsAddress = node.clientPorts?.secureAddress;
    this.metricsAddress = node.metricsAddress;
  }

  /** The primary that it follows, `host:port`; undefined once it is promoted. */
  get primary(): string | undefined {
    const { primary } = this.#node;
    return primary && formatAddress(primary);
  }

  /**
   * Whether it was primary before, as its role file says, and has come back without its data: it takes no
   * writes until it follows another node, or begins anew.
   */
  get lacksData(): boolean {
    return this.#node.lacksData;
  }

  /** The state of following; undefined once the replica is promoted. */
  get state(): FollowerState | undefined {
    return this.#node.following?.follower.state;
  }

  /**
   * The history of the content; undefined while there is none, and for the content of a Rust primary, which
   * has a history with `bind` or `listen` only.
   */
  get history(): string | undefined {
    return this.#node.history?.id;
  }

  /** The primary's shards; 1 until the first content is whole. */
  get shards(): number {
    return this.#node.holding?.store.shards ?? this.#node.engine.shards;
  }

  /**
   * The value, in memory of its own; undefined when there is no such key or it has expired. No socket is
   * touched. Texts are UTF-8.
   */
  get(key: Bytes): Buffer | undefined {
    return this.#node.engine.get(key);
  }

  /** The number of keys, those included that have expired and are not deleted yet. */
  keyCount(): number {
    return this.#node.engine.keyCount();
  }

  /** Each shard's highest applied sequence; empty until the first content is whole. */
  watermarks(): bigint[] {
    return this.#node.watermarks();
  }

  /**
   * Follows another primary; the content stays readable, and is continued if that primary can. Throws
   * BAD_OPTION, CLOSED.
   */
  follow(address: string): void {
    this.#node.follow(parseAddress(address));
  }

  /**
   * Leaves the primary and takes writes from clients, in a new history that continues the old one. With
   * a port, replicas that are not ahead of this one and follow it now continue from what they have. Throws
   * CLOSED, and NO_CONTENT when it keeps no content (`state`).
   */
  promote(): void {
    this.#node.promote();
  }

  /** The replicas of this replica, as `Primary.replicas` lists those of a primary. */
  replicas(): ReplicaStatus[] {
    return this.#node.replicas();
  }

  metrics(): MetricsSnapshot {
    return this.#node.metrics.snapshot();
  }

  /**
   * Reads the files of `tlsCert`, `tlsKey` and `tlsCa` anew, and logs it. Where they cannot be used, those of
   * before stay in force. Without TLS it does nothing.
   */
  reloadCertificates(): void {
    this.#node.seams.tls?.reload(this.#node.events.log);
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
   * Leaves the primary and closes this node's ports, the dump and the state, after all changes were given;
   * the content stays readable by `get`. Throws WRITE_FAILED (`state`; `record`, when the dump is not whole).
   */
  close(): Promise<void> {
    return this.#node.close();
  }
}

/** A replica, embedded or behind the command line: follows a primary and is read at memory speed. */
import { systemSeams } from '../clock.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FollowerState } from '../replication/replica/follower.js';
import type { ReplicaStatus } from '../status/report.js';
import { parseAddress } from '../transport/address.js';
import { replicaConfig } from './config.js';
import type { ReplicaEvents } from './events.js';
import {
  buildParts,
  closeParts,
  follow,
  openReplicaDoor,
  promote,
  type ReplicaParts,
  roleOf,
} from './following.js';
import type { ReplicaOptions } from './options.js';
import { type Bytes, keyBytes, openMetrics } from './ports.js';

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
  readonly #parts: ReplicaParts;

  /**
   * Resolves when it listens, if it is to; connecting to the primary goes on by itself, and starts over when it fails.
   * Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED (`record`), READ_FAILED and STATE_UNUSABLE
   * (`state`).
   */
  static async follow(address: string, options: ReplicaOptions = {}): Promise<Replica> {
    const parts = buildParts(replicaConfig(address, options));
    try {
      parts.door = await openReplicaDoor(parts);
      const listenAddress = await parts.server?.listen();
      parts.metricsPort = await openMetrics({ ...parts, report: () => roleOf(parts).report() });
      const replica = new Replica(parts, listenAddress);
      // Only who has its ports may take a dump's place.
      parts.outputs.recorder?.begin();
      parts.outputs.start();
      // In the next turn, so that whoever waits for this replica hears of its first event.
      systemSeams.timers.endOfTurn(() => {
        if (!parts.isClosed) parts.follower?.start();
      });
      return replica;
    } catch (error) {
      await closeParts(parts);
      throw error;
    }
  }

  private constructor(parts: ReplicaParts, listenAddress: string | undefined) {
    this.#parts = parts;
    this.bindAddress = parts.door?.address;
    this.listenAddress = listenAddress;
    this.metricsAddress = parts.metricsPort?.address;
  }

  /** Where following stands; undefined once it is promoted. */
  get state(): FollowerState | undefined {
    return this.#parts.follower?.state;
  }

  /** The history of what is held; undefined when nothing is, or a Rust primary's, which has none but with `bind`. */
  get history(): string | undefined {
    return roleOf(this.#parts).history?.id;
  }

  /** The primary's shards; 1 until the first content is whole. */
  get shards(): number {
    const { follower, engine } = this.#parts;
    return follower?.holding?.store.shards ?? engine.shards;
  }

  /** The value, own memory; undefined when there is no such key or it has expired. Touches no socket. Texts are UTF-8. */
  get(key: Bytes): Buffer | undefined {
    return this.#parts.engine.get(keyBytes(key));
  }

  /** Keys that are held, those that have expired and are not deleted yet included. */
  keyCount(): number {
    return this.#parts.engine.keyCount();
  }

  /** Each shard's highest sequence that is applied; empty until the first content is whole. */
  watermarks(): bigint[] {
    const { promoted, follower } = this.#parts;
    return promoted?.publisher.watermarks() ?? follower?.holding?.store.watermarks() ?? [];
  }

  /** Follows another primary; what is held stays readable, and is continued if that primary can. Throws BAD_OPTION. */
  follow(address: string): void {
    follow(this.#parts, parseAddress(address));
  }

  /**
   * Leaves the primary and takes writes from clients, in a new history that continues the old one. With `bind`, replicas
   * that are not ahead of this one and follow it now carry on from what they hold. Throws BAD_OPTION when
   * it keeps no content (`state`).
   */
  promote(): void {
    promote(this.#parts);
  }

  /** As `Primary.replicas`, of the replicas of this replica. */
  replicas(): ReplicaStatus[] {
    const { serving } = roleOf(this.#parts).report();
    return serving === undefined ? [] : [...serving.connected, ...serving.departed];
  }

  metrics(): MetricsSnapshot {
    return this.#parts.metrics.snapshot();
  }

  on<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#parts.events.on(name, listener);
    return this;
  }

  off<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): this {
    this.#parts.events.off(name, listener);
    return this;
  }

  /**
   * Leaves the primary and closes its own ports, the dump and the state, all changes given; what is held stays readable by
   * `get`. Throws WRITE_FAILED (`state`; `record`, when the dump is not whole).
   */
  close(): Promise<void> {
    return closeParts(this.#parts);
  }
}

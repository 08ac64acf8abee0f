/** A server, embedded or behind the command line, and a primary: a node that begins by leading. */
import { type Bytes, bytesAtMost } from '../engine/bytes.js';
import { outOfMemory } from '../engine/kernel.js';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FollowerState } from '../replication/replica/follower.js';
import type { ReplicaStatus } from '../status/report.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import { primaryConfig, serverConfig } from './config.js';
import type { PrimaryEvents } from './events.js';
import { Node } from './node.js';
import type { PrimaryOptions, ServerOptions } from './option-types.js';
import { systemNodeSeams } from './system-seams.js';

/**
 * A node that begins by leading or, with `replicaOf`, by following; or as its role file or its Sentinels say.
 *
 * ```js
 * const server = await Server.start({ listen: '127.0.0.1:6380', roleFile: 'server.role' });
 * server.primary; // '10.0.0.2:6380', or undefined while it leads
 * ```
 *
 * `follow`, or a client's REPLICAOF, turns a primary into a replica: it then emits a replica's events, and
 * refuses writes until it is promoted again.
 */
export class Server {
  /** `host:port` where replicas connect, undefined without `bind`. */
  readonly bindAddress: string | undefined;
  /** `host:port` where clients connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  /** `host:port` where clients connect by TLS, undefined without `listenTls`. */
  readonly listenTlsAddress: string | undefined;
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #node: Node;

  /**
   * Resolves when it listens; connecting to a primary continues by itself. Throws BAD_OPTION,
   * INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED, READ_FAILED and STATE_UNUSABLE (`record`,
   * `roleFile`, `idFile`); with `load`, its file and byte offset named, NO_INPUT, OUT_OF_MEMORY and the
   * errors with which dumps are refused (`FCRP_*`, SEQUENCE_GAP, …); with `recover` PRIMARY_EXISTS,
   * RECOVERY_FAILED and TOKEN_REFUSED; and with files of TLS NO_INPUT and TLS_UNUSABLE.
   */
  static async start(options: ServerOptions = {}): Promise<Server> {
    return new Server(await Node.start(serverConfig(options), systemNodeSeams));
  }

  protected constructor(node: Node) {
    this.#node = node;
    this.bindAddress = node.bindAddress;
    this.listenAddress = node.clientPorts?.address;
    this.listenTlsAddress = node.clientPorts?.secureAddress;
    this.metricsAddress = node.metricsAddress;
  }

  /**
   * The run of sequences that began with this start, or that it follows, as 32 hex digits
   * (docs/architecture.md, "Histories"); empty where it follows and has no content yet.
   */
  get history(): string {
    return this.#node.history?.id ?? '';
  }

  /** The sequence before the first one of every shard; 0 where there is no history yet. */
  get base(): bigint {
    return this.#node.history?.base ?? 0n;
  }

  /** The primary that it follows, `host:port`; undefined while it is one. */
  get primary(): string | undefined {
    const { primary } = this.#node;
    return primary && formatAddress(primary);
  }

  /**
   * Whether it was primary before and has come back without its data: it takes no writes until it follows
   * another node, or begins anew.
   */
  get lacksData(): boolean {
    return this.#node.lacksData;
  }

  get shards(): number {
    return this.#node.engine.shards;
  }

  /** The state of following; undefined while it is a primary. */
  get state(): FollowerState | undefined {
    return this.#node.following?.follower.state;
  }

  /**
   * The value, in memory of its own; undefined when there is no such key or it has expired. Texts are UTF-8.
   */
  get(key: Bytes): Buffer | undefined {
    return this.#node.engine.get(key);
  }

  /**
   * Sets a key; without `expireAtMs` (Unix ms) it never expires, and with one in the past it is deleted.
   * Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT, BAD_OPTION, and READ_ONLY while it follows.
   */
  set(key: Bytes, value: Bytes, { expireAtMs }: { expireAtMs?: number } = {}): void {
    const engine = this.#writable();
    if (!engine.makeRoom()) throw outOfMemory(bytesAtMost(key) + bytesAtMost(value));
    engine.set(key, value, toExpiry(expireAtMs));
  }

  /** Deletes a key; returns whether it was there. Throws OUT_OF_MEMORY, and READ_ONLY while it follows. */
  del(key: Bytes): boolean {
    return this.#writable().del(key);
  }

  /**
   * Sets when a key expires (Unix ms), or with undefined that it never does; returns whether the key was
   * there. Throws OUT_OF_MEMORY, BAD_OPTION, and READ_ONLY while it follows.
   */
  expire(key: Bytes, expireAtMs: number | undefined): boolean {
    return this.#writable().expire(key, toExpiry(expireAtMs));
  }

  /** The number of keys, those included that have expired and are not deleted yet. */
  keyCount(): number {
    return this.#node.engine.keyCount();
  }

  /**
   * Each shard's highest sequence that replicas could have; records that still wait in a batch are above it.
   */
  watermarks(): bigint[] {
    return this.#node.watermarks();
  }

  /**
   * The replicas that are connected and, behind them with the state `gone`, those that left within the last
   * hour, at most 64 of the latter.
   */
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

  /** Sends at once what waits in batches, whatever the send policy. */
  flush(): void {
    this.#node.leading?.publisher.flush();
  }

  /**
   * Follows another primary, as REPLICAOF does: the content stays readable until that primary's is whole, and
   * is continued if that primary can; writes are refused. Throws BAD_OPTION, CLOSED.
   */
  follow(address: string): void {
    this.#node.follow(parseAddress(address));
  }

  /**
   * Leaves the primary that it follows and takes writes again, in a new history that continues the old one.
   * Throws CLOSED.
   */
  promote(): void {
    this.#node.promote();
  }

  on<Name extends keyof PrimaryEvents>(name: Name, listener: (event: PrimaryEvents[Name]) => void): this {
    this.#node.events.on(name, listener);
    return this;
  }

  off<Name extends keyof PrimaryEvents>(name: Name, listener: (event: PrimaryEvents[Name]) => void): this {
    this.#node.events.off(name, listener);
    return this;
  }

  /**
   * Sends clients' last replies, publishes what waits, and closes all ports and the dump. Throws WRITE_FAILED
   * when the dump is not whole.
   */
  close(): Promise<void> {
    return this.#node.close();
  }

  /** The store, while it may be written to. Throws READ_ONLY. */
  #writable() {
    const { engine, primary, lacksData, failover } = this.#node;
    if (failover.state !== 'no-failover') {
      throw new FastcacheError(
        'READ_ONLY',
        'This node hands over to a replica and takes no writes meanwhile.',
      );
    }
    if (lacksData) {
      throw new FastcacheError(
        'NO_CONTENT',
        'This node was primary before and has come back without its data; follow() a node that has the data, or ' +
          'start with `freshHistory` to begin anew.',
      );
    }
    if (primary === undefined) return engine;
    const address = formatAddress(primary);
    const message = `This node follows ${address} and takes no writes; promote() lets it take them.`;
    throw new FastcacheError('READ_ONLY', message, { address });
  }
}

/**
 * A server that begins by leading, unless its role file or its Sentinels say otherwise.
 *
 * ```js
 * const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false });
 * primary.set('greeting', 'hello', { expireAtMs: Date.now() + 60_000 });
 * primary.get('greeting')?.toString(); // 'hello'
 * await primary.close();
 * ```
 */
export class Primary extends Server {
  /** `host:port` where replicas connect. */
  declare readonly bindAddress: string;

  /** As `Server.start`. */
  static override async start(options: PrimaryOptions = {}): Promise<Primary> {
    return new Primary(await Node.start(primaryConfig(options), systemNodeSeams));
  }
}

/** The engine's expiry of a time; no time is no expiry. Throws BAD_OPTION. */
function toExpiry(expireAtMs: number | undefined): bigint {
  if (expireAtMs !== undefined && !(Math.abs(expireAtMs) <= Number.MAX_SAFE_INTEGER)) {
    throw new FastcacheError('BAD_OPTION', `expireAtMs must be Unix milliseconds; it is ${expireAtMs}.`);
  }
  return expireAtMs === undefined ? NO_EXPIRY : BigInt(Math.max(0, Math.trunc(expireAtMs)));
}

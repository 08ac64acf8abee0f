/** The methods that servers of both roles have in a program: reading, events, and the end. */
import type { Bytes } from '../engine/bytes.js';
import { FastcacheError } from '../errors.js';
import type { MetricsSnapshot } from '../replication/metrics.js';
import type { FollowerState } from '../replication/replica/follower.js';
import { isEventName, type NodeEvents, nodeEvents } from '../server/events.js';
import type { Node } from '../server/node.js';
import type { ReplicaStatus } from '../status/report.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import { checkBytes, checkCount, checkListener, shown } from './arguments.js';
import { ChangeStream, type ChangesOptions, type KeyChange } from './change-stream.js';
import { type Codec, isBytesCodec } from './codec.js';
import { DecodedValues } from './decoded-values.js';
import { type Inside, open } from './inside.js';
import { bytesOf, keysWith } from './keys.js';

/** The limits of the wait of `ready`. */
export interface ReadyOptions {
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Ends the wait with NOT_READY; without it there is no limit. */
  timeoutMs?: number | undefined;
}

/** The lag of a node behind its primary. */
export interface NodeLag {
  /** Milliseconds behind the primary; undefined while that is not known: there is no link, or no content. */
  readonly ms: number | undefined;
  /** Whether the link to the primary is live. */
  readonly isLive: boolean;
}

/** A server of either role; `Value` is what its codec makes of values. */
export abstract class EmbeddedNode<Value> {
  /** `host:port` where replicas connect besides `listen`, undefined without `bind`. */
  readonly bindAddress: string | undefined;
  /** `host:port` where clients and replicas connect, undefined without `listen`. */
  readonly listenAddress: string | undefined;
  /** `host:port` where clients connect by TLS, undefined without `listenTls`. */
  readonly listenTlsAddress: string | undefined;
  /** `host:port` where `/metrics`, `/healthz` and `/readyz` are served, undefined without `metrics`. */
  readonly metricsAddress: string | undefined;
  readonly #node: Node;
  readonly #codec: Codec<unknown>;
  /** Values that were decoded; undefined where they are the bytes themselves. */
  readonly #decoded: DecodedValues | undefined;
  readonly #streams = new Set<ChangeStream<Value>>();
  /** The last `caught-up`, and the following that it is of: with another primary that is another one. */
  #lastCaughtUp: { event: NodeEvents['caught-up']; of: Node['following'] } | undefined;
  readonly #closing = new AbortController();

  protected constructor(inside: Inside) {
    const { node, codec } = open(inside);
    this.#node = node;
    this.#codec = codec;
    this.#decoded = isBytesCodec(codec)
      ? undefined
      : new DecodedValues(codec, () => node.seams.clock.nowMs());
    this.bindAddress = node.bindAddress;
    this.listenAddress = node.clientPorts?.address;
    this.listenTlsAddress = node.clientPorts?.secureAddress;
    this.metricsAddress = node.metricsAddress;
    node.events.on('caught-up', (event) => {
      this.#lastCaughtUp = { event, of: node.following };
    });
  }

  /** The last `caught-up` since the node was given its primary, by whomever. */
  get #caughtUp(): NodeEvents['caught-up'] | undefined {
    const last = this.#lastCaughtUp;
    return last?.of === this.#node.following ? last?.event : undefined;
  }

  /** The primary that it follows, `host:port`; undefined while it is one. */
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

  /** The state of following; undefined while it is a primary. */
  get state(): FollowerState | undefined {
    return this.#node.following?.follower.state;
  }

  /**
   * Resolves when the content may be relied on: a primary's at once, a replica's when it has once been caught
   * up with its primary. Throws NOT_READY after `timeoutMs`, the signal's reason when that is aborted, and
   * the replica's own error, or CLOSED, when it stops first.
   */
  async ready({ signal, timeoutMs }: ReadyOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (timeoutMs !== undefined) checkCount('timeoutMs', timeoutMs, 0);
    const { state } = this;
    if (this.#closing.signal.aborted) throw this.#closedError();
    if (state?.name === 'stopped') throw state.error ?? this.#closedError();
    if (this.#caughtUp !== undefined || (state === undefined && !this.lacksData)) return;
    await new Promise<void>((resolve, reject) => {
      const { events, seams } = this.#node;
      const timer =
        timeoutMs === undefined
          ? undefined
          : seams.timers.after(timeoutMs, () => settle(() => reject(this.#notReady(timeoutMs))));
      const caughtUp = () => settle(resolve);
      const stopped = ({ error }: NodeEvents['stopped']) =>
        settle(() => reject(error ?? this.#closedError()));
      const aborted = () => settle(() => reject(signal?.reason));
      const closed = () => settle(() => reject(this.#closedError()));
      const settle = (act: () => void) => {
        timer?.cancel();
        events.off('caught-up', caughtUp);
        events.off('promoted', caughtUp);
        events.off('stopped', stopped);
        signal?.removeEventListener('abort', aborted);
        this.#closing.signal.removeEventListener('abort', closed);
        act();
      };
      events.on('caught-up', caughtUp);
      events.on('promoted', caughtUp);
      events.on('stopped', stopped);
      signal?.addEventListener('abort', aborted);
      this.#closing.signal.addEventListener('abort', closed);
    });
  }

  /**
   * Returns the value, which is the caller's; with a codec, the value that this makes, frozen, and the same
   * one for as long as it stays. Undefined when there is no such key or it has expired. No socket is touched.
   * Throws what the codec throws.
   */
  get(key: Bytes): Value | undefined {
    const { engine } = this.#node;
    if (typeof key === 'string' && this.#decoded !== undefined) {
      return this.#decoded.get(engine, key) as Value | undefined;
    }
    checkBytes('key', key);
    const bytes = engine.get(key);
    return bytes === undefined ? undefined : (this.#codec.decode(bytes) as Value);
  }

  /** Returns whether there is such a key. */
  has(key: Bytes): boolean {
    checkBytes('key', key);
    return this.#node.engine.values.length(bytesOf(key)) !== undefined;
  }

  /** Returns the values of these keys, in their order, as `get` does. */
  getMany(keys: Iterable<Bytes>): (Value | undefined)[] {
    return Array.from(keys, (key) => this.get(key));
  }

  /** Returns the milliseconds that a key has left, Infinity: it never expires; undefined without the key. */
  ttlMs(key: Bytes): number | undefined {
    checkBytes('key', key);
    const expireAtMs = this.#node.engine.expiryOf(bytesOf(key));
    if (expireAtMs === undefined) return undefined;
    const ttlMs = Number(expireAtMs) - this.#node.seams.clock.nowMs();
    return ttlMs > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : Math.max(0, ttlMs);
  }

  /**
   * Yields the keys that begin with `prefix`: as texts, or as bytes where the prefix is bytes (a text can't
   * show a key that is not UTF-8). The store may be read and written between two keys, and between turns; a
   * key that is there throughout comes exactly once. A replica's new content, after a snapshot, is not seen.
   */
  keys(prefix?: string): IterableIterator<string>;
  keys(prefix: Uint8Array): IterableIterator<Uint8Array>;
  *keys(prefix: Bytes = ''): IterableIterator<Bytes> {
    checkBytes('prefix', prefix);
    const isText = typeof prefix === 'string';
    for (const key of keysWith(this.#node.engine, prefix)) yield isText ? key.toString() : key;
  }

  /** Yields the keys that begin with `prefix` as `keys` does, each with its value. */
  entries(prefix?: string): IterableIterator<[string, Value]>;
  entries(prefix: Uint8Array): IterableIterator<[Uint8Array, Value]>;
  *entries(prefix: Bytes = ''): IterableIterator<[Bytes, Value]> {
    checkBytes('prefix', prefix);
    const isText = typeof prefix === 'string';
    const { engine } = this.#node;
    for (const key of keysWith(engine, prefix)) {
      const bytes = engine.get(key);
      if (bytes !== undefined) yield [isText ? key.toString() : key, this.#codec.decode(bytes) as Value];
    }
  }

  /**
   * Yields each change of a key from now on, in their order, once `get` returns the new value; a primary's,
   * once it is published. Where the program is slow, a replica's primary waits for it. Writes to a primary do
   * not wait, and with more than 256 MiB of frames ahead the changes end with WRITE_FAILED. They end when the
   * node is closed.
   */
  changes(options?: ChangesOptions<string>): AsyncIterableIterator<KeyChange<Value>>;
  changes(options: ChangesOptions<Uint8Array>): AsyncIterableIterator<KeyChange<Value, Uint8Array>>;
  changes(options: ChangesOptions = {}): AsyncIterableIterator<KeyChange<Value, Bytes>> {
    const stream = new ChangeStream<Value>(this.#node, this.#codec, options, (ended) => {
      this.#streams.delete(ended);
    });
    this.#streams.add(stream);
    return stream;
  }

  /** The number of keys, those included that have expired and are not deleted yet. */
  keyCount(): number {
    return this.#node.engine.keyCount();
  }

  /** Returns how far it is behind its primary; a primary is behind nobody. */
  lag(): NodeLag {
    const { following } = this.#node;
    if (following === undefined) return { ms: 0, isLive: true };
    return { ms: following.follower.lagMs, isLive: following.follower.state.name === 'live' };
  }

  /**
   * Each shard's highest sequence: of a primary that replicas could have (records that still wait in a batch
   * are above it), of a replica that it has applied. Empty until a replica's first content is whole.
   */
  watermarks(): bigint[] {
    return this.#node.watermarks();
  }

  /**
   * The replicas that are connected and, behind them with the state `gone`, those that left within the last
   * hour, at most 64 of the latter.
   */
  replicas(): ReplicaStatus[] {
    const { serving } = this.#node.report();
    return serving === undefined ? [] : [...serving.connected, ...serving.departed];
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

  /**
   * Follows another primary, as REPLICAOF does: the content stays readable until that primary's is whole, and
   * is continued if that primary can; writes are refused. Throws BAD_OPTION, CLOSED.
   */
  follow(address: string): void {
    this.#node.follow(parseAddress(address));
  }

  /**
   * Leaves the primary that it follows and takes writes, in a new history that continues the old one. With a
   * port, replicas that are not ahead of this one and follow it now continue from what they have. Throws
   * CLOSED, and NO_CONTENT when it keeps no content (`state`).
   */
  promote(): void {
    this.#node.promote();
  }

  /**
   * Calls `listener` with each event of that name. A `caught-up` that has been is not missed: its listener is
   * called with it soon. An error that a listener throws is the program's own, an uncaught one; it disturbs
   * no replication. Throws a TypeError for a name that is no event.
   */
  on<Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void): this {
    checkEvent(name, listener);
    this.#node.events.on(name, listener);
    this.#giveCaughtUp(name, listener as (event: NodeEvents['caught-up']) => void);
    return this;
  }

  /** Calls `listener` as `on` does, with the first event only. */
  once<Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void): this {
    checkEvent(name, listener);
    const given = this.#giveCaughtUp(name, listener as (event: NodeEvents['caught-up']) => void);
    if (!given) this.#node.events.once(name, listener);
    return this;
  }

  /** Takes back an `on` or a `once`. */
  off<Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void): this {
    checkEvent(name, listener);
    this.#node.events.off(name, listener);
    return this;
  }

  /**
   * Sends clients' last replies, publishes what waits, leaves the primary, and closes this node's ports, the
   * dump and the state, after all changes were given; the content stays readable. Throws WRITE_FAILED
   * (`state`; `record`, when the dump is not whole).
   */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#node.close();
    for (const stream of this.#streams) stream.close();
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Has a listener called with the `caught-up` that has been; returns whether there was one. */
  #giveCaughtUp(name: string, listener: (event: NodeEvents['caught-up']) => void): boolean {
    const caughtUp = this.#caughtUp;
    if (name !== 'caught-up' || caughtUp === undefined) return false;
    queueMicrotask(() => listener(caughtUp));
    return true;
  }

  #notReady(timeoutMs: number): FastcacheError {
    const { primary, state } = this;
    const where =
      primary === undefined
        ? 'It has come back without its data'
        : `It follows ${primary}, and its state is ${state?.name}`;
    return new FastcacheError('NOT_READY', `This node is not ready after ${timeoutMs} ms. ${where}.`);
  }

  #closedError(): FastcacheError {
    return new FastcacheError('CLOSED', 'This node is closed.');
  }
}

function checkEvent(name: unknown, listener: unknown): void {
  if (!isEventName(name)) {
    throw new TypeError(`There is no event ${shown(name)}; there are ${nodeEvents.join(', ')}.`);
  }
  checkListener(listener);
}

/** A server in a program's process, and a primary: a server that begins by leading. */
import { type Bytes, bytesAtMost } from '../engine/bytes.js';
import { outOfMemory } from '../engine/kernel.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import { primaryConfig, serverConfig } from '../server/config.js';
import { Node } from '../server/node.js';
import type { PrimaryOptions, ServerOptions } from '../server/option-types.js';
import { systemNodeSeams } from '../server/system-seams.js';
import { formatAddress } from '../transport/address.js';
import { checkBytes, checkCount, type Expiry, expiryOf, shown, timeOf } from './arguments.js';
import { type Codec, type CodecOption, type DecodedBy, type Given, withCodec } from './codec.js';
import { EmbeddedNode } from './embedded-node.js';
import { enclose, type Inside, open } from './inside.js';
import { bytesOf } from './keys.js';

/** Integers that a value may hold to be incremented. */
const INTEGER = /^-?(0|[1-9]\d*)$/;

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
export class Server<Value = Uint8Array> extends EmbeddedNode<Value> {
  readonly #node: Node;
  readonly #codec: Codec<unknown>;

  /**
   * Resolves when it listens; connecting to a primary continues by itself. Throws BAD_OPTION,
   * INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED, READ_FAILED and STATE_UNUSABLE (`record`,
   * `roleFile`, `idFile`, `data`); with `data` DATA_IN_USE and DATA_DAMAGED; with `load`, its file and byte
   * offset named, NO_INPUT, OUT_OF_MEMORY and the errors with which dumps are refused (`FCRP_*`,
   * SEQUENCE_GAP, …); with `recover` PRIMARY_EXISTS, RECOVERY_FAILED and TOKEN_REFUSED; and with files of TLS
   * NO_INPUT and TLS_UNUSABLE.
   */
  static async start<Choice extends CodecOption = 'bytes', Value = DecodedBy<Choice>>(
    options: ServerOptions & { codec?: Choice } = {},
  ): Promise<Server<Value>> {
    const { codec, others } = withCodec(options);
    return new Server(enclose(await Node.start(serverConfig(others), systemNodeSeams), codec));
  }

  protected constructor(inside: Inside) {
    super(inside);
    const { node, codec } = open(inside);
    this.#node = node;
    this.#codec = codec;
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

  get shards(): number {
    return this.#node.engine.shards;
  }

  /**
   * Sets a key; with neither `ttlMs` nor `expireAtMs` (Unix ms) it never expires, and with a time in the past
   * it is deleted. Throws OUT_OF_MEMORY, VALUE_OVER_LIMIT, a TypeError for what is no key, value or time, and
   * as all writes do CLOSED, NO_CONTENT, and READ_ONLY while it follows or hands over.
   */
  set(key: Bytes, value: Given<Value>, expiry: Expiry = {}): void {
    checkBytes('key', key);
    const bytes = this.#encoded(value);
    const expireAtMs = expiryOf(expiry, this.#node.seams.clock.nowMs());
    this.#write(key, bytes, expireAtMs);
  }

  /**
   * Sets several keys in their order, all before anything else happens. It throws as `set` does, before the
   * first key is set. Only where there is no memory for all keys, it may have set the first ones when it
   * throws OUT_OF_MEMORY.
   */
  setMany(entries: Iterable<readonly [Bytes, Given<Value>]>, expiry: Expiry = {}): void {
    const expireAtMs = expiryOf(expiry, this.#node.seams.clock.nowMs());
    const encoded = Array.from(entries, ([key, value]): [Bytes, Bytes] => {
      checkBytes('key', key);
      return [key, this.#encoded(value)];
    });
    for (const [key, bytes] of encoded) this.#write(key, bytes, expireAtMs);
  }

  /**
   * Sets a key if its value is `expected` (undefined: if there is no such key), compared as bytes; returns
   * whether it was. Throws as `set` does.
   */
  compareAndSet(
    key: Bytes,
    expected: Given<Value> | undefined,
    value: Given<Value>,
    expiry: Expiry = {},
  ): boolean {
    checkBytes('key', key);
    const there = this.#writable().get(key);
    const wanted = expected === undefined ? undefined : bytesOf(this.#encoded(expected));
    const isAsExpected = wanted === undefined ? there === undefined : there?.equals(wanted) === true;
    if (isAsExpected) this.set(key, value, expiry);
    return isAsExpected;
  }

  /**
   * Adds to the integer that a value is in decimal digits, 0 where there is no such key, whatever the codec;
   * returns the sum. The key expires when it did. Throws NOT_AN_INTEGER when the value is none or the sum is
   * beyond 2^53 - 1, and as `set` does.
   */
  increment(key: Bytes, by = 1): number {
    checkBytes('key', key);
    if (!Number.isSafeInteger(by)) throw new TypeError(`by must be a whole number; it is ${shown(by)}.`);
    const engine = this.#writable();
    const text = engine.get(key)?.toString('latin1') ?? '0';
    const sum = Number(text) + by;
    if (!INTEGER.test(text) || !Number.isSafeInteger(Number(text)) || !Number.isSafeInteger(sum)) {
      const message = `The value of ${shown(key)} is no integer that can be incremented by ${by}.`;
      throw new FastcacheError('NOT_AN_INTEGER', message);
    }
    this.#write(key, String(sum), engine.expiryOf(bytesOf(key)) ?? NO_EXPIRY);
    return sum;
  }

  /** Deletes a key; returns whether it was there. Throws as `set` does. */
  del(key: Bytes): boolean {
    checkBytes('key', key);
    return this.#writable().del(key);
  }

  /**
   * Sets when a key expires (Unix ms), or with undefined that it never does; returns whether the key was
   * there. Throws as `set` does.
   */
  expire(key: Bytes, expireAtMs: number | undefined): boolean {
    checkBytes('key', key);
    return this.#writable().expire(key, timeOf('expireAtMs', expireAtMs));
  }

  /** Sends at once what waits in batches, whatever the send policy. */
  flush(): void {
    this.#node.leading?.publisher.flush();
  }

  /**
   * Resolves, when `replicas` have acknowledged all that was written so far or `timeoutMs` have passed (0:
   * never), with how many have; 0 at once while it follows, as WAIT does. Throws READ_ONLY when it begins to
   * follow meanwhile, and CLOSED.
   */
  wait(replicas: number, timeoutMs = 0): Promise<number> {
    checkCount('replicas', replicas, 0);
    checkCount('timeoutMs', timeoutMs, 0);
    this.#node.refuseClosed();
    this.flush();
    return new Promise((resolve, reject) => {
      this.#node.wait(replicas, timeoutMs).start((reply) => {
        if (typeof reply === 'number') resolve(reply);
        else reject(this.#waitEnded());
      });
    });
  }

  /** The error of a wait that ends because nobody can acknowledge any more. */
  #waitEnded(): unknown {
    try {
      this.#writable();
    } catch (error) {
      return error;
    }
    return new FastcacheError('READ_ONLY', 'This node has changed its role, and the writes may be lost.');
  }

  #encoded(value: Given<Value>): Bytes {
    const bytes = this.#codec.encode(value);
    checkBytes('value', bytes);
    return bytes;
  }

  #write(key: Bytes, value: Bytes, expireAtMs: bigint): void {
    const engine = this.#writable();
    if (!engine.makeRoom()) throw outOfMemory(bytesAtMost(key) + bytesAtMost(value));
    engine.set(key, value, expireAtMs);
  }

  /** The store, while it may be written to. Throws CLOSED, READ_ONLY, NO_CONTENT, WRITE_FAILED (`data`). */
  #writable(): ShardEngine {
    this.#node.refuseClosed();
    const { engine, primary, lacksData, failover, keeping } = this.#node;
    if (keeping.fault !== undefined && keeping.onFault !== 'continue' && primary === undefined) {
      const message = `The data directory cannot be written, and so nothing may change: ${keeping.fault}.`;
      throw new FastcacheError('WRITE_FAILED', message);
    }
    if (this.#node.isReadOnly) throw new FastcacheError('READ_ONLY', 'This node was started read-only.');
    if (failover.state !== 'no-failover') {
      throw new FastcacheError(
        'READ_ONLY',
        'This node hands over to a replica and takes no writes meanwhile.',
      );
    }
    if (lacksData) {
      throw new FastcacheError(
        'NO_CONTENT',
        'This node was primary before and has come back without its data; follow() a node that has the data, ' +
          'or start with `freshHistory` to begin anew.',
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
 * const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false, codec: 'text' });
 * primary.set('greeting', 'hello', { ttlMs: 60_000 });
 * primary.get('greeting'); // 'hello'
 * await primary.close();
 * ```
 */
export class Primary<Value = Uint8Array> extends Server<Value> {
  /** `host:port` where replicas connect. */
  declare readonly bindAddress: string;

  /** As `Server.start`. */
  static override async start<Choice extends CodecOption = 'bytes', Value = DecodedBy<Choice>>(
    options: PrimaryOptions & { codec?: Choice } = {},
  ): Promise<Primary<Value>> {
    const { codec, others } = withCodec(options);
    return new Primary(enclose(await Node.start(primaryConfig(others), systemNodeSeams), codec));
  }
}

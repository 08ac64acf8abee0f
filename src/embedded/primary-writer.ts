/** Writes of a replica to its primary, over the Redis protocol: the replica itself takes none. */
import type { Bytes } from '../engine/bytes.js';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import { parseRedisUrl } from '../import/redis-url.js';
import type { Node } from '../server/node.js';
import { systemNodeSeams } from '../server/system-seams.js';
import { formatAddress } from '../transport/address.js';
import { AppliedWaits } from './applied-waits.js';
import { checkBytes, checkCount, type Expiry, expiryOf, shown, timeOf } from './arguments.js';
import type { Codec, Given } from './codec.js';
import { type Inside, open } from './inside.js';
import { bytesOf } from './keys.js';
import { PrimaryClient } from './primary-client.js';

const APPLIED_TIMEOUT_MS = 10_000;

/** When a write resolves. */
export interface WriteOptions {
  /**
   * `acknowledged`, the default: when the primary has answered. `applied`: when this replica has applied it
   * too, so that `get` returns what was written, or what was written since.
   */
  until?: 'acknowledged' | 'applied' | undefined;
  /** With `applied`, ends the wait for the replica with NOT_APPLIED; default 10000. */
  timeoutMs?: number | undefined;
}

/**
 * Writes to the primary of a replica. All that it does throws a TypeError for what is no key, value or time;
 * PRIMARY_UNREACHABLE when there was no connection for ten seconds, CONNECTION_LOST and PEER_SILENT when
 * nobody knows whether the primary has carried the write out; PASSWORD_REFUSED, READ_ONLY (the server is no
 * primary), SERVER_REFUSED with the server's words, NOT_APPLIED, and CLOSED.
 */
export class PrimaryWriter<Value> {
  readonly #codec: Codec<unknown>;
  readonly #client: PrimaryClient;
  readonly #node: Node;
  readonly #waits: AppliedWaits;
  readonly #place: string;

  /**
   * `writeTo` is `redis://[user:password@]host[:port]`, or `rediss:` for TLS. Throws BAD_OPTION for an
   * address that is none, and for `rediss:` without the options of TLS.
   */
  constructor(inside: Inside, writeTo: string) {
    const { node, codec } = open(inside);
    const url = parseRedisUrl(writeTo);
    const { clock, timers, tls } = node.seams;
    if (url.database !== 0) throw badAddress('there is one database, 0: leave the number out');
    if (url.isTls && tls === undefined) throw badAddress('rediss: needs the option tls');
    const transport = url.isTls ? tls!.transport : systemNodeSeams.transport;
    this.#place = formatAddress(url.address);
    this.#codec = codec;
    this.#node = node;
    this.#client = new PrimaryClient({ url, transport, timers, nowUs: () => clock.monotonicUs() });
    this.#waits = new AppliedWaits(timers, () => node.report().offsetRecords);
  }

  /** Sets a key, as `Server.set`. */
  async set(key: Bytes, value: Given<Value>, options: Expiry & WriteOptions = {}): Promise<void> {
    checkBytes('key', key);
    const expireAtMs = expiryOf(options, this.#node.seams.clock.nowMs());
    const bytes = this.#codec.encode(value);
    checkBytes('value', bytes);
    const expiry = expireAtMs === NO_EXPIRY ? [] : ['PXAT', String(expireAtMs > 0n ? expireAtMs : 1n)];
    await this.#write(['SET', bytesOf(key), bytesOf(bytes), ...expiry], options);
  }

  /** Deletes a key; resolves with whether it was there. */
  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    checkBytes('key', key);
    return (await this.#write(['DEL', bytesOf(key)], options)) === 1;
  }

  /** Adds to the integer that a value is in decimal digits, 0 without such a key; resolves with the sum. */
  async increment(key: Bytes, by = 1, options: WriteOptions = {}): Promise<number> {
    checkBytes('key', key);
    if (!Number.isSafeInteger(by)) throw new TypeError(`by must be a whole number; it is ${shown(by)}.`);
    return Number(await this.#write(['INCRBY', bytesOf(key), String(by)], options));
  }

  /** Sets when a key expires (Unix ms; undefined: never); resolves with whether it was there. */
  async expire(key: Bytes, expireAtMs: number | undefined, options: WriteOptions = {}): Promise<boolean> {
    checkBytes('key', key);
    const time = timeOf('expireAtMs', expireAtMs);
    if (time !== NO_EXPIRY)
      return (await this.#write(['PEXPIREAT', bytesOf(key), String(time)], options)) === 1;
    const isThere = (await this.#client.ask(['EXISTS', bytesOf(key)])) === 1;
    await this.#write(['PERSIST', bytesOf(key)], options);
    return isThere;
  }

  /** Ends the connection; what is under way is refused. */
  close(): void {
    this.#client.close();
  }

  async #write(args: readonly (string | Uint8Array)[], options: WriteOptions): Promise<unknown> {
    const { until = 'acknowledged', timeoutMs = APPLIED_TIMEOUT_MS } = options;
    if (until !== 'acknowledged' && until !== 'applied') {
      throw new TypeError(`until must be 'acknowledged' or 'applied'; it is ${shown(until)}.`);
    }
    checkCount('timeoutMs', timeoutMs, 0);
    const reply = await this.#client.ask(args);
    if (until === 'applied' && !(await this.#waits.until(await this.#primaryOffset(), timeoutMs))) {
      throw new FastcacheError(
        'NOT_APPLIED',
        `The primary has taken the write, and this replica has not applied it after ${timeoutMs} ms. Its ` +
          `state is ${this.#node.following?.follower.state.name}; wait longer, or look at its link.`,
      );
    }
    return reply;
  }

  /** Returns how many records the primary has published, all answered writes among them. */
  async #primaryOffset(): Promise<bigint> {
    const role = await this.#client.ask(['ROLE']);
    const [name, offset] = Array.isArray(role) ? role : [];
    if (String(name) === 'master' && typeof offset === 'number') return BigInt(offset);
    throw new FastcacheError('READ_ONLY', `The server at ${this.#place} is no primary any more.`, {
      address: this.#place,
    });
  }
}

function badAddress(why: string): FastcacheError {
  return new FastcacheError('BAD_OPTION', `The option writeTo cannot be used: ${why}.`, {
    expected: 'redis://host:port',
  });
}

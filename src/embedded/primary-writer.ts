/** Writes of a replica to its primary, over the Redis protocol: the replica itself takes none. */
import type { Bytes } from '../engine/bytes.js';
import { FastcacheError } from '../errors.js';
import { NO_EXPIRY } from '../frame/batch.js';
import { parseRedisUrl } from '../import/redis-url.js';
import { fieldsOfInfo } from '../redis-client/info.js';
import { offsetIn } from '../replication/offset.js';
import type { Node } from '../server/node.js';
import { systemNodeSeams } from '../server/system-seams.js';
import { formatAddress } from '../transport/address.js';
import { type Applied, AppliedWaits, type Position, type WaitLimits } from './applied-waits.js';
import { checkBytes, checkCount, type Expiry, expiryOf, shown, timeOf } from './arguments.js';
import type { Codec, Given } from './codec.js';
import { type Inside, open } from './inside.js';
import { type Answer, PrimaryClient } from './primary-client.js';

const APPLIED_TIMEOUT_MS = 10_000;
const ASK_POSITION = ['INFO', 'replication'];
/** Has a primary publish what waits in batches; nothing is waited for. */
const PUBLISH = ['WAITAOF', '0', '0', '0'];

/** When a write resolves. */
export interface WriteOptions {
  /**
   * `acknowledged`, the default: when the primary has answered. `applied`: when this replica has applied it
   * too, so that `get` returns the written value, or a later one.
   */
  until?: 'acknowledged' | 'applied' | undefined;
  /** With `applied`, ends the wait for the replica with NOT_APPLIED; default 10000. */
  timeoutMs?: number | undefined;
  /**
   * Ends the write with the signal's reason. It is taken back if it was not sent; otherwise the primary may
   * have carried it out.
   */
  signal?: AbortSignal | undefined;
}

/**
 * Writes to the primary of a replica. Its methods throw a TypeError for a wrong key, value or time;
 * PRIMARY_UNREACHABLE when there was no connection for ten seconds, CONNECTION_LOST and PEER_SILENT when
 * nobody knows whether the primary has carried the write out; PASSWORD_REFUSED, READ_ONLY (the server is no
 * primary), SERVER_REFUSED with the server's words, and CLOSED; TOO_MANY_WRITES while 16,384 writes, or 64
 * MiB of them, wait for answers. With `until: 'applied'`, when the primary has taken the write, also
 * NOT_APPLIED, and HISTORY_DIFFERS: the history that it was written in has ended, and it may be lost.
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
    this.#waits = new AppliedWaits(timers, () => appliedBy(node));
  }

  /** Sets a key, as `Server.set`. */
  async set(key: Bytes, value: Given<Value>, options: Expiry & WriteOptions = {}): Promise<void> {
    checkBytes('key', key);
    const expireAtMs = expiryOf(options, this.#node.seams.clock.nowMs());
    const bytes = this.#codec.encode(value);
    checkBytes('value', bytes);
    const expiry = expireAtMs === NO_EXPIRY ? [] : ['PXAT', String(expireAtMs > 0n ? expireAtMs : 1n)];
    await this.#write(['SET', ownBytes(key), ownBytes(bytes), ...expiry], options);
  }

  /** Deletes a key; resolves with whether it was there. */
  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    checkBytes('key', key);
    return (await this.#write(['DEL', ownBytes(key)], options)) === 1;
  }

  /** Adds to the integer that a value is in decimal digits, 0 without such a key; resolves with the sum. */
  async increment(key: Bytes, by = 1, options: WriteOptions = {}): Promise<number> {
    checkBytes('key', key);
    if (!Number.isSafeInteger(by)) throw new TypeError(`by must be a whole number; it is ${shown(by)}.`);
    return Number(await this.#write(['INCRBY', ownBytes(key), String(by)], options));
  }

  /** Sets when a key expires (Unix ms; undefined: never); resolves with whether it was there. */
  async expire(key: Bytes, expireAtMs: number | undefined, options: WriteOptions = {}): Promise<boolean> {
    checkBytes('key', key);
    const time = timeOf('expireAtMs', expireAtMs);
    if (time !== NO_EXPIRY)
      return (await this.#write(['PEXPIREAT', ownBytes(key), String(time)], options)) === 1;
    const isThere = given(await this.#client.ask([['EXISTS', ownBytes(key)]], options.signal)) === 1;
    await this.#write(['PERSIST', ownBytes(key)], options);
    return isThere;
  }

  /** Ends the connection; writes that are under way, or wait for this replica, are refused. */
  close(): void {
    this.#client.close();
    const message = 'This replica is closed; its primary has taken the write.';
    this.#waits.fail(new FastcacheError('CLOSED', message));
  }

  async #write(command: readonly (string | Uint8Array)[], options: WriteOptions): Promise<unknown> {
    const { until = 'acknowledged', timeoutMs = APPLIED_TIMEOUT_MS, signal } = options;
    if (until !== 'acknowledged' && until !== 'applied') {
      throw new TypeError(`until must be 'acknowledged' or 'applied'; it is ${shown(until)}.`);
    }
    checkCount('timeoutMs', timeoutMs, 0);
    if (until === 'acknowledged') return given(await this.#client.ask([command], signal));
    // Nothing comes between the two: the write is of the history that the question is answered with.
    const [info, reply] = await this.#client.ask([ASK_POSITION, command], signal);
    const answer = given([reply]);
    await this.#untilApplied(positionIn(info), { timeoutMs, signal });
    return answer;
  }

  /** Resolves when this replica has applied a write that the primary took behind `before`. */
  async #untilApplied(before: Position | undefined, limits: WaitLimits): Promise<void> {
    const { signal, timeoutMs } = limits;
    const behind = await this.#client.ask([PUBLISH, ASK_POSITION], signal).catch((cause: unknown) => {
      if (signal?.aborted || (cause instanceof FastcacheError && cause.code === 'CLOSED')) throw cause;
      throw notApplied(`it cannot be asked how far it is: ${(cause as Error).message}`, cause);
    });
    const target = positionIn(behind[1]);
    if (before === undefined || target === undefined) {
      throw notApplied(`the server at ${this.#place} has no history of fastcache by which to wait`);
    }
    if (before.history !== target.history) {
      throw this.#historyDiffers(before.history, `the server at ${this.#place} has begun ${target.history}`);
    }
    const outcome = await this.#waits.until(target, limits);
    if (outcome === 'applied') return;
    const held = appliedBy(this.#node).history?.id ?? 'none';
    if (outcome === 'lost') {
      throw this.#historyDiffers(target.history, `history ${held} continues it from before the write`, true);
    }
    if (outcome === 'unknown') throw this.#historyDiffers(target.history, `this replica has ${held}`);
    const state = this.#node.following?.follower.state.name ?? 'leading';
    const other =
      held === target.history ? '' : `, it holds history ${held}, the write is in ${target.history}`;
    throw notApplied(
      `this replica has not applied it after ${timeoutMs} ms. Its state is ${state}${other}; wait longer, or ` +
        'look at its link',
    );
  }

  #historyDiffers(wanted: string, why: string, isLost = false): FastcacheError {
    const known = isLost ? 'The write is lost' : 'Whether the write is still there is not known';
    return new FastcacheError(
      'HISTORY_DIFFERS',
      `The primary took the write in history ${wanted}, and that has ended: ${why}. ${known}: read the key, ` +
        'and write again if need be.',
      { address: this.#place, expected: wanted },
    );
  }
}

/** Returns the first answer, unless it is a refusal, which is thrown. */
function given([answer]: readonly (Answer | undefined)[]): Exclude<Answer, FastcacheError> {
  if (answer instanceof FastcacheError) throw answer;
  return answer ?? null;
}

/** Returns where a primary is by its INFO; undefined where it does not say so. */
function positionIn(info: Answer | undefined): Position | undefined {
  if (!Buffer.isBuffer(info)) return undefined;
  const fields = fieldsOfInfo(info.toString());
  const history = fields.get('master_replid') ?? '';
  const offset = fields.get('master_repl_offset') ?? '';
  if (!/^[0-9a-f]{32}$/.test(history) || !/^\d{1,20}$/.test(offset)) return undefined;
  return { history, offset: BigInt(offset) };
}

/** Returns what a node has applied, or published. */
function appliedBy({ holding }: Node): Applied {
  const history = holding?.history;
  return { history, offset: offsetIn(history, holding?.store.watermarks() ?? []) };
}

/** Returns the bytes of what is sent later, when the caller may have changed its own. */
function ownBytes(content: Bytes): Uint8Array {
  return Buffer.from(content as string);
}

function notApplied(why: string, cause?: unknown): FastcacheError {
  return new FastcacheError('NOT_APPLIED', `The primary has taken the write, and ${why}.`, { cause });
}

function badAddress(why: string): FastcacheError {
  return new FastcacheError('BAD_OPTION', `The option writeTo cannot be used: ${why}.`, {
    expected: 'redis://host:port',
  });
}

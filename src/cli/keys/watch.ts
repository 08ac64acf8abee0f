/**
 * Shows the changes of keys as they come: it follows a server as a tap without content does, from where that
 * stands now, so that no snapshot is sent.
 */
import chalk from 'chalk';
import type { Seams } from '../../clock.js';
import type { ReplicatedStore } from '../../engine/types.js';
import { WatermarkStore } from '../../engine/watermark-store.js';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RECONNECT_BACKOFF_MS } from '../../limits.js';
import { readHistory } from '../../replication/history.js';
import { Probe } from '../../replication/link/probe.js';
import { ReplicationMetrics } from '../../replication/metrics.js';
import type { Change, ChangeConsumer, RecordChange } from '../../replication/outputs/changes.js';
import { Tap } from '../../replication/outputs/tap.js';
import { Follower } from '../../replication/replica/follower.js';
import type { Holding } from '../../replication/replica/holding.js';
import type { Address, Transport } from '../../transport/connection.js';
import { errorText } from '../command/error-rendering.js';
import { recordMembers } from '../rendering/json.js';
import { valueText } from '../rendering/text.js';
import { ChangeLines } from '../server/change-lines.js';
import { quoteBytes } from '../terminal/escape.js';
import type { Output } from '../terminal/output.js';
import { formatDuration, formatTime } from '../terminal/text.js';

/** The name under which the server lists it. */
const NAME = 'watch';
const KEY_COLUMNS = 48;
const OP_COLUMNS = 'expire'.length;

/** The keys to watch, and the output. */
export interface WatchOptions extends Seams {
  transport: Transport;
  address: Address;
  /** The token or the password that the server asks for; undefined: none is sent. */
  token: string | undefined;
  /** The start of the keys to show; undefined: all. */
  prefix: Buffer | undefined;
  /** The changes after which it ends; undefined: it does not. */
  limit: number | undefined;
  json: boolean;
  output: Output;
  /** Writes a line for a person. */
  note(text: string): void;
  /** Ends it. */
  stop: AbortSignal;
}

/**
 * Shows changes until the limit, or until it is stopped. Throws what a probe throws while it begins, and
 * `TOKEN_REFUSED`, `OutputClosed` and `WRITE_FAILED` later; a link that is lost then is opened again.
 */
export async function watchKeys(options: WatchOptions): Promise<void> {
  const { transport, clock, timers, random, address, token, stop } = options;
  const connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS;
  const probe = await Probe.open(address, { transport, timers, connectTimeoutMs, token });
  const holding = holdingAt(probe);
  probe.close();
  if (holding === undefined) options.note('this server has no history: its content is read first');
  await new Promise<void>((resolve, reject) => {
    const settle = (error: Error | undefined) => (error === undefined ? resolve() : reject(error));
    // It also goes on purpose where nobody reads it any more.
    const end = (error?: Error) => {
      settle(error);
      follower.stop();
    };
    const tap = new Tap({
      consumer: new ShownChanges(options, end),
      watermarks: holding?.store.watermarks() ?? [],
      onFault: end,
    });
    const follower = new Follower({
      transport,
      clock,
      timers,
      random,
      address,
      token,
      metrics: new ReplicationMetrics(),
      log: { info() {}, warn() {}, error() {} },
      name: NAME,
      connectTimeoutMs,
      reconnectBackoffMs: DEFAULT_RECONNECT_BACKOFF_MS,
      holding,
      isRequested: true,
      failFast: true,
      allowEmptySnapshot: true,
      recorder: undefined,
      tap,
      isContentless: true,
      createStore: (shards) => new WatermarkStore(shards),
      handlers: {
        resync: ({ reason }) => options.note(`changes were missed, and a snapshot is read: ${reason}`),
        lost: ({ error }) => options.note(`the link is lost, and is opened again: ${errorText(error)}`),
        stopped: ({ error }) => settle(error),
      },
    });
    stop.addEventListener('abort', () => end());
    if (stop.aborted) end();
    else follower.start();
  });
}

/** The holding of a follower that is level with a server; undefined: a Rust server cannot be asked. */
function holdingAt({ margin, watermarks }: Probe): Holding<ReplicatedStore> | undefined {
  const history = readHistory(margin);
  if (history === undefined) return undefined;
  const store = new WatermarkStore(watermarks.length);
  store.setWatermarks(watermarks);
  return { store, history };
}

/** Writes the records of some keys, until there were enough. */
class ShownChanges implements ChangeConsumer {
  readonly #lines: ChangeLines;
  readonly #prefix: Buffer;
  readonly #enough: () => void;
  #left: number;

  constructor({ output, timers, prefix, limit, json }: WatchOptions, enough: () => void) {
    const line = (change: Change) => {
      const record = change as RecordChange;
      return json ? `{${recordMembers(record, 'text')}}` : recordText(record);
    };
    this.#lines = new ChangeLines({ output, timers, prefix: undefined, line });
    this.#prefix = prefix ?? Buffer.alloc(0);
    this.#left = limit ?? Number.POSITIVE_INFINITY;
    this.#enough = enough;
  }

  take(change: Change): Promise<void> | undefined {
    if (change.type !== 'record' || this.#left === 0 || !this.#isMeant(change.key)) return undefined;
    this.#left -= 1;
    const room = this.#lines.take(change);
    return this.#left > 0 ? room : this.#lines.flush().then(this.#enough);
  }

  #isMeant(key: Buffer): boolean {
    return key.subarray(0, this.#prefix.length).equals(this.#prefix);
  }
}

/** Returns the line of a change for a person. */
function recordText({ timestampMs, op, key, value, expireAtMs }: RecordChange): string {
  const expiry = expireAtMs === null ? undefined : expiryText(expireAtMs - timestampMs);
  return [
    chalk.dim(formatTime(timestampMs)),
    op.padEnd(OP_COLUMNS),
    op === 'set'
      ? `${quoteBytes(key, KEY_COLUMNS)} = ${valueText(value, 'text')}`
      : quoteBytes(key, KEY_COLUMNS),
    ...(expiry === undefined ? [] : [chalk.dim(expiry)]),
  ].join('  ');
}

function expiryText(inMs: bigint): string {
  return inMs > 0n ? `expires in ${formatDuration(inMs)}` : 'has expired';
}

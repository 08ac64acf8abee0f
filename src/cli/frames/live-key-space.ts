/**
 * Reads the key space of a primary, fastcache's or the Rust crate's: it is followed until all that it had at
 * connect is applied.
 */
import type { Seams } from '../../clock.js';
import { FoldedKeySpace } from '../../dump/fold/folded-key-space.js';
import { ToolStores } from '../../dump/fold/tool-stores.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RECONNECT_BACKOFF_MS } from '../../limits.js';
import { ReplicationMetrics } from '../../replication/metrics.js';
import { Follower } from '../../replication/replica/follower.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { KeyProgress } from '../terminal/read-progress.js';

/** The options to follow a primary. */
export interface LiveReading extends Seams {
  transport: Transport;
  /** The token for a primary that requires one; undefined for none. */
  token: string | undefined;
  terminal: NodeJS.WriteStream;
}

/** The content of a primary, which is followed until `stop`. */
export interface LiveKeySpace {
  readonly stores: ToolStores;
  /** The store that is followed into, with keys that have expired; another one behind a resync. */
  readonly store: ShardEngine;
  stop(): void;
}

/**
 * Resolves with what the primary at `address` holds, as of now, including keys that have expired. Rejects
 * with the error that ends a follower: `PRIMARY_UNREACHABLE`, `TOKEN_REFUSED`, `FCRP_*`, …
 */
export async function followOnce(address: Address, reading: LiveReading): Promise<FoldedKeySpace> {
  const { stores, store, stop } = await followLive(address, reading);
  stop();
  return new FoldedKeySpace({
    stores,
    store,
    watermarks: store.watermarks(),
    atMs: reading.clock.nowMs(),
    unsaidHistories: [],
  });
}

/** Resolves when all that the primary had is applied, and follows it further. Rejects as `followOnce`. */
export async function followLive(address: Address, reading: LiveReading): Promise<LiveKeySpace> {
  const { token, terminal, transport, clock, timers, random } = reading;
  const progress = new KeyProgress(terminal, clock, `receiving from ${formatAddress(address)}:`);
  const stores = new ToolStores();
  let held: ShardEngine | undefined;
  let follower: Follower<ShardEngine> | undefined;
  try {
    const first = await new Promise<ShardEngine>((resolve, reject) => {
      follower = new Follower({
        transport,
        clock,
        timers,
        random,
        metrics: new ReplicationMetrics(),
        log: { info() {}, warn() {}, error() {} },
        address,
        connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
        reconnectBackoffMs: DEFAULT_RECONNECT_BACKOFF_MS,
        token,
        failFast: true,
        recorder: undefined,
        createStore: (shards) => stores.create(shards),
        handlers: {
          snapshot: ({ entries }) => progress.reached(entries),
          swapped: ({ holding }) => {
            held = holding.store;
          },
          caughtUp: () => {
            if (held !== undefined) resolve(held);
          },
          lost: ({ error }) => reject(error),
          stopped: ({ error }) => {
            if (error !== undefined) reject(error);
          },
        },
      });
      follower.start();
    });
    return {
      stores,
      get store() {
        return held ?? first;
      },
      stop: () => follower?.stop(),
    };
  } catch (error) {
    follower?.stop();
    throw error;
  } finally {
    progress.close();
  }
}

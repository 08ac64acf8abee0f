/** What a primary holds, ours or a Rust one: followed until all that it had at connect is applied, and then left. */
import type { Seams } from '../../clock.js';
import type { ToolStores } from '../../dump/fold/tool-stores.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RECONNECT_BACKOFF_MS } from '../../limits.js';
import { ReplicationMetrics } from '../../replication/metrics.js';
import { Follower } from '../../replication/replica/follower.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { KeyProgress } from '../terminal/read-progress.js';

export interface LiveReading extends Seams {
  transport: Transport;
  stores: ToolStores;
  token: string | undefined;
  terminal: NodeJS.WriteStream;
}

/** It holds what has expired too. Rejects as a follower is lost: `PRIMARY_UNREACHABLE`, `TOKEN_REFUSED`, `FCRP_*`, … */
export async function followOnce(address: Address, reading: LiveReading): Promise<ShardEngine> {
  const { stores, token, terminal, transport, clock, timers, random } = reading;
  const progress = new KeyProgress(terminal, clock, `receiving from ${formatAddress(address)}:`);
  let follower: Follower<ShardEngine> | undefined;
  try {
    return await new Promise<ShardEngine>((resolve, reject) => {
      let held: ShardEngine | undefined;
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
  } finally {
    follower?.stop();
    progress.close();
  }
}

/** What Redis' INFO and ROLE (reference: Redis' field names) and the metrics say of a replica that follows. */
import type { Clock } from './clock.js';
import type { Follower, FollowerState } from './replication/follower.js';
import type { Reply } from './resp/reply.js';
import type { ReplicaFigures } from './status/role-figures.js';
import type { Address } from './transport/connection.js';

const roleStates: Record<FollowerState['name'], string> = {
  disconnected: 'connect',
  connecting: 'connecting',
  handshake: 'handshake',
  snapshot: 'sync',
  live: 'connected',
  stopped: 'connect',
};

export interface ReplicaRoleOptions {
  follower: Follower;
  primary: Address;
  clock: Clock;
}

export class ReplicaRole {
  readonly primary: Address;
  readonly #options: ReplicaRoleOptions;

  constructor(options: ReplicaRoleOptions) {
    this.primary = options.primary;
    this.#options = options;
  }

  /** INFO replication behind `role`. Offsets are records, of all shards together, past the history's base. */
  info(): Record<string, string | number> {
    const { follower, clock } = this.#options;
    const { state } = follower;
    const isLive = state.name === 'live';
    const offset = String(this.#offset());
    const sinceSeconds = (us: number) => Math.floor(secondsSince(clock, us));
    return {
      master_host: this.primary.host,
      master_port: this.primary.port,
      master_link_status: isLive ? 'up' : 'down',
      master_last_io_seconds_ago: isLive ? sinceSeconds(follower.heardAtUs) : -1,
      master_sync_in_progress: state.name === 'snapshot' ? 1 : 0,
      slave_read_repl_offset: offset,
      slave_repl_offset: offset,
      ...(isLive ? {} : { master_link_down_since_seconds: sinceSeconds(follower.lostAtUs) }),
      slave_priority: 100,
      slave_read_only: 1,
      replica_announced: 1,
      connected_slaves: 0,
      master_failover_state: 'no-failover',
      master_replid: follower.holding?.history ?? '0'.repeat(40),
      master_repl_offset: offset,
    };
  }

  /** For the metrics and `/readyz`. */
  figures(): ReplicaFigures {
    const { follower, clock } = this.#options;
    const { holding } = follower;
    return {
      role: 'replica',
      history: holding?.history,
      offsetRecords: Number(this.#offset()),
      hasContent: holding !== undefined,
      link: follower.state.name,
      sinceHeardSeconds: secondsSince(clock, follower.heardAtUs),
      lagMs: follower.lagMs,
    };
  }

  /** ROLE's answer. */
  role(): Reply {
    const { host, port } = this.primary;
    return ['slave', host, port, roleStates[this.#options.follower.state.name], this.#offset()];
  }

  #offset(): bigint {
    const { holding, primaryBase } = this.#options.follower;
    const watermarks = holding?.store.watermarks() ?? [];
    return watermarks.reduce((sum, own) => (own > primaryBase ? sum + own - primaryBase : sum), 0n);
  }
}

function secondsSince(clock: Clock, us: number): number {
  return Math.max(0, (clock.monotonicUs() - us) / 1_000_000);
}

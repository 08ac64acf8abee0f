/** What Redis' INFO and ROLE (reference: Redis' field names) and the metrics say of a replica that follows, relay or not. */
import type { Clock } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn, secondOffset } from '../replication/offset.js';
import type { Follower, FollowerState } from '../replication/replica/follower.js';
import type { Reply } from '../resp/reply.js';
import { formatAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { ReplicaStatus } from './lag.js';
import { historyLines } from './primary-report.js';
import type { ReplicaFigures } from './role-figures.js';
import type { ServedReplicas, ServerDetails } from './serving-report.js';
import type { StatusDocument } from './status-document.js';

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
  /** Of a relay. */
  served: ServedReplicas | undefined;
}

export class ReplicaRole {
  readonly primary: Address;
  readonly #options: ReplicaRoleOptions;

  constructor(options: ReplicaRoleOptions) {
    this.primary = options.primary;
    this.#options = options;
  }

  /** Of what is held; a relay makes one up for what it has of a Rust primary. */
  get history(): History | undefined {
    const { follower, served } = this.#options;
    return served?.history ?? follower.holding?.history;
  }

  /** Of a relay: who is connected, in the order in which they came. */
  replicas(): ReplicaStatus[] {
    return this.#options.served?.connected() ?? [];
  }

  /** Of a relay: who left within the last hour, in the order in which they left. */
  departed(): ReplicaStatus[] {
    return this.#options.served?.departed() ?? [];
  }

  /** INFO replication behind `role`. Offsets are records, of all shards together (replication/offset.ts). */
  info(): Record<string, string | number> {
    const { follower, clock, served } = this.#options;
    const { state } = follower;
    const isLive = state.name === 'live';
    const offset = String(this.#offset());
    const sinceSeconds = (us: number) => Math.floor(secondsSince(clock, us));
    return {
      master_host: this.primary.host,
      master_port: this.primary.port,
      master_link_status: isLive ? 'up' : 'down',
      master_last_io_seconds_ago: isLive ? sinceSeconds(follower.heardAtUs) : -1,
      master_sync_in_progress: follower.syncReadBytes === undefined ? 0 : 1,
      slave_read_repl_offset: offset,
      slave_repl_offset: offset,
      ...this.#syncLines(),
      ...(isLive ? {} : { master_link_down_since_seconds: sinceSeconds(follower.lostAtUs) }),
      slave_priority: 100,
      slave_read_only: 1,
      replica_announced: 1,
      ...(follower.refusesEmpty && { refuses_empty_snapshot: 1 }),
      connected_slaves: this.replicas().length,
      ...served?.replicaLines(),
      master_failover_state: 'no-failover',
      ...historyLines(this.history),
      master_repl_offset: offset,
      second_repl_offset: secondOffset(this.history),
      ...served?.backlogLines(),
    };
  }

  /** For the metrics and `/readyz`. */
  figures(): ReplicaFigures {
    const { follower, clock, served } = this.#options;
    const { holding } = follower;
    return {
      role: 'replica',
      history: this.history?.id,
      offsetRecords: Number(this.#offset()),
      hasContent: holding !== undefined,
      link: follower.state.name,
      sinceHeardSeconds: secondsSince(clock, follower.heardAtUs),
      lagMs: follower.lagMs,
      serving: served?.figures(),
    };
  }

  /** For `fastcache watermarks`: of a relay that has something to serve. */
  document(details: ServerDetails): StatusDocument | undefined {
    const { follower, clock, served } = this.#options;
    const link = {
      primary: formatAddress(this.primary),
      state: follower.refusesEmpty ? 'refuses-empty-snapshot' : follower.state.name,
      sinceHeardMs: Math.round(secondsSince(clock, follower.heardAtUs) * 1000),
      lagMs: follower.lagMs ?? null,
    };
    return served?.document({ ...details, role: 'replica', link });
  }

  /** ROLE's answer. */
  role(): Reply {
    const { host, port } = this.primary;
    return ['slave', host, port, roleStates[this.#options.follower.state.name], this.#offset()];
  }

  /** As Redis of a snapshot whose size it does not know (diskless): no peer tells how much is to come. */
  #syncLines(): Record<string, string | number> {
    const { follower, clock } = this.#options;
    const { syncReadBytes } = follower;
    if (syncReadBytes === undefined) return {};
    return {
      master_sync_total_bytes: 0,
      master_sync_read_bytes: syncReadBytes,
      master_sync_left_bytes: -syncReadBytes,
      master_sync_perc: '0.00',
      master_sync_last_io_seconds_ago: Math.floor(secondsSince(clock, follower.heardAtUs)),
    };
  }

  #offset(): bigint {
    const { holding } = this.#options.follower;
    return offsetIn(holding?.history, holding?.store.watermarks() ?? []);
  }
}

function secondsSince(clock: Clock, us: number): number {
  return Math.max(0, (clock.monotonicUs() - us) / 1_000_000);
}

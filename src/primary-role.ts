/**
 * What it is to be a primary, beside the store: a history, what publishes its changes, the door for replicas; and what
 * Redis' INFO, ROLE and WAIT (reference: Redis' field names) and the metrics say of these. A replica that is promoted
 * takes it on.
 */
import type { Timers } from './clock.js';
import type { ReplicaInfo } from './replication/primary-session.js';
import type { Publisher } from './replication/publisher.js';
import type { ReplicaListener } from './replication/replica-listener.js';
import { waitForReplicas } from './replication/wait.js';
import { Later } from './resp/command.js';
import type { Reply } from './resp/reply.js';
import type { Settings } from './resp/settings.js';
import { lagLine, type ReplicaStatus, replicaStatus } from './status/lag.js';
import type { ConnectedReplica, PrimaryFigures } from './status/role-figures.js';

/** Redis' words for where a replica stands. */
const replicaStates = {
  snapshot: 'send_bulk',
  'catching-up': 'send_bulk',
  live: 'online',
  gone: 'gone',
} as const;
const NO_HISTORY = '0'.repeat(40);

export interface PrimaryRoleOptions {
  publisher: Publisher;
  timers: Timers;
  /** Undefined: no replicas can come. */
  door(): ReplicaListener | undefined;
  backlogBytes: number;
  /** How many replicas writes need. */
  settings: Pick<Settings, 'minReplicas' | 'minReplicasMaxLagSeconds'>;
}

export class PrimaryRole {
  readonly publisher: Publisher;
  readonly #options: PrimaryRoleOptions;

  constructor(options: PrimaryRoleOptions) {
    this.publisher = options.publisher;
    this.#options = options;
  }

  /** Who is connected, in the order in which they came. */
  replicas(): ReplicaStatus[] {
    return this.#statusOf(this.#options.door()?.replicas());
  }

  /** Who left within the last hour, in the order in which they left. */
  departed(): ReplicaStatus[] {
    return this.#statusOf(this.#options.door()?.departed());
  }

  /** Fewer good replicas are there than writes need. Asked before every run of commands. */
  get lacksReplicas(): boolean {
    return this.#needsReplicas() && this.#goodReplicas() < this.#options.settings.minReplicas;
  }

  /** INFO replication behind `role`. Offsets are records, of all shards together, past the history's base. */
  info(): Record<string, string | number> {
    const { publisher } = this;
    const { history } = publisher;
    const windows = publisher.backlog.windows();
    const replicas = this.replicas();
    const offset = this.#offset(publisher.watermarks());
    const kept = windows.reduce((sum, { records }) => sum + records, 0n);
    const { previous } = history;
    return {
      connected_slaves: replicas.length,
      ...(this.#needsReplicas() && { min_slaves_good_slaves: this.#goodReplicas() }),
      ...Object.fromEntries(replicas.map((replica, index) => [`slave${index}`, this.#replicaLine(replica)])),
      ...Object.fromEntries(replicas.map(({ lag }, index) => [`replica${index}`, lagLine(lag)])),
      master_failover_state: 'no-failover',
      master_replid: history.id,
      master_replid2: previous?.id ?? NO_HISTORY,
      master_repl_offset: String(offset),
      second_repl_offset: previous === undefined ? -1 : 1,
      repl_backlog_active: 1,
      repl_backlog_size: this.#options.backlogBytes,
      repl_backlog_first_byte_offset: String(offset - kept + 1n),
      repl_backlog_histlen: String(kept),
      ...Object.fromEntries(
        windows.map(({ watermark, earliest, bytes }, shard) => [
          `shard${shard}`,
          `seq=${watermark},first=${earliest},bytes=${bytes}`,
        ]),
      ),
    };
  }

  /** ROLE's answer. */
  role(): Reply {
    const replicas = this.replicas().map((replica) => {
      const { ip, port } = addressParts(replica);
      return [ip, port, String(this.#offset(replica.acknowledged ?? replica.watermarks))];
    });
    return ['master', this.#offset(this.publisher.watermarks()), replicas];
  }

  /** For the metrics and `/readyz`. */
  figures(): PrimaryFigures {
    const { publisher } = this;
    const { history } = publisher;
    const windows = publisher.backlog.windows();
    return {
      role: 'primary',
      history: history.id,
      offsetRecords: Number(this.#offset(publisher.watermarks())),
      backlog: {
        bytes: windows.reduce((sum, { bytes }) => sum + bytes, 0),
        records: Number(windows.reduce((sum, { records }) => sum + records, 0n)),
        limitBytes: this.#options.backlogBytes,
      },
      replicas: this.replicas().map(connectedReplica),
    };
  }

  /** As WAIT. */
  wait(replicas: number, timeoutMs: number): Later {
    const { timers } = this.#options;
    const { publisher } = this;
    const door = this.#options.door() ?? { acknowledged: () => 0, onAck: () => () => {} };
    return new Later((done) => waitForReplicas({ timers, publisher, door }, replicas, timeoutMs, done));
  }

  /** As in Redis, either setting turns it off with 0. */
  #needsReplicas(): boolean {
    const { minReplicas, minReplicasMaxLagSeconds } = this.#options.settings;
    return minReplicas > 0 && minReplicasMaxLagSeconds > 0;
  }

  #goodReplicas(): number {
    const { door, settings } = this.#options;
    return door()?.goodReplicas(settings.minReplicasMaxLagSeconds) ?? 0;
  }

  #statusOf(replicas: readonly ReplicaInfo[] = []): ReplicaStatus[] {
    return replicas.map((replica) => replicaStatus(replica, this.publisher.backlog));
  }

  #replicaLine(replica: ReplicaInfo): string {
    const { ip, port } = addressParts(replica);
    const offset = this.#offset(replica.acknowledged ?? replica.watermarks);
    return `ip=${ip},port=${port},state=${replicaStates[replica.state]},offset=${offset},lag=${replica.sinceAckSeconds}`;
  }

  #offset(watermarks: readonly bigint[]): bigint {
    const { base } = this.publisher.history;
    return watermarks.reduce((sum, watermark) => (watermark > base ? sum + watermark - base : sum), 0n);
  }
}

function connectedReplica({
  address,
  state,
  acknowledged,
  sinceAckSeconds,
  lag,
}: ReplicaStatus): ConnectedReplica {
  if (acknowledged === undefined) {
    return { address, state, lagRecords: undefined, sinceAckSeconds: undefined };
  }
  return { address, state, lagRecords: lag === 'snapshot' ? undefined : lag.records, sinceAckSeconds };
}

function addressParts({ address }: ReplicaInfo): { ip: string; port: string } {
  const colon = address.lastIndexOf(':');
  return { ip: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: address.slice(colon + 1) };
}

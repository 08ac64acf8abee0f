/**
 * What it is to be a primary, beside the store: a history, what publishes its changes, the door for replicas; and what
 * Redis' INFO and ROLE (reference: Redis' field names) and the metrics say of these. A replica that is promoted
 * takes it on.
 */
import type { Clock } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn, secondOffset } from '../replication/offset.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { Publisher } from '../replication/stream/publisher.js';
import type { Reply } from '../resp/reply.js';
import type { Settings } from '../resp/settings.js';
import type { ReplicaStatus } from './lag.js';
import type { PrimaryFigures } from './role-figures.js';
import { ServedReplicas, type ServerDetails } from './serving-report.js';
import type { StatusDocument } from './status-document.js';

const NO_HISTORY = '0'.repeat(40);

export interface PrimaryRoleOptions {
  publisher: Publisher;
  clock: Clock;
  /** Undefined: no replicas can come. */
  door(): ReplicaListener | undefined;
  backlogBytes: number;
  /** How many replicas writes need. */
  settings: Pick<Settings, 'minReplicas' | 'minReplicasMaxLagSeconds'>;
}

export class PrimaryRole {
  readonly publisher: Publisher;
  readonly #options: PrimaryRoleOptions;
  readonly #served: ServedReplicas;

  constructor(options: PrimaryRoleOptions) {
    const { publisher, door, backlogBytes, clock } = options;
    this.publisher = publisher;
    this.#options = options;
    this.#served = new ServedReplicas({ stream: () => publisher, door, backlogBytes, clock });
  }

  get history(): History {
    return this.publisher.history;
  }

  /** Who is connected, in the order in which they came. */
  replicas(): ReplicaStatus[] {
    return this.#served.connected();
  }

  /** Who left within the last hour, in the order in which they left. */
  departed(): ReplicaStatus[] {
    return this.#served.departed();
  }

  /** Fewer good replicas are there than writes need. Asked before every run of commands. */
  get lacksReplicas(): boolean {
    return this.#needsReplicas() && this.#goodReplicas() < this.#options.settings.minReplicas;
  }

  /** INFO replication behind `role`. Offsets are records, of all shards together (replication/offset.ts). */
  info(): Record<string, string | number> {
    return {
      connected_slaves: this.replicas().length,
      ...(this.#needsReplicas() && { min_slaves_good_slaves: this.#goodReplicas() }),
      ...this.#served.replicaLines(),
      master_failover_state: 'no-failover',
      ...historyLines(this.history),
      master_repl_offset: String(this.#offset()),
      second_repl_offset: secondOffset(this.history),
      ...this.#served.backlogLines(),
    };
  }

  /** ROLE's answer. */
  role(): Reply {
    return ['master', this.#offset(), this.#served.roleLines()];
  }

  /** For the metrics and `/readyz`. */
  figures(): PrimaryFigures {
    return {
      role: 'primary',
      history: this.history.id,
      offsetRecords: Number(this.#offset()),
      serving: this.#served.figures(),
    };
  }

  /** For `fastcache watermarks`. */
  document(details: ServerDetails): StatusDocument | undefined {
    return this.#served.document({ ...details, role: 'primary', link: null });
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

  #offset(): bigint {
    return offsetIn(this.history, this.publisher.watermarks());
  }
}

/** INFO's `master_replid` and `master_replid2`: the history and the one that it continues. */
export function historyLines(history: History | undefined): Record<string, string> {
  return {
    master_replid: history?.id ?? NO_HISTORY,
    master_replid2: history?.previous?.id ?? NO_HISTORY,
  };
}

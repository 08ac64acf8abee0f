/** A primary's role beside its store: its report, the replicas that its writes need, and WAIT. */
import type { Clock, Timers } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { waitForReplicas } from '../replication/primary/wait.js';
import type { Publisher } from '../replication/stream/publisher.js';
import { Later } from '../resp/later.js';
import type { Settings } from '../resp/settings.js';
import { type NodeReport, servingReport } from './report.js';

export interface PrimaryRoleOptions {
  publisher: Publisher;
  clock: Clock;
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

  get history(): History {
    return this.publisher.history;
  }

  report(): NodeReport {
    const { publisher } = this;
    const { door, backlogBytes, clock } = this.#options;
    return {
      role: 'primary',
      history: publisher.history,
      offsetRecords: offsetIn(publisher.history, publisher.watermarks()),
      serving: servingReport({ stream: publisher, listener: door(), backlogBytes, nowMs: clock.nowMs() }),
      link: undefined,
      goodReplicas: this.#needsReplicas() ? this.#goodReplicas() : undefined,
    };
  }

  /** Whether fewer good replicas are connected than writes need. Asked before every run of commands. */
  get lacksReplicas(): boolean {
    return this.#needsReplicas() && this.#goodReplicas() < this.#options.settings.minReplicas;
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
}

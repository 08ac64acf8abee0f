/** The report of a replica that follows, relay or not. */
import type { Clock } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { Follower } from '../replication/replica/follower.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { Address } from '../transport/connection.js';
import { linkReport, type NodeReport, servingReport } from './report.js';

export interface ReplicaRoleOptions {
  follower: Follower;
  primary: Address;
  clock: Clock;
  backlogBytes: number;
  /** Of a relay; undefined: no replicas can come. */
  served: { stream(): FrameStream | undefined; door(): ReplicaListener | undefined } | undefined;
}

export class ReplicaRole {
  readonly primary: Address;
  readonly #options: ReplicaRoleOptions;

  constructor(options: ReplicaRoleOptions) {
    this.primary = options.primary;
    this.#options = options;
  }

  /** The history of the content; a relay makes one up for the content of a Rust primary. */
  get history(): History | undefined {
    const { follower, served } = this.#options;
    return served?.stream()?.history ?? follower.holding?.history;
  }

  report(): NodeReport {
    const { follower, clock, served, backlogBytes } = this.#options;
    const { holding } = follower;
    return {
      role: 'replica',
      history: this.history,
      offsetRecords: offsetIn(holding?.history, holding?.store.watermarks() ?? []),
      serving:
        served &&
        servingReport({
          stream: served.stream(),
          listener: served.door(),
          backlogBytes,
          nowMs: clock.nowMs(),
        }),
      link: linkReport(follower, this.primary, clock),
      goodReplicas: undefined,
    };
  }
}

/** What a server's part in replication comes to in numbers: the model behind the metrics and behind readiness. */

import type { ReplicaInfo } from '../replication/primary/replica-info.js';
import type { FollowerState } from '../replication/replica/follower.js';

export type RoleFigures = PrimaryFigures | ReplicaFigures;

export interface PrimaryFigures {
  readonly role: 'primary';
  /** 32 hex digits. */
  readonly history: string;
  /** Records of this history and those that it continues, over all shards. */
  readonly offsetRecords: number;
  readonly serving: ServingFigures;
}

/** Of who serves replicas. */
export interface ServingFigures {
  readonly backlog: { readonly bytes: number; readonly records: number; readonly limitBytes: number };
  readonly replicas: readonly ConnectedReplica[];
}

export interface ConnectedReplica {
  readonly address: string;
  readonly state: ReplicaInfo['state'];
  /** Records, over all shards, that it has not acknowledged; undefined of one that is not live or never acknowledges. */
  readonly lagRecords: number | undefined;
  /** Seconds since it was last heard of; undefined of one that never acknowledges. */
  readonly sinceAckSeconds: number | undefined;
}

export interface ReplicaFigures {
  readonly role: 'replica';
  /** 32 hex digits; undefined while nothing is held, and of a Rust primary. */
  readonly history: string | undefined;
  readonly offsetRecords: number;
  /** Whether the first content is whole. */
  readonly hasContent: boolean;
  readonly link: FollowerState['name'];
  /** Seconds since the primary was last heard, or since following began. */
  readonly sinceHeardSeconds: number;
  /** As `Follower.lagMs`. */
  readonly lagMs: number | undefined;
  /** Of a relay. */
  readonly serving?: ServingFigures | undefined;
}

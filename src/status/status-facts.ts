/** The facts of a server that INFO (info.ts) and the metrics show. */

import type { SaveReport } from '../data/bases.js';
import type { SizeReport } from '../data/data-directory.js';
import type { CommandRow } from '../resp/command-statistics.js';
import type { LatencyRow } from '../resp/latencies.js';
import type { MemoryFacts } from '../resp/memory-facts.js';
import type { LoadingReport } from './report.js';

/** The facts of a server that INFO and the metrics show, at one moment. */
export interface ServerStatus {
  role: 'master' | 'slave';
  version: string;
  uptimeMs: number;
  tcpPort: number;
  connectedClients: number;
  usedMemoryBytes: number;
  keys: number;
  expiringKeys: number;
  /** Ms that these have left on the average. */
  averageTtlMs: number;
  commandsProcessed: number;
  expiredKeys: number | undefined;
  /** The lines of the replication section behind `role`. */
  replication: Record<string, string | number>;
  nowMs?: number;
  /** Seconds of the clock that says how long keys are idle, in 24 bits. */
  lruClock?: number;
  /** The id of this run, 40 hex digits. */
  runId?: string;
  clients?: ClientsStatus;
  memory?: MemoryStatus;
  /** True when nothing has come from the primary yet. */
  isLoading?: boolean;
  /** How far the start is with loading; undefined once that is over. */
  loading?: LoadingReport | undefined;
  /** True when a replica takes in new content beside what it has. */
  isReplacing?: boolean;
  persistence?: PersistenceStatus;
  stats?: StatsStatus;
  cpu?: { userUs: number; systemUs: number };
  commandRows?: () => readonly CommandRow[];
  /** How often errors were answered, by their first word. */
  errorCounts?: () => readonly (readonly [word: string, count: number])[];
  /** How long the calls of each command took; absent where nobody counts that. */
  latencyRows?: () => readonly LatencyRow[];
  /** Of each command the microseconds below which so many percent of its calls were; none while untracked. */
  latencies?: () => readonly LatencyPercentiles[];
}

/** The percentiles of a command's latencies, as INFO shows them. */
export interface LatencyPercentiles {
  readonly name: string;
  readonly percentiles: readonly (readonly [percent: string, microseconds: number])[];
}

/** The connected clients. */
export interface ClientsStatus {
  readonly blocked: number;
  readonly max: number;
  readonly pubsub: number;
  readonly tracking: number;
  readonly watching: number;
  /** Keys that they watch, those of several clients several times. */
  readonly watchedKeys: number;
  /** The most bytes of commands, and of replies, that wait for one client at present. */
  readonly maxInputBytes: number;
  readonly maxOutputBytes: number;
}

/** The facts about files. */
export interface PersistenceStatus {
  /** Records that were written or applied since the start. */
  readonly changes: number;
  /** Unix seconds of the start, at which Redis' LASTSAVE begins. */
  readonly startedAtSeconds: number;
  /** The snapshots of the data directory; undefined: there is none. */
  readonly saves: SaveReport | undefined;
  /** Its files; undefined: there is none. */
  readonly size: SizeReport | undefined;
  /** Why the directory cannot be written; undefined while it can. */
  readonly fault: string | undefined;
}

/** Memory, and the store's limit. */
export interface MemoryStatus extends MemoryFacts {
  /** The store's limit, bytes; 0: no limit but the store's own. */
  maxBytes: number;
  policy: string;
  /** Bytes of the machine. */
  systemBytes: number;
}

/** Counters since the start, and the present rate of commands. */
export interface StatsStatus {
  connections: number;
  rejectedConnections: number;
  inputBytes: number;
  outputBytes: number;
  commandsPerSecond: number | undefined;
  inputBytesPerSecond: number | undefined;
  outputBytesPerSecond: number | undefined;
  /** The share of the keys with an expiry, 0 to 1, that are past it and still there. */
  staleShare: number;
  evictedKeys: number | undefined;
  keyspaceHits: number | undefined;
  keyspaceMisses: number | undefined;
  errorReplies: number;
  /** Keys that clients track, how many clients track each in all, and the prefixes of those in BCAST mode. */
  tracked: { keys: number; items: number; prefixes: number };
  pubsub: PubSubCounts;
  syncs?: SyncCounts;
}

/** How many names have subscribers. */
export interface PubSubCounts {
  readonly channels: number;
  readonly patterns: number;
  readonly shardChannels: number;
}

/** How many of the replicas that came were sent what. */
export interface SyncCounts {
  /** How many were sent a snapshot, also in place of the backlog. */
  full: number;
  /** How many were sent what they lacked, from the backlog. */
  partial: number;
  /** How many had asked to resume and were sent a snapshot. */
  partialFailed: number;
}

/** The fields of a section of INFO by their names; one that is undefined is left out. */
export type Fields = Record<string, string | number | undefined>;

/** What `import 'fastcache'` offers: a primary, a replica, and for tools the codec and the backlog. */

export { type ErrorCode, errorCodes, FastcacheError } from './errors.js';
export * from './frame/batch.js';
export { decodeErrorText, encodeErrorText } from './frame/error-text.js';
export * from './frame/frame.js';
export * from './frame/header.js';
export * from './frame/hello.js';
export * from './frame/kinds.js';
export type { Margin } from './frame/margin.js';
export * from './frame/snapshot.js';
export * from './frame/splitter.js';
export { decodeWatermarks, encodeWatermarks } from './frame/watermarks.js';
export type { MetricsSnapshot } from './replication/metrics.js';
export type {
  Change,
  ChangeConsumer,
  EntryChange,
  RecordChange,
  SnapshotAbandoned,
  SnapshotBegin,
  SnapshotEnd,
} from './replication/outputs/changes.js';
export type { ReplicaInfo } from './replication/primary/replica-info.js';
export type { FollowerState } from './replication/replica/follower.js';
export * from './replication/stream/backlog.js';
export { BatchBuilder, type BatchRules } from './replication/stream/batch-builder.js';
export type { Bytes } from './server/bytes.js';
export {
  type LogEvent,
  type PrimaryEvents,
  primaryEvents,
  type ReplicaEvents,
  replicaEvents,
} from './server/events.js';
export type { PrimaryOptions, ReplicaOptions, ServerOptions } from './server/options.js';
export { Primary } from './server/primary.js';
export { Replica } from './server/replica.js';
export type { Lag, ReplicaLag } from './status/lag.js';
export type { ReplicaStatus } from './status/report.js';

/** What `import 'fastcache'` offers: a primary, a replica, and for tools the codec and the backlog. */
export type { PrimaryOptions, ReplicaOptions, ServerOptions, ServingOptions } from './config.js';
export { type ErrorCode, errorCodes, FastcacheError } from './errors.js';
export {
  type LogEvent,
  type PrimaryEvents,
  primaryEvents,
  type ReplicaEvents,
  replicaEvents,
} from './events.js';
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
export { Primary } from './primary.js';
export { Replica } from './replica.js';
export * from './replication/backlog.js';
export { BatchBuilder, type BatchRules } from './replication/batch-builder.js';
export type {
  Change,
  ChangeConsumer,
  EntryChange,
  RecordChange,
  SnapshotAbandoned,
  SnapshotBegin,
  SnapshotEnd,
} from './replication/changes.js';
export type { FollowerState } from './replication/follower.js';
export type { MetricsSnapshot } from './replication/metrics.js';
export type { ReplicaInfo } from './replication/primary-session.js';
export type { Bytes } from './server-parts.js';
export type { Lag, ReplicaLag, ReplicaStatus } from './status/lag.js';

/** The exports of `fastcache`: a server of either role, and for tools the codec and the backlog. */

export type { Expiry } from './embedded/arguments.js';
export type { ChangesOptions, KeyChange } from './embedded/change-stream.js';
export type { Codec, CodecName, CodecOption, DecodedBy, Given } from './embedded/codec.js';
export type { NodeLag, ReadyOptions } from './embedded/embedded-node.js';
export type { PrimaryWriter, WriteOptions } from './embedded/primary-writer.js';
export { Replica } from './embedded/replica.js';
export { Primary, Server } from './embedded/server.js';
export type { Bytes } from './engine/bytes.js';
export { type ErrorCode, errorCodes, FastcacheError } from './errors.js';
export {
  type DecodedBatch,
  type DecodedRecord,
  decodeBatch,
  encodeBatch,
  type MutationOp,
  type MutationRecord,
} from './frame/batch.js';
export { decodeErrorText, encodeErrorText } from './frame/error-text.js';
export {
  type DecodedFrame,
  decodeFrame,
  type EncodeOptions,
  encodeFrame,
  openPayload,
} from './frame/frame.js';
export {
  DEFAULT_FRAME_VERSION,
  decodeHeader,
  encodeHeader,
  type FrameHeader,
  type FrameRules,
} from './frame/header.js';
export {
  type DecodedHello,
  type DecodedHelloFrame,
  decodeHello,
  decodeHelloFrame,
  encodeHello,
  encodeHelloFrame,
  type Hello,
  type HelloFrameOptions,
  type HelloRole,
} from './frame/hello.js';
export { FrameKind, type FrameKindName, frameKindName, isFrameKind } from './frame/kinds.js';
export type { Margin } from './frame/margin.js';
export {
  type DecodedSnapshotChunk,
  type DecodedSnapshotEntry,
  decodeSnapshotChunk,
  encodeSnapshotChunk,
  encodeSnapshotEntries,
  type SnapshotChunk,
  type SnapshotEntry,
} from './frame/snapshot.js';
export { FrameSplitter, type SplitFrame, type SplitterOptions } from './frame/splitter.js';
export { decodeWatermarks, encodeWatermarks, type WatermarkList } from './frame/watermarks.js';
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
export {
  Backlog,
  type BacklogOptions,
  type BacklogWindow,
  type Behind,
  type CatchUp,
  type Leeway,
  type NeedsSnapshot,
  type ReplicaLag,
} from './replication/stream/backlog.js';
export { BatchBuilder, type BatchRules } from './replication/stream/batch-builder.js';
export {
  type LogEvent,
  type PrimaryEvents,
  primaryEvents,
  type ReplicaEvents,
  replicaEvents,
} from './server/events.js';
export type { PrimaryOptions, ReplicaOptions, ServerOptions } from './server/option-types.js';
export type { Lag } from './status/lag.js';
export type { ReplicaStatus } from './status/report.js';

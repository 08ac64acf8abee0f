/** The counters of replication (docs/protocol.md, "Metrics"), one set for a node in any role. */

/**
 * Counts since the start, which only grow, except `queueDepth`, which is the present number, and
 * `lastSnapshotMs`, which is a time.
 */
export interface MetricsSnapshot {
  /** Records handed to the publisher. */
  emittedMutations: number;
  /** Batches sealed into frames. */
  sentBatches: number;
  sentRecords: number;
  /** Frame bytes as they go over the wire, header included. */
  sentBytesCompressed: number;
  /** Payload bytes before compression. */
  sentBytesUncompressed: number;
  /** Nanoseconds spent sealing frames. */
  compressionNs: number;
  /** Frames that wait for slow replicas at present, over all of them. */
  queueDepth: number;
  /** The highest `queueDepth` so far. */
  queueHighWatermark: number;
  /** Batches that could not be published, and replicas that were disconnected. */
  drops: number;
  /** Replicas that were disconnected because their queue was full. */
  backpressureEvents: number;
  /** Records applied as a replica. */
  replicaApplied: number;
  /** Received records that had been applied before. */
  replicaSkipped: number;
  /** Nanoseconds spent applying. */
  replicaApplyNs: number;
  /** Replicas that resumed from the backlog, those that lacked nothing included. */
  catchUpBacklogCount: number;
  /** Replicas that were given a snapshot. */
  catchUpSnapshotCount: number;
  /** Replicas that were given a snapshot although they had asked to continue from what they have. */
  resumeFailureCount: number;
  /** Chunks of snapshots made for fastcache replicas, however many replicas each was for. */
  snapshotChunks: number;
  /** Nanoseconds spent scanning and encoding chunks of snapshots. */
  snapshotNs: number;
  /** Unix ms at which a replica had last been sent a whole snapshot; 0: none has been since the start. */
  lastSnapshotMs: number;
  /** Connections to a primary that were attempted, as a replica. */
  linkAttempts: number;
  /** Live links to a primary that were lost. */
  linkLosses: number;
  /** How often content was found to differ, here or at a replica. */
  divergences: number;
}

/** The counters; the code that does what they count adds to them. */
export class ReplicationMetrics implements MetricsSnapshot {
  emittedMutations = 0;
  sentBatches = 0;
  sentRecords = 0;
  sentBytesCompressed = 0;
  sentBytesUncompressed = 0;
  compressionNs = 0;
  queueDepth = 0;
  queueHighWatermark = 0;
  drops = 0;
  backpressureEvents = 0;
  replicaApplied = 0;
  replicaSkipped = 0;
  replicaApplyNs = 0;
  catchUpBacklogCount = 0;
  catchUpSnapshotCount = 0;
  resumeFailureCount = 0;
  snapshotChunks = 0;
  snapshotNs = 0;
  lastSnapshotMs = 0;
  linkAttempts = 0;
  linkLosses = 0;
  divergences = 0;

  batchSent(records: number, uncompressedBytes: number, frameBytes: number, compressionNs: number): void {
    this.emittedMutations += records;
    this.sentBatches += 1;
    this.sentRecords += records;
    this.sentBytesUncompressed += uncompressedBytes;
    this.sentBytesCompressed += frameBytes;
    this.compressionNs += compressionNs;
  }

  queueChanged(frames: number): void {
    this.queueDepth += frames;
    if (this.queueDepth > this.queueHighWatermark) this.queueHighWatermark = this.queueDepth;
  }

  cutOff(): void {
    this.backpressureEvents += 1;
    this.drops += 1;
  }

  batchApplied(applied: number, skipped: number, elapsedNs: number): void {
    this.replicaApplied += applied;
    this.replicaSkipped += skipped;
    this.replicaApplyNs += elapsedNs;
  }

  chunkMade(elapsedNs: number): void {
    this.snapshotChunks += 1;
    this.snapshotNs += elapsedNs;
  }

  snapshot(): MetricsSnapshot {
    return { ...this };
  }
}

/**
 * The metrics of replication: its counters (docs/protocol.md, "Metrics"), a primary's replicas, a replica's
 * link.
 */

import type { ReplicaLag } from '../../replication/stream/backlog.js';
import type { LinkReport, ReplicaStatus, ServingReport } from '../report.js';
import type { MetricFamily, MetricsModel, Sample } from './metric-family.js';
import { stateSamples } from './metric-family.js';
import { goneCount, labelledReplicas, NAMED_REPLICAS } from './replica-labels.js';

/** Ends the help of what is given for each replica. */
const OF_WHOM = `Of the first ${NAMED_REPLICAS}, and of those that left within the last hour.`;
const replicaStates = ['snapshot', 'catching-up', 'live'] satisfies ReplicaStatus['state'][];
const linkStates = [
  'disconnected',
  'connecting',
  'handshake',
  'snapshot',
  'live',
  'stopped',
] satisfies LinkReport['state'][];

type Reading<Report> = (report: Report) => ReturnType<MetricFamily['read']>;

/** Makes the reading of a node that serves replicas: a primary or a relay. */
const ofServing =
  (read: Reading<ServingReport>) =>
  ({ node: { serving } }: MetricsModel) =>
    serving === undefined ? undefined : read(serving);

/** Makes the reading of a node that follows. */
const ofLink =
  (read: Reading<LinkReport>) =>
  ({ node: { link } }: MetricsModel) =>
    link === undefined ? undefined : read(link);

const perReplica = (read: (replica: ReplicaStatus) => number | undefined) =>
  ofServing((serving) =>
    [...labelledReplicas(serving)].flatMap(([label, replica]): Sample[] => {
      const value = read(replica);
      return value === undefined ? [] : [{ labels: { replica: label }, value }];
    }),
  );

/** Makes the reading of a lag; of a Rust replica, which acknowledges nothing, none is known. */
const perReplicaLag = (read: (lag: ReplicaLag) => number | undefined) =>
  perReplica(({ acknowledged, lag }) =>
    acknowledged === undefined || lag === 'snapshot' ? undefined : read(lag),
  );

/** The counters, which are the same for both roles, for a replica may be promoted. */
const counterFamilies: MetricFamily[] = [
  {
    name: 'fastcache_replication_emitted_mutations_total',
    type: 'counter',
    help: 'Records handed to the publisher.',
    read: ({ replication }) => replication.emittedMutations,
  },
  {
    name: 'fastcache_replication_sent_batches_total',
    type: 'counter',
    help: 'Batches sealed into frames.',
    read: ({ replication }) => replication.sentBatches,
  },
  {
    name: 'fastcache_replication_sent_records_total',
    type: 'counter',
    help: 'Records sealed into frames.',
    read: ({ replication }) => replication.sentRecords,
  },
  {
    name: 'fastcache_replication_sent_compressed_bytes_total',
    type: 'counter',
    help: 'Bytes of sealed frames as they go over the wire, headers included; once, however many replicas there are.',
    read: ({ replication }) => replication.sentBytesCompressed,
  },
  {
    name: 'fastcache_replication_sent_uncompressed_bytes_total',
    type: 'counter',
    help: 'Bytes of sealed payloads before compression.',
    read: ({ replication }) => replication.sentBytesUncompressed,
  },
  {
    name: 'fastcache_replication_compression_seconds_total',
    type: 'counter',
    help: 'Time spent sealing frames.',
    read: ({ replication }) => replication.compressionNs / 1e9,
  },
  {
    name: 'fastcache_replication_queued_frames',
    type: 'gauge',
    help: 'Frames that wait for slow replicas, over all of them.',
    read: ({ replication }) => replication.queueDepth,
  },
  {
    name: 'fastcache_replication_queued_frames_max',
    type: 'gauge',
    help: 'The most frames that ever waited since the start.',
    read: ({ replication }) => replication.queueHighWatermark,
  },
  {
    name: 'fastcache_replication_drops_total',
    type: 'counter',
    help: 'Batches that could not be published, and replicas that were cut off.',
    read: ({ replication }) => replication.drops,
  },
  {
    name: 'fastcache_replication_backpressure_events_total',
    type: 'counter',
    help: 'Replicas cut off because their queue was full.',
    read: ({ replication }) => replication.backpressureEvents,
  },
  {
    name: 'fastcache_replication_applied_records_total',
    type: 'counter',
    help: 'Records applied as a replica.',
    read: ({ replication }) => replication.replicaApplied,
  },
  {
    name: 'fastcache_replication_skipped_records_total',
    type: 'counter',
    help: 'Records received as a replica that were known already.',
    read: ({ replication }) => replication.replicaSkipped,
  },
  {
    name: 'fastcache_replication_apply_seconds_total',
    type: 'counter',
    help: 'Time spent applying records as a replica.',
    read: ({ replication }) => replication.replicaApplyNs / 1e9,
  },
  {
    name: 'fastcache_replication_catchups_total',
    type: 'counter',
    help: 'Replicas that joined, by what they were given: the backlog, or a snapshot.',
    labels: ['kind'],
    read: ({ replication }) => [
      { labels: { kind: 'backlog' }, value: replication.catchUpBacklogCount },
      { labels: { kind: 'snapshot' }, value: replication.catchUpSnapshotCount },
    ],
  },
  {
    name: 'fastcache_replication_resume_failures_total',
    type: 'counter',
    help: 'Replicas that were given a snapshot though they had asked to go on from what they hold.',
    read: ({ replication }) => replication.resumeFailureCount,
  },
  {
    name: 'fastcache_replication_snapshot_chunks_total',
    type: 'counter',
    help: 'Chunks of snapshots made for replicas of ours, however many replicas each was for.',
    read: ({ replication }) => replication.snapshotChunks,
  },
  {
    name: 'fastcache_replication_snapshot_seconds_total',
    type: 'counter',
    help: 'Time spent scanning the store and encoding these chunks.',
    read: ({ replication }) => replication.snapshotNs / 1e9,
  },
  {
    name: 'fastcache_replication_last_snapshot_timestamp_seconds',
    type: 'gauge',
    help: 'When a replica had last been sent a whole snapshot, seconds since the Unix epoch; left out before.',
    read: ({ replication: { lastSnapshotMs } }) => (lastSnapshotMs === 0 ? undefined : lastSnapshotMs / 1000),
  },
  {
    name: 'fastcache_replication_link_attempts_total',
    type: 'counter',
    help: 'Connections to the primary that a replica has attempted.',
    read: ({ replication }) => replication.linkAttempts,
  },
  {
    name: 'fastcache_replication_link_losses_total',
    type: 'counter',
    help: 'Live links to the primary that a replica has lost.',
    read: ({ replication }) => replication.linkLosses,
  },
  {
    name: 'fastcache_replication_divergences_total',
    type: 'counter',
    help: 'The number of times that content was found to differ: this server from its primary, a replica from this server, or memory from the writes.',
    read: ({ replication }) => replication.divergences,
  },
];

const roleFamilies: MetricFamily[] = [
  {
    name: 'fastcache_replication_info',
    type: 'gauge',
    help: '1, with the role and the history that is held as labels; no history of a Rust primary, or before the first content.',
    labels: ['role', 'history'],
    read: ({ node: { role, history } }) => [{ labels: { role, history: history?.id ?? '' }, value: 1 }],
  },
  {
    name: 'fastcache_replication_offset_records',
    type: 'gauge',
    help: 'Records of the history and those that it continues, over all shards: the difference between two servers is how far one is behind.',
    read: ({ node }) => Number(node.offsetRecords),
  },
  {
    name: 'fastcache_diverging_shards',
    type: 'gauge',
    help: 'Shards of this server whose content is known not to be what it should be.',
    read: ({ node }) => node.diverges?.shards.length ?? 0,
  },
];

const servingFamilies: MetricFamily[] = [
  {
    name: 'fastcache_backlog_bytes',
    type: 'gauge',
    help: 'Frame bytes kept for replicas that come back.',
    read: ofServing(({ backlog }) => backlog.bytes),
  },
  {
    name: 'fastcache_backlog_limit_bytes',
    type: 'gauge',
    help: 'The most that is kept; each shard has an equal share.',
    read: ofServing(({ backlog }) => backlog.limitBytes),
  },
  {
    name: 'fastcache_backlog_records',
    type: 'gauge',
    help: 'Records kept for replicas that come back, over all shards.',
    read: ofServing(({ backlog }) => Number(backlog.records)),
  },
  {
    name: 'fastcache_connected_replicas',
    type: 'gauge',
    help: 'Replicas that are connected, by state.',
    labels: ['state'],
    read: ofServing(({ connected }) =>
      replicaStates.map((state) => ({
        labels: { state },
        value: connected.filter((replica) => replica.state === state).length,
      })),
    ),
  },
  {
    name: 'fastcache_gone_replicas',
    type: 'gauge',
    help: 'Replicas that left within the last hour and are not back.',
    read: ofServing(goneCount),
  },
  {
    name: 'fastcache_replica_live',
    type: 'gauge',
    help: `1 of a replica that is live, 0 while it is given a snapshot or catches up, and when it is gone; ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplica(({ state }) => (state === 'live' ? 1 : 0)),
  },
  {
    name: 'fastcache_replica_lag_records',
    type: 'gauge',
    help: `Records that a replica has not acknowledged; a Rust one never does. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplicaLag(({ records }) => records),
  },
  {
    name: 'fastcache_replica_lag_bytes',
    type: 'gauge',
    help: `Bytes of frames that a replica has not acknowledged; left out where they are no longer kept. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplicaLag(({ bytes }) => bytes),
  },
  {
    name: 'fastcache_replica_lag_seconds',
    type: 'gauge',
    help: `Time from the first record that a replica has not acknowledged to the newest; 0 where it has all. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplicaLag(({ ms }) => (ms === undefined ? undefined : ms / 1000)),
  },
  {
    name: 'fastcache_replica_leeway_seconds',
    type: 'gauge',
    help: `How long a replica may be away at the present write rate until the backlog lacks what it needs; 0: it lacks that already. Left out while nothing is written. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplica(({ lag, canResume, leewayMs }) => {
      if (lag === 'snapshot') return undefined;
      if (!canResume) return 0;
      return leewayMs === undefined ? undefined : leewayMs / 1000;
    }),
  },
  {
    name: 'fastcache_replica_last_ack_seconds',
    type: 'gauge',
    help: `Whole seconds since a replica was last heard of. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplica(({ acknowledged, sinceAckSeconds }) =>
      acknowledged === undefined ? undefined : sinceAckSeconds,
    ),
  },
  {
    name: 'fastcache_replica_queued_bytes',
    type: 'gauge',
    help: `Bytes of frames that wait until a replica's connection takes them. ${OF_WHOM}`,
    labels: ['replica'],
    read: perReplica(({ state, queuedBytes }) => (state === 'gone' ? undefined : queuedBytes)),
  },
];

const replicaFamilies: MetricFamily[] = [
  {
    name: 'fastcache_link_up',
    type: 'gauge',
    help: '1 while what is held follows the primary, else 0.',
    read: ofLink(({ state }) => (state === 'live' ? 1 : 0)),
  },
  {
    name: 'fastcache_link_state',
    type: 'gauge',
    help: '1 of the state that the link to the primary is in, 0 of the others.',
    labels: ['state'],
    read: ofLink(({ state }) => stateSamples(linkStates, state)),
  },
  {
    name: 'fastcache_link_last_io_seconds',
    type: 'gauge',
    help: 'Seconds since the primary was last heard, or since following began.',
    read: ofLink(({ sinceHeardSeconds }) => sinceHeardSeconds),
  },
  {
    name: 'fastcache_replication_lag_seconds',
    type: 'gauge',
    help: "How far a live replica is behind its primary by the records' times, 0 behind an idle primary; absent while it is not known.",
    read: ofLink(({ lagMs }) => (lagMs === undefined ? undefined : lagMs / 1000)),
  },
];

/** The metrics of replication, in the order of the scrape. */
export const replicationFamilies: readonly MetricFamily[] = [
  ...roleFamilies,
  ...counterFamilies,
  ...servingFamilies,
  ...replicaFamilies,
];

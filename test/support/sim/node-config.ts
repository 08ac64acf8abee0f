/** The configuration with which a node of a simulation is started. */
import type { ChangeConsumer } from '../../../src/replication/outputs/changes.js';
import { type NodeConfig, primaryConfig } from '../../../src/server/config.js';
import type { Address } from '../../../src/transport/connection.js';
import type { Configuration } from './configuration.js';

/** The node that it follows from its start on; undefined: it leads. */
export interface Role {
  primary: Address | undefined;
  /** The nodes that it asks for its content before it leads; absent: none. */
  recover?: readonly Address[];
}

export interface NodeTraits {
  role: Role;
  /** It keeps a state and no content. */
  isTap: boolean;
  /** Its operator means that replicas give up other histories for what it serves. */
  isFresh: boolean;
  /** Its own address. */
  bind: Address;
  changes: ChangeConsumer | undefined;
}

const DEFAULTS = primaryConfig({ bind: '127.0.0.1:0', listen: false });
const VALUE_BYTES = 1024 * 1024;

export function nodeConfig(
  configuration: Configuration,
  { role: { primary, recover = [] }, isTap, isFresh, bind, changes }: NodeTraits,
): NodeConfig {
  const { shards, sendPolicy, batchMaxRecords, batchMaxBytes, batchMaxDelayUs, compression } = configuration;
  const { backlogBytes, subscriberQueueFrames, subscriberQueueBytes, snapshotChunkBytes } = configuration;
  const { maxMemoryBytes, allowEmptySnapshot, sequenceBase, hasOutputs, hasRelays } = configuration;
  const { foreignHistory, disks } = configuration;
  const serves = !isTap && (primary === undefined || hasRelays);
  const kept = disks && {
    data: dataPath(bind),
    fsync: disks.fsync,
    dataSegmentBytes: disks.segmentBytes,
    dataBase: disks.base,
    dataKeep: disks.keep,
  };
  return {
    ...DEFAULTS,
    ...kept,
    primary,
    recover,
    bind: serves ? bind : undefined,
    shards,
    maxValueBytes: VALUE_BYTES,
    maxMemoryBytes,
    eviction: 'allkeys-lru',
    sendPolicy,
    batchMaxRecords,
    batchMaxBytes,
    batchMaxDelayUs,
    compression,
    backlogBytes,
    subscriberQueueFrames,
    subscriberQueueBytes,
    snapshotChunkBytes,
    sequenceBase,
    allowEmptySnapshot,
    foreignHistory,
    freshHistory: isFresh,
    record: hasOutputs || isTap ? `dump-${bind.port}` : undefined,
    force: hasOutputs || isTap,
    state: isTap ? `state-${bind.port}` : undefined,
    changes,
  };
}

/** The data directory of a node. */
export function dataPath({ port }: Address): string {
  return `data-${port}`;
}

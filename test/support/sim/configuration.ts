/** The draws of a seed: the configuration of a cluster, its writes, and its faults. */
import type { FsyncPolicy } from '../../../src/data/journal.js';
import type { SequenceBase } from '../../../src/replication/history.js';
import type { ForeignHistory } from '../../../src/replication/replica/session-options.js';
import type { SendPolicy } from '../../../src/replication/stream/publisher.js';
import { RandomSource } from '../random.js';

/** The faults that a connection may meet, drawn when it is opened. */
export const networkFaults = [
  'latency',
  'slices',
  'single bytes',
  'small send buffers',
  'cut after bytes',
  'slow close',
  'lost frames',
] as const;

/** The faults that the cluster meets from time to time. */
export const timedFaults = [
  'stall',
  'one-way stall',
  'reset',
  'half-open',
  'refused connects',
  'silent connects',
  'primary paused',
  'replica paused',
  'primary crashed',
  'replica crashed',
  'primary restarted',
  'replica restarted',
  'clock jump',
  'joins at once',
  'promotion',
  'follows another',
  'follows one that lags',
  'primary follows',
  'follows a dead address',
  'settings',
  'tap crashed',
  'tap restarted',
  'slow disk',
  'declared fresh',
  'primary recovers',
] as const;

/** The outcomes that a run comes to by itself; each must come about in some. */
export const outcomes = [
  'snapshot',
  'snapshot of a relay',
  'backlog',
  'backlog of a relay',
  'queue overflow',
  'dead link',
  'gap',
  'history continued',
  'relay without content',
  'relay behind',
  'cycle',
  'eviction',
  'foreign history',
  'foreign history, meant',
  'recovered',
  'nothing recovered',
  'too few replicas',
  'slow consumer',
  'tap continued',
  'tap snapshot',
  'tide during a scan',
  'part of a large value',
] as const;

/** The outcomes of a run with disks besides; each must come about in some. */
export const diskOutcomes = [
  'crash at an operation of the disk',
  'a crash lost writes',
  'all kept',
  'same history after a stop',
] as const;

export type TimedFault = (typeof timedFaults)[number];
export type FaultName = (typeof networkFaults)[number] | TimedFault;
export type Outcome = (typeof outcomes)[number] | (typeof diskOutcomes)[number];

/** How nodes keep what they have on disks that lose what was not synced. */
export interface DiskConfiguration {
  fsync: FsyncPolicy;
  segmentBytes: number;
  /** As the option. */
  base: string;
  keep: string;
  /** How long an operation takes at most, ms. */
  latencyMs: number;
  /** A process dies at one of so many operations; 0: at none. */
  crashWithin: number;
}

export interface Configuration {
  /** Undefined: nothing is kept. */
  disks?: DiskConfiguration;
  shards: number;
  replicas: number;
  /** Replicas serve replicas. */
  hasRelays: boolean;
  /** Every node records, and has its changes taken. */
  hasOutputs: boolean;
  /** Followers without content, which go on where their state says. */
  taps: number;
  allowEmptySnapshot: boolean;
  /** The action of replicas on a history that is foreign to the keys that they hold. */
  foreignHistory: ForeignHistory;
  /** The fate of the primary once all is healed, before an operator says which history is meant. */
  lastLoss: 'none' | 'emptied' | 'recovered';
  /** How long faults and writes last, virtual ms. */
  durationMs: number;
  operations: number;
  keys: number;
  /** All keys are there from the beginning. */
  isFilled: boolean;
  /** Keys are so many, and now and then nearly all go or come back, that tables split and join. */
  hasTides: boolean;
  valueBytesMax: number;
  hasExpiries: boolean;
  /** Above it keys are evicted; 0: never. */
  maxMemoryBytes: number;
  batchMaxRecords: number;
  batchMaxBytes: number;
  batchMaxDelayUs: number;
  sendPolicy: SendPolicy;
  compression: 'none' | 'zstd';
  backlogBytes: number;
  subscriberQueueFrames: number;
  subscriberQueueBytes: number;
  snapshotChunkBytes: number;
  sequenceBase: SequenceBase;
  /** How far wall clocks are off at most, each its own way. */
  clockSkewMs: number;
  faults: ReadonlySet<FaultName>;
}

/** The bytes that a shard's empty tables take, about: under a limit below it nothing could stay. */
const TABLE_BYTES = 13_000;

export function drawConfiguration(seed: number): Configuration {
  const random = RandomSource.fork(seed, 'configuration');
  const hasTides = random.chance(0.1);
  const shards = 2 ** random.below(hasTides ? 2 : 5);
  const valueBytesMax = hasTides ? 20 : random.pick([20, 300, 300, 5_000, 60_000]);
  return {
    shards,
    replicas: random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]),
    hasRelays: random.chance(0.75),
    hasOutputs: random.chance(0.3),
    taps: random.pick([0, 0, 0, 1, 2]),
    allowEmptySnapshot: random.chance(0.3),
    durationMs: random.between(500, 5_000),
    operations: valueBytesMax > 5_000 ? random.between(10, 150) : random.between(20, 500),
    keys: drawKeys(random, hasTides),
    isFilled: hasTides || random.chance(0.5),
    hasTides,
    valueBytesMax,
    hasExpiries: random.chance(0.5),
    maxMemoryBytes: drawMemoryLimit(random, shards),
    batchMaxRecords: random.pick([1, 3, 20, 512]),
    batchMaxBytes: random.pick([200, 5_000, 1_048_576]),
    batchMaxDelayUs: random.pick([750, 5_000, 50_000]),
    sendPolicy: random.pick(['adaptive', 'adaptive', 'batch', 'immediate']),
    compression: random.pick(['none', 'none', 'zstd']),
    backlogBytes: random.pick([0, 2_000, 20_000, 200_000, 1_048_576]),
    subscriberQueueFrames: random.pick([1, 4, 30, 200, 1_024]),
    subscriberQueueBytes: random.pick([3_000, 30_000, 16_777_216]),
    snapshotChunkBytes: random.pick([100, 1_000, 4_096, 65_536]),
    sequenceBase: random.pick(['clock', 'clock', 'zero']),
    clockSkewMs: random.pick([0, 1_000, 600_000]),
    faults: new Set([...networkFaults, ...timedFaults].filter((name) => random.chance(probabilityOf(name)))),
    foreignHistory: random.pick(['refuse', 'refuse', 'accept']),
    lastLoss: random.pick(['none', 'emptied', 'recovered']),
  };
}

/** The same cluster with a data directory for each node, and without outputs and taps. */
export function drawDiskConfiguration(seed: number): Configuration {
  const random = RandomSource.fork(seed, 'disks');
  const configuration = drawConfiguration(seed);
  const faults = new Set(configuration.faults);
  faults.delete('lost frames');
  const disks: DiskConfiguration = {
    fsync: random.pick(['always', 'everysec', 'everysec', 'no']),
    segmentBytes: random.pick([1_000, 5_000, 50_000, 1_048_576]),
    base: random.pick(['auto', 'never', '1kb', '20kb']),
    keep: random.pick(['bases:1', 'bases:2', 'bases:100']),
    latencyMs: random.pick([0.1, 1, 20]),
    crashWithin: random.pick([0, 20, 200, 1_000]),
  };
  return {
    ...configuration,
    disks,
    faults,
    hasOutputs: false,
    taps: 0,
    // Thousands of frames on a disk take a minute, and are of other seeds.
    hasTides: false,
    keys: Math.min(configuration.keys, 300),
    // Frames that are published before a node has begun to serve are read from there.
    backlogBytes: Math.max(configuration.backlogBytes, 200_000),
    valueBytesMax: Math.min(configuration.valueBytesMax, 5_000),
    // A limit that is set while a node runs is gone with its process, and the last writes are to stay.
    maxMemoryBytes: 0,
  };
}

/** A segment of a table holds some 600. */
function drawKeys(random: RandomSource, hasTides: boolean): number {
  if (hasTides) return random.between(1_000, 2_500);
  return random.chance(0.5) ? random.skewed(20) : random.between(20, 300);
}

/** Bytes; 0, which is no limit, mostly. */
export function drawMemoryLimit(random: RandomSource, shards: number): number {
  return random.chance(0.3) ? shards * TABLE_BYTES + random.skewed(50_000) : 0;
}

/** A gap is no fault of ours where frames get lost: most seeds must do without them. */
function probabilityOf(name: FaultName): number {
  return name === 'lost frames' ? 0.2 : 0.5;
}

/**
 * What a dump holds in numbers: by kind of frame, by op, by shard. Of bounded size whatever the dump says: shards that no
 * store can have are counted as one.
 */
import { type DecodedRecord, type MutationOp, RECORD_FIXED_BYTES } from '../frame/batch.js';
import type { FrameKindName } from '../frame/kinds.js';
import { MAX_SHARDS } from '../limits.js';
import type { OpenedFrame } from './frame-content.js';
import { type Item, isRecord } from './frames-filter.js';
import type { SequenceStep } from './sequence-steps.js';
import { LARGEST_U64 } from './values.js';

export interface FrameTotals {
  frames: number;
  compressedFrames: number;
  records: number;
  entries: number;
  /** As on the wire. */
  payloadBytes: number;
  uncompressedBytes: number;
}

export interface OpTotals {
  records: number;
  /** Encoded, not compressed. */
  bytes: number;
}

export interface ShardTotals extends OpTotals {
  /** The lowest and the highest. */
  firstSequence: bigint;
  lastSequence: bigint;
  gaps: number;
  /** In all gaps together; a dump that lies about its snapshots may come to more than a u64, and is told as that. */
  missingSequences: bigint;
  /** How often a sequence came that was not above the one before. */
  stepsBack: number;
}

export class DumpStats {
  readonly total: FrameTotals = noFrames();
  readonly kinds = new Map<FrameKindName, FrameTotals>();
  readonly ops = new Map<MutationOp, OpTotals>();
  readonly #shards: (ShardTotals | undefined)[] = [];
  /** Records of shards from `MAX_SHARDS` on. */
  recordsOutOfRange = 0;
  /** Unix ms of the earliest and the latest record; null while there is none. */
  firstTimeMs: bigint | null = null;
  lastTimeMs: bigint | null = null;
  #kind = this.total;

  /** The items that follow are this frame's. */
  frame({ kind, frame }: OpenedFrame): void {
    const { compressed, payloadBytes, uncompressedBytes } = frame.header;
    this.#kind = got(this.kinds, kind, noFrames);
    for (const totals of [this.total, this.#kind]) {
      totals.frames++;
      if (compressed) totals.compressedFrames++;
      totals.payloadBytes += payloadBytes;
      totals.uncompressedBytes += uncompressedBytes;
    }
  }

  item(item: Item, step: SequenceStep | undefined): void {
    if (isRecord(item)) {
      this.#record(item, step);
    } else {
      this.total.entries++;
      this.#kind.entries++;
    }
  }

  /** By rising number. */
  shards(): { shard: number; totals: ShardTotals }[] {
    return this.#shards.flatMap((totals, shard) => (totals === undefined ? [] : [{ shard, totals }]));
  }

  #record(record: DecodedRecord, step: SequenceStep | undefined): void {
    const { shard, sequence, timestampMs, op, key, value, governance } = record;
    const governanceBytes = governance === undefined ? 0 : 4 + governance.length;
    const bytes = RECORD_FIXED_BYTES + key.length + value.length + governanceBytes;
    this.total.records++;
    this.#kind.records++;
    const ofOp = got(this.ops, op, noRecords);
    ofOp.records++;
    ofOp.bytes += bytes;
    if (this.firstTimeMs === null || timestampMs < this.firstTimeMs) this.firstTimeMs = timestampMs;
    if (this.lastTimeMs === null || timestampMs > this.lastTimeMs) this.lastTimeMs = timestampMs;
    if (shard >= MAX_SHARDS) {
      this.recordsOutOfRange++;
      return;
    }
    const ofShard = (this.#shards[shard] ??= noShard(sequence));
    ofShard.records++;
    ofShard.bytes += bytes;
    if (sequence < ofShard.firstSequence) ofShard.firstSequence = sequence;
    if (sequence > ofShard.lastSequence) ofShard.lastSequence = sequence;
    if (step?.type === 'back') ofShard.stepsBack++;
    if (step?.type === 'gap') {
      ofShard.gaps++;
      const missing = ofShard.missingSequences + step.to - step.from + 1n;
      ofShard.missingSequences = missing > LARGEST_U64 ? LARGEST_U64 : missing;
    }
  }
}

/** How many bytes one byte on the wire stands for; null when there is none. */
export function compressionRatio({ payloadBytes, uncompressedBytes }: FrameTotals): number | null {
  return payloadBytes === 0 ? null : Math.round((uncompressedBytes / payloadBytes) * 100) / 100;
}

function got<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

function noFrames(): FrameTotals {
  return {
    frames: 0,
    compressedFrames: 0,
    records: 0,
    entries: 0,
    payloadBytes: 0,
    uncompressedBytes: 0,
  };
}

function noRecords(): OpTotals {
  return { records: 0, bytes: 0 };
}

function noShard(sequence: bigint): ShardTotals {
  return {
    ...noRecords(),
    firstSequence: sequence,
    lastSequence: sequence,
    gaps: 0,
    missingSequences: 0n,
    stepsBack: 0,
  };
}

/**
 * Cuts batches where the wanted part of a dump ends: at a sequence, in each shard, or at a time. Records are
 * looked at in place, and a batch that belongs to the part as a whole is returned as it is.
 */
import { RECORD_FIXED_BYTES, RECORD_OFFSETS } from '../../frame/batch.js';
import { MAX_SHARDS } from '../../limits.js';

/** The limits at which the part of a dump ends. One that is absent does not limit. */
export interface DumpLimits {
  /** The last sequence that belongs to it, in each shard. */
  endSequence?: bigint | undefined;
  /** The last sequence that belongs to it of each shard, in place of one for all; the index is the shard. */
  endWatermarks?: readonly bigint[] | undefined;
  /** The last time that belongs to it, Unix ms. */
  untilMs?: bigint | undefined;
}

const COUNT_BYTES = 4;
const GOVERNED_SET = 4;

/** A u64 in two halves: a bigint for each record would cost more than all else. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

/** Cuts the batches of a dump, in their order. */
export class BatchLimit {
  readonly #limits: DumpLimits;
  readonly #end: Halves | undefined;
  readonly #ends: readonly Halves[] | undefined;
  readonly #until: Halves | undefined;
  /**
   * A flag for each shard, 1 when a record past the time was met. All that follows is past it too, even where
   * the time of a later record is lower, because a clock was set back.
   */
  readonly #closed = new Uint8Array(MAX_SHARDS);
  #hasPassedTime = false;

  constructor(limits: DumpLimits) {
    this.#limits = limits;
    const { endSequence, endWatermarks, untilMs } = limits;
    this.#end = endSequence === undefined ? undefined : halves(endSequence);
    this.#ends = endWatermarks?.map(halves);
    this.#until = untilMs === undefined ? undefined : halves(untilMs);
  }

  /** Whether there is any limit. */
  get isLimited(): boolean {
    return this.#end !== undefined || this.#ends !== undefined || this.#until !== undefined;
  }

  /** Whether a record past the time was met. */
  get hasPassedTime(): boolean {
    return this.#hasPassedTime;
  }

  /** Returns the last sequence that belongs to the part of a shard; undefined: there is no such limit. */
  endOf(shard: number): bigint | undefined {
    const { endSequence, endWatermarks } = this.#limits;
    return endWatermarks?.[shard] ?? endSequence;
  }

  /** Whether content at these watermarks has something past the limits, as far as is known by now. */
  isPast(watermarks: ArrayLike<bigint>): boolean {
    const isAbove = (watermark: bigint, shard: number) => watermark > (this.endOf(shard) ?? watermark);
    return this.#hasPassedTime || Array.from(watermarks).some(isAbove);
  }

  /** Whether the part ends before a history whose first sequences are behind `base`, as far as is known. */
  endsBefore(base: bigint): boolean {
    const { endSequence, endWatermarks } = this.#limits;
    const isBefore = (end: bigint | undefined) => end !== undefined && end < base;
    return this.#hasPassedTime || isBefore(endSequence) || endWatermarks?.some(isBefore) === true;
  }

  /** Whether content at these watermarks is the part's up to its own; false where it has none. */
  hasReached(watermarks: ArrayLike<bigint>): boolean {
    return this.#limits.endWatermarks?.every((end, shard) => watermarks[shard] === end) === true;
  }

  /**
   * Returns what of a MutationBatch payload belongs to the part, as a payload; undefined when nothing does. A
   * malformed payload is returned as it is, for the kernel to refuse.
   */
  cut(payload: Uint8Array): Uint8Array | undefined {
    if (!this.isLimited) return payload;
    if (payload.length < COUNT_BYTES) return payload;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const count = view.getUint32(0, true);
    /** The bounds of the stretches of records that stay, in bytes: start, end, start, end, … */
    const stretches: number[] = [];
    let kept = 0;
    let at = COUNT_BYTES;
    for (let index = 0; index < count; index++) {
      const end = behindRecord(view, at);
      const shard = end === 0 ? MAX_SHARDS : view.getUint32(at, true);
      if (shard >= MAX_SHARDS) return payload;
      if (this.#keeps(view, at, shard)) {
        kept += 1;
        if (stretches.at(-1) === at) stretches.pop();
        else stretches.push(at);
        stretches.push(end);
      }
      at = end;
    }
    if (kept === count || at !== payload.length) return payload;
    return kept === 0 ? undefined : joined(payload, kept, stretches);
  }

  #keeps(view: DataView, at: number, shard: number): boolean {
    if (this.#until !== undefined) {
      if (isAbove(view, at + RECORD_OFFSETS.timestampMs, this.#until)) {
        this.#closed[shard] = 1;
        this.#hasPassedTime = true;
      }
      if (this.#closed[shard] !== 0) return false;
    }
    const end = this.#ends?.[shard] ?? this.#end;
    return end === undefined || !isAbove(view, at + RECORD_OFFSETS.sequence, end);
  }
}

/** Returns the byte at which the next record begins; 0 when this one runs past the payload. */
function behindRecord(view: DataView, at: number): number {
  const fixedEnd = at + RECORD_FIXED_BYTES;
  if (fixedEnd > view.byteLength) return 0;
  const keyBytes = view.getUint32(at + RECORD_OFFSETS.keyBytes, true);
  const valueBytes = view.getUint32(at + RECORD_OFFSETS.valueBytes, true);
  let end = fixedEnd + keyBytes + valueBytes;
  if (view.getUint8(at + RECORD_OFFSETS.op) === GOVERNED_SET) {
    if (end + 4 > view.byteLength) return 0;
    end += 4 + view.getUint32(end, true);
  }
  return end > view.byteLength ? 0 : end;
}

function joined(payload: Uint8Array, count: number, stretches: readonly number[]): Buffer {
  const head = Buffer.allocUnsafe(COUNT_BYTES);
  head.writeUInt32LE(count);
  const parts: Uint8Array[] = [head];
  for (let index = 0; index < stretches.length; index += 2) {
    parts.push(payload.subarray(stretches[index], stretches[index + 1]));
  }
  return Buffer.concat(parts);
}

function isAbove(view: DataView, at: number, limit: Halves): boolean {
  const high = view.getUint32(at + 4, true);
  return high > limit.high || (high === limit.high && view.getUint32(at, true) > limit.low);
}

function halves(value: bigint): Halves {
  return { high: Number(value >> 32n), low: Number(BigInt.asUintN(32, value)) };
}

/**
 * Looks through the batches and chunks of a dump with a kernel of its own (src/kernel/dump/verify.ts): all
 * per-record work happens inside, and what comes out is one fault at a time, and the position of each shard.
 */

import { outOfMemory } from '../../engine/kernel.js';
import { KernelBuffer } from '../../engine/kernel-buffer.js';
import { toolKernel } from '../../engine/tool-kernel.js';
import type { RouteMode } from '../../engine/types.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import * as layout from '../../kernel/layout.js';
import type { KnownSequences, Positions } from '../../replication/history-course.js';
import { sequenceGap } from '../sequence-gap.js';

const BUFFER_BYTES = 1_048_576;

/** Sequences of a shard that a dump holds. */
export interface ShardSequences {
  shard: number;
  first: bigint;
  last: bigint;
  records: bigint;
  /** The number of records that were at or below the watermark of the shard: a replica skips them. */
  skipped: bigint;
}

const faults: Record<
  number,
  { code: ErrorCode; message(expected: bigint, found: bigint, shard: number): string }
> = {
  [layout.VERIFY_HASH]: {
    code: 'FCRP_KEY_HASH_MISMATCH',
    message: () => "A record's key hash is not the XXH3-64 of its key.",
  },
  [layout.VERIFY_TAG]: {
    code: 'KEY_TAG_MISMATCH',
    message: (expected, found) => `A record's key tag is ${found}; its key hash begins with ${expected}.`,
  },
  [layout.VERIFY_SHARD]: {
    code: 'SHARD_OUT_OF_RANGE',
    message: (expected, found) => `A record is of shard ${found}; there are ${expected} shards.`,
  },
  [layout.VERIFY_ROUTE]: {
    code: 'SHARD_MISROUTED',
    message: (expected, found) => `A record is of shard ${found}, and its key routes to shard ${expected}.`,
  },
  [layout.VERIFY_SEQUENCE]: {
    code: 'SEQUENCE_OUT_OF_ORDER',
    message: (expected, found, shard) =>
      `Shard ${shard} goes back from the sequence ${expected} to ${found}.`,
  },
};

/**
 * Checks the batches and chunks of a dump. Throws nothing but OUT_OF_MEMORY, and that before anything has
 * changed.
 */
export class BatchCheck implements Positions {
  readonly #kernel = toolKernel();
  readonly #buffer = new KernelBuffer(this.#kernel, BUFFER_BYTES);
  #stands = 0;

  constructor() {
    this.reset();
  }

  /** Begins another dump: no shard has a position. Throws OUT_OF_MEMORY. */
  reset(): void {
    this.#stands = this.#kernel.exports.verifyStart() >>> 0;
    if (this.#stands === 0) throw outOfMemory(layout.SHARDS_MAX * layout.STAND_BYTES);
  }

  /** Sets how keys route from here on; with `shards` 0 that is unknown, and not checked. */
  setRouting(shards: number, route: RouteMode): void {
    this.#kernel.exports.verifyRouting(shards, route === 'session-prefix' ? 1 : 0);
  }

  /** Returns the sequence behind which each shard continues; undefined: the shard may continue anywhere. */
  list(): (bigint | undefined)[] {
    const { bytes } = this.#kernel;
    return Array.from({ length: layout.SHARDS_MAX }, (_, shard) => {
      const stand = this.#stands + shard * layout.STAND_BYTES;
      if (bytes[stand + layout.STAND_KNOWN] === 0) return undefined;
      return bytes.readBigUInt64LE(stand + layout.STAND_POSITION);
    });
  }

  /** Lets each listed shard continue behind its sequence, or behind its own position when that is higher. */
  move(to: KnownSequences): void {
    for (let shard = 0; shard < Math.min(to.length, layout.SHARDS_MAX); shard += 1) {
      const sequence = to[shard];
      if (sequence !== undefined) this.#kernel.exports.verifyRaise(shard, sequence);
    }
  }

  /** Lets each shard continue anywhere. */
  forgetPositions(): void {
    this.#kernel.exports.verifyForget();
  }

  /**
   * Opens a MutationBatch payload; returns false when it is malformed (frame/batch.ts describes how). Throws
   * OUT_OF_MEMORY.
   */
  openBatch(payload: Uint8Array): boolean {
    this.#buffer.trim();
    const address = this.#buffer.fill(payload);
    return this.#kernel.exports.verifyOpen(address, payload.length) === layout.APPLY_OK;
  }

  /**
   * Returns the open batch's next wrong key hash, key tag or shard that no store has, with its payload
   * offset; undefined at the end.
   */
  nextKeyFault(): FastcacheError | undefined {
    return this.#next(layout.VERIFY_KEYS);
  }

  /**
   * Returns the open batch's next fault as `nextKeyFault` does, and checks routing and the order of sequences
   * too.
   */
  nextFault(): FastcacheError | undefined {
    return this.#next(layout.VERIFY_KEYS | layout.VERIFY_ORDER);
  }

  /**
   * Returns whether a SnapshotChunk has `count` entries that fill its bytes exactly. Throws OUT_OF_MEMORY.
   */
  areEntriesSound(entries: Uint8Array, count: number, governed: boolean): boolean {
    this.#buffer.trim();
    const address = this.#buffer.fill(entries);
    const status = this.#kernel.exports.checkEntries(address, entries.length, count, governed ? 1 : 0);
    return status === layout.APPLY_OK;
  }

  /** Records whose routing has been checked. */
  get routedRecords(): number {
    return this.#kernel.exports.verifyRouted();
  }

  /** Returns the sequences of each shard that had records. */
  sequences(): ShardSequences[] {
    const { bytes } = this.#kernel;
    const seen: ShardSequences[] = [];
    for (let shard = 0; shard < layout.SHARDS_MAX; shard++) {
      const stand = this.#stands + shard * layout.STAND_BYTES;
      const records = bytes.readBigUInt64LE(stand + layout.STAND_RECORDS);
      if (records === 0n) continue;
      seen.push({
        shard,
        first: bytes.readBigUInt64LE(stand + layout.STAND_LEAST),
        last: bytes.readBigUInt64LE(stand + layout.STAND_GREATEST),
        records,
        skipped: bytes.readBigUInt64LE(stand + layout.STAND_SKIPPED),
      });
    }
    return seen;
  }

  #next(checks: number): FastcacheError | undefined {
    const status = this.#kernel.exports.verifyNext(checks);
    if (status === 0) return undefined;
    const { result } = this.#kernel;
    const expected = this.#kernel.resultU64(layout.RESULT_EXPECTED_U64);
    const found = this.#kernel.resultU64(layout.RESULT_FOUND_U64);
    const offset = result[layout.RESULT_FAULT_OFFSET]!;
    const shard = result[layout.RESULT_SHARD]!;
    if (status === layout.VERIFY_GAP) return sequenceGap({ shard, expected, found, offset });
    const { code, message } = faults[status]!;
    return new FastcacheError(code, message(expected, found, shard), {
      offset,
      expected: code === 'SEQUENCE_OUT_OF_ORDER' ? `above ${expected}` : expected,
      found,
    });
  }
}

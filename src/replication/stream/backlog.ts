/**
 * What a primary keeps of its recent frames so that a replica that was away need not take a snapshot
 * (docs/protocol.md, "Backlog"; docs/architecture.md, "Histories").
 */
import { watermarkOf } from '../watermarks.js';
import { BlockPool, type FrameBlock } from './blocks.js';
import { type BacklogWindow, type Behind, LEVEL, ShardBacklog } from './shard-backlog.js';

export type { BacklogWindow, Behind } from './shard-backlog.js';

/** What a backlog is for, and how much it keeps. */
export interface BacklogOptions {
  /** How many shards it has; frames of others are refused. */
  shards: number;
  /** Frame bytes kept for each shard; the oldest frames go first. */
  maxBytesPerShard: number;
  /** The sequence below each shard's first one, for each shard or one number for all; 0 when absent. */
  base?: bigint | ArrayLike<bigint>;
  /** Each shard's watermark before the first frame is pushed, when that is past the base. */
  watermarks?: ArrayLike<bigint>;
}

/**
 * The first shard that the backlog cannot serve: the sequence that it would need, the first one it could
 * give.
 */
export interface NeedsSnapshot {
  kind: 'needs-snapshot';
  shard: number;
  wanted: bigint;
  earliest: bigint;
}

/** What a replica must be sent. */
export type CatchUp =
  | { kind: 'nothing' }
  /** Each shard's frames in order; the first of a shard may begin below what the replica holds. */
  | { kind: 'frames'; frames: Buffer[] }
  | NeedsSnapshot;

/** What a replica must be sent, as `CatchUp`; a run is any number of whole frames, one behind the other. */
export type CatchUpRuns =
  | { kind: 'nothing' }
  | { kind: 'runs'; runs: Buffer[]; frameCount: number }
  | NeedsSnapshot;

/** How far a replica is from the end of what is kept. */
export interface Leeway {
  /** The shard of which it lacks the most bytes. */
  shard: number;
  lackingBytes: number;
  /** Bytes that are kept of a shard at most: once it lacks more it needs a snapshot. */
  shareBytes: number;
  /**
   * Milliseconds until any shard comes to its end, at the present write rate; undefined: nothing is written.
   */
  ms: number | undefined;
}

/**
 * One bounded queue of frames a shard; within a shard the frames follow each other without a gap. The bound
 * is on the frames' own bytes; small frames share blocks of memory, so that keeping them costs about a fifth
 * more (blocks.ts).
 *
 * A replica that is served claims `since`: its watermarks, the highest sequence that it holds of each shard,
 * below which it holds all. A list that is too short claims 0 of the rest. Of each shard it is sent the
 * frames whose last sequence is above that; records of the first that it holds already do no harm. It needs a
 * snapshot when in any shard it lacks what is no longer kept, or claims more than was ever pushed.
 */
export class Backlog {
  readonly #shards: ShardBacklog[];
  readonly #shareBytes: number;
  readonly #pool: BlockPool;

  /** Makes a backlog that keeps nothing at first. */
  constructor({ shards, maxBytesPerShard, base = 0n, watermarks }: BacklogOptions) {
    this.#shareBytes = maxBytesPerShard;
    this.#pool = new BlockPool(maxBytesPerShard);
    this.#shards = Array.from({ length: shards }, (_, shard) => {
      const from = typeof base === 'bigint' ? base : watermarkOf(base, shard);
      return new ShardBacklog(this.#pool, maxBytesPerShard, from, watermarks?.[shard] ?? from);
    });
  }

  /**
   * Keeps a frame that holds a shard's sequences from `firstSequence` to `lastSequence`, which must never
   * change again; a frame that is not above the shard's watermark is ignored. `timeMs` is its first record's,
   * Unix ms. Returns false for a foreign shard.
   */
  push(shard: number, frame: Buffer, firstSequence: bigint, lastSequence: bigint, timeMs = 0): boolean {
    const queue = this.#shards[shard];
    queue?.push(frame, firstSequence, lastSequence, timeMs);
    return queue !== undefined;
  }

  /**
   * Forgets a shard's frames and moves on to `watermark`: sequences up to there were used and their frame is
   * lost.
   */
  skipTo(shard: number, watermark: bigint): void {
    this.#shards[shard]?.skipTo(watermark);
  }

  /**
   * Continues a shard in another history, from `watermark` + 1: the numbers between were never given out, and
   * a replica that holds all up to the jump holds all up to `watermark`. What is kept stays.
   */
  jump(shard: number, watermark: bigint): void {
    this.#shards[shard]?.jump(watermark);
  }

  /**
   * Returns what a replica that holds `since` must be sent; any one shard that needs a snapshot decides for
   * all.
   */
  catchUp(since: ArrayLike<bigint>): CatchUp {
    const needsSnapshot = this.#needsSnapshot(since);
    if (needsSnapshot !== undefined) return needsSnapshot;
    const frames: Buffer[] = [];
    this.#visitAbove(since, (block, first) => {
      for (let index = first; index < block.end; index += 1) frames.push(block.frame(index));
    });
    return frames.length === 0 ? { kind: 'nothing' } : { kind: 'frames', frames };
  }

  /** Returns what `catchUp` does, without a buffer for each of what may be a million small frames. */
  catchUpRuns(since: ArrayLike<bigint>): CatchUpRuns {
    const needsSnapshot = this.#needsSnapshot(since);
    if (needsSnapshot !== undefined) return needsSnapshot;
    const runs: Buffer[] = [];
    let frameCount = 0;
    this.#visitAbove(since, (block, first) => {
      runs.push(...block.runs(first));
      frameCount += block.end - first;
    });
    return frameCount === 0 ? { kind: 'nothing' } : { kind: 'runs', runs, frameCount };
  }

  /** Returns what a replica lacks of a shard of which it holds all up to `held`. */
  behind(shard: number, held: bigint): Behind {
    return this.#shards[shard]?.behind(held) ?? LEVEL;
  }

  /** Returns what a replica that holds these lacks of each shard. */
  allBehind(held: ArrayLike<bigint>): Behind[] {
    return this.#shards.map((queue, shard) => queue.behind(watermarkOf(held, shard)));
  }

  /** Returns the highest sequence pushed of a shard. */
  watermark(shard: number): bigint {
    return this.#shards[shard]?.watermark ?? 0n;
  }

  /** Returns the highest sequence pushed of each shard. */
  watermarks(): bigint[] {
    return this.#shards.map((queue) => queue.watermark);
  }

  /** Returns what is kept of each shard. */
  windows(): BacklogWindow[] {
    return this.#shards.map((queue) => queue.window());
  }

  /**
   * Returns the present write rate of each shard, bytes a millisecond; 0: nothing is written, infinite: no
   * frame is kept.
   */
  rates(nowMs: number): number[] {
    return this.#shards.map((queue) => queue.rate(nowMs));
  }

  /**
   * Returns the milliseconds for which a replica that has all may be away at these rates; undefined: nothing
   * is written.
   */
  windowMs(rates: readonly number[]): number | undefined {
    return msUntilOne(rates, () => this.#shareBytes);
  }

  /** Returns what `windowMs` does, for each shard alone. */
  shardWindowsMs(rates: readonly number[]): (number | undefined)[] {
    return rates.map((rate) => this.windowMs([rate]));
  }

  /**
   * Returns the leeway of a replica that lacks `behind`, one for each shard; undefined: it can't be served
   * any more.
   */
  leeway(behind: readonly Behind[], rates: readonly number[]): Leeway | undefined {
    const shareBytes = this.#shareBytes;
    const most = { shard: 0, lackingBytes: 0, shareBytes };
    for (const [shard, { bytes }] of behind.entries()) {
      if (bytes === undefined) return undefined;
      if (bytes > most.lackingBytes) Object.assign(most, { shard, lackingBytes: bytes });
    }
    const ms = msUntilOne(rates, (shard) => shareBytes - (behind[shard]?.bytes ?? 0));
    return { ...most, ms };
  }

  /** Returns the watermarks from which on a replica lacks at most this part of its share of any shard. */
  watermarksLacking(part: number): bigint[] {
    return this.#shards.map((queue) => queue.watermarkLacking(part * this.#shareBytes));
  }

  /** Throws when something does not hold that always should. For tests: it looks at every frame. */
  invariants(): void {
    const owned = new Set<FrameBlock>();
    for (const queue of this.#shards) queue.invariants(owned);
    this.#pool.invariants(owned);
  }

  #needsSnapshot(since: ArrayLike<bigint>): NeedsSnapshot | undefined {
    const shards = this.#shards.length;
    if (since.length > shards) {
      return { kind: 'needs-snapshot', shard: shards, wanted: watermarkOf(since, shards) + 1n, earliest: 0n };
    }
    for (const [shard, queue] of this.#shards.entries()) {
      const held = watermarkOf(since, shard);
      if (!queue.canServe(held)) {
        return { kind: 'needs-snapshot', shard, wanted: held + 1n, earliest: queue.earliest };
      }
    }
    return undefined;
  }

  #visitAbove(since: ArrayLike<bigint>, visit: (block: FrameBlock, index: number) => void): void {
    for (const [shard, queue] of this.#shards.entries()) queue.visitAbove(watermarkOf(since, shard), visit);
  }
}

/**
 * Returns the milliseconds until so many bytes more are written at one of the shards; undefined: nothing is
 * written.
 */
function msUntilOne(rates: readonly number[], bytes: (shard: number) => number): number | undefined {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const [shard, rate] of rates.entries()) {
    if (rate > 0) leastMs = Math.min(leastMs, Math.max(0, Math.floor(bytes(shard) / rate)));
  }
  return leastMs === Number.POSITIVE_INFINITY ? undefined : leastMs;
}

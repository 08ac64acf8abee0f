/** Counts what a dump holds, in memory of one size however long the dump is. */
import { FastcacheError } from '../../errors.js';
import { PayloadRoom } from '../../frame/compression.js';
import type { FrameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import { FrameFilter } from '../choose/filter.js';
import { type DumpSource, dumpName, type ReadingOptions, readDumpChunks } from '../read/dump-reader.js';
import { openFrame } from '../read/frame-content.js';
import type {
  BigValue,
  Distributions,
  FrequentKey,
  OpCounts,
  RateOverTime,
  ShardCounts,
  TimeRange,
  Totals,
} from './dump-counter.js';
import { DumpStats, type FrameTotals } from './stats.js';

/** The options of `countDump`. */
export interface CountOptions extends ReadingOptions {
  /** The filter of what is counted; everything is when absent. */
  filter?: FrameFilter | undefined;
  /**
   * The most records and entries to be counted (frames, where the filter leaves no records and
   * entries); no limit when absent. Behind the last one nothing is read.
   */
  limit?: number | undefined;
  /** The most that a frame may announce, compressed or not; 256 MiB when absent. */
  maxPayloadBytes?: number | undefined;
}

/** The counts of a dump, as far as the filter and the limit let it pass. */
export interface DumpCounts {
  /** The path, `stdin` or `the stream`. */
  file: string;
  /** The damage at which the counting ended, with the byte offset; undefined when there is none. */
  fault: FastcacheError | undefined;
  total: FrameTotals;
  /** The totals of each kind of frame that the dump has. */
  kinds: ({ kind: FrameKindName } & FrameTotals)[];
  records: number;
  /** Records of shards that no store can have. */
  recordsOutOfRange: number;
  /** Unix ms of the earliest and the latest record; undefined when there is none. */
  times: TimeRange | undefined;
  /** Records over time; undefined when there is none. */
  rate: RateOverTime | undefined;
  ops: OpCounts[];
  shards: ShardCounts[];
  /** The prefixes of keys, up to and with their first colon, the most frequent first. */
  prefixes: FrequentKey[];
  /** Records and entries whose key has no colon among its first 80 bytes. */
  withoutPrefix: Totals;
  /** The keys of records, the most frequent first. */
  hotKeys: FrequentKey[];
  /** The keys with the ten biggest values, the biggest first. */
  biggestValues: BigValue[];
  /** The sizes of keys and values, and the lives of keys. */
  distributions: Distributions;
}

/**
 * Counts a dump up to its end, its damage or the limit. The counts of up to 4,096 prefixes and 4,096 keys are
 * exact; where there are more, `countError` is the most by which a count may be too high. Damage is returned
 * as `fault`, not thrown, and so are `NO_INPUT` and `READ_FAILED`; rejects with `OUT_OF_MEMORY`.
 *
 * ```js
 * const { total, prefixes } = await countDump('dump.fcrp');
 * console.log(total.records, 'records; most keys begin with', `${prefixes[0]?.key}`);
 * ```
 */
export function countDump(source: DumpSource, options: CountOptions = {}): Promise<DumpCounts> {
  const { maxPayloadBytes = MAX_FRAME_PAYLOAD_BYTES, signal, onProgress } = options;
  return countFrames(readDumpChunks(source, { maxPayloadBytes, signal }), {
    ...options,
    file: dumpName(source),
    onRead: (bytes) => onProgress?.({ stage: 'reading', source, bytes }),
  });
}

/** The options of `countFrames`. */
export interface CountFramesOptions extends Pick<CountOptions, 'filter' | 'limit'> {
  /** The dump's name. */
  file: string;
  /** Called after each chunk with the bytes that have been read so far. */
  onRead?: ((bytes: number) => void) | undefined;
}

/** Counts the frames that come in `chunks`, as `countDump` does. */
export async function countFrames(
  chunks: AsyncIterable<SplitFrame[]>,
  options: CountFramesOptions,
): Promise<DumpCounts> {
  const { filter = new FrameFilter(), limit = Number.POSITIVE_INFINITY, file, onRead } = options;
  const stats = new DumpStats(filter);
  const room = new PayloadRoom();
  let left = limit;
  let fault: FastcacheError | undefined;
  try {
    for await (const frames of chunks) {
      for (const frame of frames) {
        if (left === 0) break;
        left -= stats.take(openFrame(frame, room), left);
      }
      const last = frames.at(-1);
      if (last !== undefined) onRead?.(last.offset + last.bytes.length);
      if (left === 0) break;
    }
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    fault = error.inFile(file);
  }
  return countsOf(stats, file, fault);
}

function countsOf(stats: DumpStats, file: string, fault: FastcacheError | undefined): DumpCounts {
  const { total, kinds, counts } = stats;
  return {
    file,
    fault,
    total,
    kinds: Array.from(kinds, ([kind, totals]) => ({ kind, ...totals })),
    records: counts.records,
    recordsOutOfRange: counts.recordsOutOfRange,
    times: counts.times,
    rate: counts.rate(),
    ops: counts.ops(),
    shards: counts.shards(),
    prefixes: counts.prefixes(),
    withoutPrefix: counts.withoutPrefix,
    hotKeys: counts.hotKeys(),
    biggestValues: counts.biggestValues(),
    distributions: counts.distributions(),
  };
}

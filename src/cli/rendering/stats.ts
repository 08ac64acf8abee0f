/**
 * `frames stats` and `frames decode --stats`: renderings that count what the others would write, and tell it
 * behind each file.
 */
import type { FrequentKey } from '../../dump/count/dump-counter.js';
import { compressionRatio, DumpStats, type FrameTotals } from '../../dump/count/stats.js';
import type { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { bytesField, toJson } from '../terminal/json.js';
import { faultJson } from './json.js';
import { pack } from './msgpack.js';
import { type Piece, type Rendering, type RenderingOptions, separator } from './renderings.js';
import { statsText } from './stats-text.js';

type Fields = Record<string, unknown>;

/** What the formats differ in. */
interface Writer {
  begin: string;
  beginFile(file: string): Piece;
  endFile(stats: DumpStats, fault: FastcacheError | undefined): Piece;
  end: string;
}

/** More prefixes than this are counted instead of listed. */
const MAX_LISTED_PREFIXES = 100;
const MAX_LISTED_KEYS = 10;

export const textStats = (options: RenderingOptions) => counting(textWriter(options), options);
export const ndjsonStats = (options: RenderingOptions) => counting(ndjsonWriter(options), options);
export const jsonStats = (options: RenderingOptions) => counting(jsonWriter(), options);
export const msgpackStats = (options: RenderingOptions) => counting(msgpackWriter(options), options);

function counting(writer: Writer, { filter }: RenderingOptions): Rendering {
  const stats = new DumpStats(filter);
  return {
    marksSteps: false,
    begin: () => writer.begin,
    beginFile(file) {
      stats.reset();
      return writer.beginFile(file);
    },
    beginFrame: () => '',
    item: () => '',
    countFrame: (frame, limit) => stats.take(frame, limit),
    endFrame: () => '',
    endFile: (fault) => writer.endFile(stats, fault),
    end: () => writer.end,
  };
}

function textWriter({ titled }: RenderingOptions): Writer {
  return {
    begin: '',
    beginFile: (file) => (titled ? `${escapeText(file)}:\n` : ''),
    endFile: statsText,
    end: '',
  };
}

function ndjsonWriter({ titled }: RenderingOptions): Writer {
  return {
    begin: '',
    beginFile: (file) => (titled ? `${toJson({ type: 'file', file })}\n` : ''),
    endFile: (stats, fault) =>
      `${toJson(statsJson(stats))}\n${fault === undefined ? '' : `${toJson(faultJson(fault))}\n`}`,
    end: '',
  };
}

function jsonWriter(): Writer {
  const next = separator();
  return {
    begin: '{"files":[',
    beginFile: (file) => `${next()}{"file":${toJson(file)},"stats":`,
    endFile: (stats, fault) =>
      `${toJson(statsJson(stats))},"fault":${toJson(fault === undefined ? null : faultJson(fault))}}`,
    end: '\n]}\n',
  };
}

function msgpackWriter({ titled }: RenderingOptions): Writer {
  return {
    begin: '',
    beginFile: (file) => (titled ? pack({ type: 'file', file }) : ''),
    endFile: (stats, fault) =>
      Buffer.concat([
        pack(
          statsFields(
            stats,
            (name, bytes) => ({ [name]: bytes }),
            (timeMs) => timeMs,
          ),
        ),
        ...(fault === undefined ? [] : [pack(faultJson(fault))]),
      ]),
    end: '',
  };
}

/** Times are numbers (docs/command-line.md, "JSON"), unless a number cannot hold them. */
function statsJson(stats: DumpStats): Fields {
  return statsFields(stats, bytesField, (timeMs) =>
    timeMs > Number.MAX_SAFE_INTEGER ? timeMs : Number(timeMs),
  );
}

/** Sequences as bigints; bytes and Unix ms as the format has them. */
function statsFields(
  { total, kinds, counts }: DumpStats,
  bytesOf: (name: string, bytes: Buffer) => Fields,
  timeOf: (timeMs: bigint) => number | bigint,
): Fields {
  const { times, withoutPrefix } = counts;
  const prefixes = counts.prefixes();
  const rate = counts.rate();
  return {
    type: 'stats',
    ...totalsFields(total),
    firstTimeMs: times === undefined ? null : timeOf(times.firstMs),
    lastTimeMs: times === undefined ? null : timeOf(times.lastMs),
    rate:
      rate === undefined
        ? null
        : { startMs: timeOf(rate.startMs), bucketMs: timeOf(rate.bucketMs), records: rate.counts },
    kinds: Array.from(kinds, ([kind, totals]) => ({ kind, ...totalsFields(totals) })),
    ops: counts.ops(),
    shards: counts.shards(),
    recordsOutOfRange: counts.recordsOutOfRange,
    prefixes: prefixes.slice(0, MAX_LISTED_PREFIXES).map(({ key, count, countError, bytes }) => ({
      ...bytesOf('prefix', key),
      items: count,
      itemsError: countError,
      bytes,
    })),
    prefixCount: prefixes.length,
    withoutPrefix,
    hotKeys: counts.hotKeys().slice(0, MAX_LISTED_KEYS).map(hotKeyFields),
    biggestValues: counts.biggestValues().map(({ key, ...value }) => ({ ...bytesOf('key', key), ...value })),
  };

  function hotKeyFields({ key, keyBytes, count, countError, bytes }: FrequentKey): Fields {
    return { ...bytesOf('key', key), keyBytes, records: count, recordsError: countError, bytes };
  }
}

function totalsFields(totals: FrameTotals): Fields {
  return { ...totals, compressionRatio: compressionRatio(totals) };
}

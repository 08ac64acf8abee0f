/** Renders the counts of a dump in each format of `frames stats` and `frames decode --stats`. */

import type { DumpCounts } from '../../dump/count/count-dump.js';
import type { DistributionBucket, FrequentKey } from '../../dump/count/dump-counter.js';
import { compressionRatio, type FrameTotals } from '../../dump/count/stats.js';
import { pack } from '../../files/msgpack.js';
import { escapeText } from '../terminal/escape.js';
import { bytesField, toJson } from '../terminal/json.js';
import { faultJson } from './json.js';
import { type Piece, separator } from './renderings.js';
import { statsText } from './stats-text.js';

type Fields = Record<string, unknown>;

/** The pieces that a format writes, line ends included. */
export interface StatsRendering {
  begin: Piece;
  beginFile(file: string): Piece;
  counts(counts: DumpCounts): Piece;
  end: Piece;
}

/** The most prefixes that are listed; more are counted. */
const MAX_LISTED_PREFIXES = 100;
const MAX_LISTED_KEYS = 10;

/** The rendering of each format; with `titled`, each file's name is written before its counts. */
export const statsRenderings = { text, ndjson, json, msgpack } satisfies Record<
  string,
  (titled: boolean) => StatsRendering
>;

function text(titled: boolean): StatsRendering {
  return {
    begin: '',
    beginFile: (file) => (titled ? `${escapeText(file)}:\n` : ''),
    counts: statsText,
    end: '',
  };
}

function ndjson(titled: boolean): StatsRendering {
  return {
    begin: '',
    beginFile: (file) => (titled ? `${toJson({ type: 'file', file })}\n` : ''),
    counts: (counts) => {
      const fault = counts.fault === undefined ? '' : `${toJson(faultJson(counts.fault))}\n`;
      return `${toJson(statsJson(counts))}\n${fault}`;
    },
    end: '',
  };
}

function json(): StatsRendering {
  const next = separator();
  return {
    begin: '{"files":[',
    beginFile: (file) => `${next()}{"file":${toJson(file)},"stats":`,
    counts: (counts) => {
      const fault = counts.fault === undefined ? null : faultJson(counts.fault);
      return `${toJson(statsJson(counts))},"fault":${toJson(fault)}}`;
    },
    end: '\n]}\n',
  };
}

function msgpack(titled: boolean): StatsRendering {
  return {
    begin: '',
    beginFile: (file) => (titled ? pack({ type: 'file', file }) : ''),
    counts: (counts) =>
      Buffer.concat([
        pack(
          statsFields(
            counts,
            (name, bytes) => ({ [name]: bytes }),
            (timeMs) => timeMs,
          ),
        ),
        ...(counts.fault === undefined ? [] : [pack(faultJson(counts.fault))]),
      ]),
    end: '',
  };
}

/**
 * Returns the counts as JSON. Times are numbers, unless a number cannot hold them (docs/command-line.md,
 * "JSON").
 */
function statsJson(counts: DumpCounts): Fields {
  return statsFields(counts, bytesField, (timeMs) =>
    timeMs > Number.MAX_SAFE_INTEGER ? timeMs : Number(timeMs),
  );
}

/**
 * Returns the counts as one object: sequences are bigints, bytes and Unix ms are what the format makes of
 * them.
 */
function statsFields(
  { total, kinds, prefixes, rate, times, distributions, ...counts }: DumpCounts,
  bytesOf: (name: string, bytes: Buffer) => Fields,
  timeOf: (timeMs: bigint) => number | bigint,
): Fields {
  return {
    type: 'stats',
    ...totalsFields(total),
    firstTimeMs: times === undefined ? null : timeOf(times.firstMs),
    lastTimeMs: times === undefined ? null : timeOf(times.lastMs),
    rate:
      rate === undefined
        ? null
        : { startMs: timeOf(rate.startMs), bucketMs: timeOf(rate.bucketMs), records: rate.counts },
    kinds: kinds.map(totalsFields),
    ops: counts.ops,
    shards: counts.shards,
    recordsOutOfRange: counts.recordsOutOfRange,
    prefixes: prefixes.slice(0, MAX_LISTED_PREFIXES).map(({ key, count, countError, bytes }) => ({
      ...bytesOf('prefix', key),
      items: count,
      itemsError: countError,
      bytes,
    })),
    prefixCount: prefixes.length,
    withoutPrefix: counts.withoutPrefix,
    hotKeys: counts.hotKeys.slice(0, MAX_LISTED_KEYS).map(hotKeyFields),
    biggestValues: counts.biggestValues.map(({ key, ...value }) => ({ ...bytesOf('key', key), ...value })),
    keyBytes: distributions.keyBytes.map(bucketFields),
    valueBytes: distributions.valueBytes.map(bucketFields),
    lifeMs: distributions.lifeMs.map(bucketFields),
    withoutExpiry: distributions.withoutExpiry,
  };

  function bucketFields({ from, count }: DistributionBucket): Fields {
    return { from: timeOf(from), count };
  }

  function hotKeyFields({ key, keyBytes, count, countError, bytes }: FrequentKey): Fields {
    return { ...bytesOf('key', key), keyBytes, records: count, recordsError: countError, bytes };
  }
}

function totalsFields(totals: FrameTotals): Fields {
  return { ...totals, compressionRatio: compressionRatio(totals) };
}

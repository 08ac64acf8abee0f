/** Renders the counts of a dump as tables for a person, with a sparkline of the records over time. */
import chalk from 'chalk';
import type { DumpCounts } from '../../dump/count/count-dump.js';
import type { Distribution, RateOverTime } from '../../dump/count/dump-counter.js';
import { compressionRatio, type FrameTotals } from '../../dump/count/stats.js';
import { quoteBytes } from '../terminal/escape.js';
import { sparkline } from '../terminal/sparkline.js';
import { alignRight, countText, formatDuration, formatNumber, formatTime } from '../terminal/text.js';

const MAX_LISTED_PREFIXES = 16;
const MAX_LISTED_KEYS = 10;
/** The columns of a key; with its length behind it a table has 80. */
const KEY_WIDTH = 36;
/** The columns of the longest bar of a distribution. */
const DISTRIBUTION_WIDTH = 20;

/** Returns the tables, with a blank line between them. */
export function statsText(stats: DumpCounts): string {
  const { recordsOutOfRange, records, withoutPrefix } = stats;
  const paragraphs = [table(kindRows(stats))];
  if (records > 0) paragraphs.push(table(opRows(stats)), table(shardRows(stats)));
  if (recordsOutOfRange > 0)
    paragraphs.push(`${countText(recordsOutOfRange, 'record', 'records')} of shards that no store has\n`);
  if (records + stats.total.entries > withoutPrefix.items) paragraphs.push(prefixesText(stats));
  paragraphs.push(...hotKeysText(stats), ...biggestText(stats), ...distributionTexts(stats));
  paragraphs.push(...timesText(stats));
  return paragraphs.join('\n');
}

function table([heading, ...rows]: string[][]): string {
  const [first, ...lines] = alignRight([heading!, ...rows]);
  return `${[chalk.dim(first), ...lines].join('\n')}\n`;
}

/** Returns a table whose last column, of keys or bars, begins where its heading begins. */
function keyTable(rows: string[][]): string {
  const width = Math.max(...rows.map((row) => row.at(-1)!.length));
  return table(rows.map((row) => [...row.slice(0, -1), row.at(-1)!.padEnd(width)]));
}

/** A kind of frame has records or entries, so that both have one column. */
function kindRows({ kinds, total }: DumpCounts): string[][] {
  const row = (name: string, totals: FrameTotals) => [
    name,
    ...[totals.frames, totals.compressedFrames, totals.records + totals.entries].map(formatNumber),
    ...[totals.payloadBytes, totals.uncompressedBytes].map(formatNumber),
    compressionRatio(totals)?.toFixed(2) ?? '',
  ];
  return [
    ['kind', 'frames', 'zstd', 'records', 'bytes', 'uncompressed', 'ratio'],
    ...kinds.map((totals) => row(totals.kind, totals)),
    row('total', total),
  ];
}

function opRows(counts: DumpCounts): string[][] {
  return [
    ['op', 'records', 'bytes'],
    ...counts.ops.map(({ op, records, bytes }) => [op, formatNumber(records), formatNumber(bytes)]),
  ];
}

/** Where sequences have gaps or go back, that is shown in place of the bytes. */
function shardRows({ shards }: DumpCounts): string[][] {
  const hasFaults = shards.some(({ gaps, stepsBack }) => gaps > 0 || stepsBack > 0);
  return [
    ['shard', 'records', 'first', 'last', ...(hasFaults ? ['gaps', 'missing', 'back'] : ['bytes'])],
    ...shards.map((shard) => [
      `${shard.shard}`,
      formatNumber(shard.records),
      `${shard.firstSequence}`,
      `${shard.lastSequence}`,
      ...(hasFaults ? [shard.gaps, shard.missingSequences, shard.stepsBack] : [shard.bytes]).map(
        formatNumber,
      ),
    ]),
  ];
}

function prefixesText(counts: DumpCounts): string {
  const all = counts.prefixes;
  const { withoutPrefix } = counts;
  const rows = all
    .slice(0, MAX_LISTED_PREFIXES)
    .map(({ key, count, countError, bytes }) => [
      `${countError === 0 ? '' : '~'}${formatNumber(count)}`,
      formatNumber(bytes),
      quoteBytes(key, KEY_WIDTH),
    ]);
  if (withoutPrefix.items > 0) {
    rows.push([formatNumber(withoutPrefix.items), formatNumber(withoutPrefix.bytes), '(none)']);
  }
  const more = all.length - MAX_LISTED_PREFIXES;
  const rest = more > 0 ? `and ${countText(more, 'prefix', 'prefixes')} more\n` : '';
  return keyTable([['records, entries', 'bytes', 'key prefix'], ...rows]) + rest;
}

/**
 * Returns the keys that are written most; those of which less than half of the count is certain are left out
 * as noise.
 */
function hotKeysText(counts: DumpCounts): string[] {
  const rows = counts.hotKeys
    .filter(({ count, countError }) => count > 1 && countError * 2 <= count)
    .slice(0, MAX_LISTED_KEYS)
    .map(({ key, keyBytes, count, countError, bytes }) => [
      countError === 0
        ? formatNumber(count)
        : `${formatNumber(count - countError)} to ${formatNumber(count)}`,
      formatNumber(bytes),
      quoteBytes(key, KEY_WIDTH, keyBytes),
    ]);
  return rows.length === 0 ? [] : [keyTable([['records', 'bytes', 'hottest keys'], ...rows])];
}

function biggestText(counts: DumpCounts): string[] {
  const rows = counts.biggestValues.map(({ key, keyBytes, valueBytes, offset }) => [
    formatNumber(valueBytes),
    `${offset}`,
    quoteBytes(key, KEY_WIDTH, keyBytes),
  ]);
  return rows.length === 0 ? [] : [keyTable([['value bytes', 'at byte', 'biggest values'], ...rows])];
}

/** Returns a table with a bar for each size of keys and of values, and for each life. */
function distributionTexts({ distributions }: DumpCounts): string[] {
  const { keyBytes, valueBytes, lifeMs, withoutExpiry } = distributions;
  const texts = [
    distributionText('key bytes', keyBytes, formatNumber),
    distributionText('value bytes', valueBytes, formatNumber),
    distributionText('life', lifeMs, formatDuration),
  ].flat();
  if (withoutExpiry > 0 && lifeMs.length > 0)
    texts.push(`${countText(withoutExpiry, 'record', 'records')} without expiry\n`);
  return texts;
}

function distributionText(
  title: string,
  distribution: Distribution,
  format: (from: bigint) => string,
): string[] {
  const most = Math.max(...distribution.map(({ count }) => count));
  const rows = distribution.map(({ from, count }) => [
    format(from),
    format(from === 0n ? 1n : 2n * from),
    formatNumber(count),
    '█'.repeat(Math.ceil((count / most) * DISTRIBUTION_WIDTH)),
  ]);
  return rows.length === 0 ? [] : [keyTable([[`${title} from`, 'to below', 'count', ''], ...rows])];
}

function timesText(counts: DumpCounts): string[] {
  const { times, records, rate } = counts;
  if (times === undefined || rate === undefined) return [];
  const { firstMs, lastMs } = times;
  const spanMs = lastMs - firstMs;
  const lines = [`${formatTime(firstMs)} to ${formatTime(lastMs)}, ${formatDuration(spanMs)}`];
  if (rate.counts.length > 1) lines.push(sparkline(rate.counts), ratesText(rate, records, spanMs));
  return [`${lines.join('\n')}\n`];
}

function ratesText({ counts, bucketMs }: RateOverTime, records: number, spanMs: bigint): string {
  const perSecond = (count: number, ms: bigint) => formatNumber(Math.round((count * 1000) / Number(ms)));
  // Both ends belong to the span.
  const mean = perSecond(records, spanMs + 1n);
  const peak = perSecond(Math.max(...counts), bucketMs);
  return `${formatDuration(bucketMs)} a column: ${mean} records/s on average, ${peak}/s at most`;
}

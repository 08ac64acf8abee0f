/** `frames decode --stats`: renderings that count what the others would write, and tell it behind each file. */
import chalk from 'chalk';
import type { FastcacheError } from '../errors.js';
import { escapeText } from './escape.js';
import { faultJson } from './frames-json.js';
import { pack } from './frames-msgpack.js';
import { type Piece, type Rendering, type RenderingOptions, separator } from './frames-renderings.js';
import { compressionRatio, DumpStats, type FrameTotals } from './frames-stats.js';
import { toJson } from './json.js';
import { alignRight, formatDuration, formatNumber, formatTime } from './text.js';

type Fields = Record<string, unknown>;

/** What the formats differ in. */
interface Writer {
  begin: string;
  beginFile(file: string): Piece;
  endFile(stats: DumpStats, fault: FastcacheError | undefined): Piece;
  end: string;
}

export const textStats = (options: RenderingOptions) => counting(textWriter(options));
export const ndjsonStats = (options: RenderingOptions) => counting(ndjsonWriter(options));
export const jsonStats = () => counting(jsonWriter());
export const msgpackStats = (options: RenderingOptions) => counting(msgpackWriter(options));

function counting(writer: Writer): Rendering {
  let stats = new DumpStats();
  return {
    marksSteps: true,
    begin: () => writer.begin,
    beginFile(file) {
      stats = new DumpStats();
      return writer.beginFile(file);
    },
    beginFrame(frame) {
      stats.frame(frame);
      return '';
    },
    item(item, step) {
      stats.item(item, step);
      return '';
    },
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
      Buffer.concat([pack(statsFields(stats)), ...(fault === undefined ? [] : [pack(faultJson(fault))])]),
    end: '',
  };
}

/** u64 values as bigints. */
function statsFields(stats: DumpStats): Fields {
  const { firstTimeMs, lastTimeMs } = stats;
  return {
    type: 'stats',
    ...totalsFields(stats.total),
    firstTimeMs,
    lastTimeMs,
    kinds: Array.from(stats.kinds, ([kind, totals]) => ({ kind, ...totalsFields(totals) })),
    ops: Array.from(stats.ops, ([op, totals]) => ({ op, ...totals })),
    shards: stats.shards().map(({ shard, totals }) => ({ shard, ...totals })),
    recordsOutOfRange: stats.recordsOutOfRange,
  };
}

function totalsFields(totals: FrameTotals): Fields {
  return { ...totals, compressionRatio: compressionRatio(totals) };
}

/** Times are numbers (cli.md, JSON), unless a number cannot hold them. */
function statsJson(stats: DumpStats): Fields {
  const { firstTimeMs, lastTimeMs } = stats;
  return { ...statsFields(stats), firstTimeMs: timeJson(firstTimeMs), lastTimeMs: timeJson(lastTimeMs) };
}

function timeJson(timeMs: bigint | null): number | bigint | null {
  return timeMs === null || timeMs > Number.MAX_SAFE_INTEGER ? timeMs : Number(timeMs);
}

function statsText(stats: DumpStats): string {
  const { firstTimeMs: first, lastTimeMs: last, recordsOutOfRange } = stats;
  const paragraphs = [table(kindRows(stats))];
  if (stats.ops.size > 0) paragraphs.push(table(opRows(stats)), table(shardRows(stats)));
  if (recordsOutOfRange > 0)
    paragraphs.push(`${formatNumber(recordsOutOfRange)} records of shards that no store has\n`);
  if (first !== null && last !== null) {
    paragraphs.push(`${formatTime(first)} to ${formatTime(last)}, ${formatDuration(last - first)}\n`);
  }
  return paragraphs.join('\n');
}

function table([heading, ...rows]: string[][]): string {
  const [first, ...lines] = alignRight([heading!, ...rows]);
  return `${[chalk.dim(first), ...lines].join('\n')}\n`;
}

function kindRows({ kinds, total }: DumpStats): string[][] {
  const row = (name: string, totals: FrameTotals) => [
    name,
    ...[totals.frames, totals.compressedFrames, totals.records, totals.entries].map(formatNumber),
    ...[totals.payloadBytes, totals.uncompressedBytes].map(formatNumber),
    compressionRatio(totals)?.toFixed(2) ?? '',
  ];
  return [
    ['frames of kind', 'frames', 'zstd', 'records', 'entries', 'payload bytes', 'uncompressed', 'ratio'],
    ...Array.from(kinds, ([kind, totals]) => row(kind, totals)),
    row('total', total),
  ];
}

function opRows({ ops }: DumpStats): string[][] {
  return [
    ['op', 'records', 'bytes'],
    ...Array.from(ops, ([op, { records, bytes }]) => [op, formatNumber(records), formatNumber(bytes)]),
  ];
}

function shardRows(stats: DumpStats): string[][] {
  return [
    ['shard', 'records', 'bytes', 'first sequence', 'last', 'gaps', 'missing', 'steps back'],
    ...stats
      .shards()
      .map(({ shard, totals }) => [
        `${shard}`,
        formatNumber(totals.records),
        formatNumber(totals.bytes),
        `${totals.firstSequence}`,
        `${totals.lastSequence}`,
        ...[totals.gaps, totals.missingSequences, totals.stepsBack].map(formatNumber),
      ]),
  ];
}

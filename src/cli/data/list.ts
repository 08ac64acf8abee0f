/** Runs `data ls`, which lists the files of a data directory, and the moments to restore. */
import { stat } from 'node:fs/promises';
import { type DirectoryDump, dumpsOf, readDirectory } from '../../data/directory-dumps.js';
import type { Manifest } from '../../data/manifest.js';
import { chainsOf } from '../../data/past-manifest.js';
import { SegmentIndex } from '../../data/segment-index.js';
import { systemDataFiles } from '../../data/system-data-files.js';
import { DEFAULT_FILE_MODE } from '../../files/file-mode.js';
import { IndexReader } from '../../frame-index/index-reader.js';
import { alignCells, type Cell } from '../terminal/columns.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText, formatNumber } from '../terminal/text.js';

/** The arguments and flags of `data ls`. */
export interface ListInvocation {
  directory: string;
  json: boolean;
  output: Output;
}

/** A file as it is listed. */
interface ListedDump extends DirectoryDump {
  /** Its length; null where it is missing. */
  bytes: number | null;
  /** By its index; null without one. */
  frames: number | null;
  /** The earliest and the latest time of a record, Unix ms; null where none is known. */
  firstMs: number | null;
  lastMs: number | null;
}

const HISTORY_DIGITS = 8;

/** Lists a directory. Throws as `readDirectory`. */
export async function runList({ directory, json, output }: ListInvocation): Promise<void> {
  const manifest = await readDirectory(directory);
  const dumps: ListedDump[] = [];
  for (const dump of dumpsOf(directory, manifest))
    dumps.push({ ...dump, ...(await measured(directory, dump)) });
  const restorable = restorableOf(manifest, dumps);
  await output.write(
    json
      ? `${toJson(documentOf(directory, manifest, dumps, restorable))}\n`
      : textOf(directory, manifest, dumps, restorable),
  );
}

/** A time span of which each moment can be restored, of one chain of segments. */
interface Restorable {
  fromMs: number;
  /** The latest time of a record behind that. */
  toMs: number;
  /** The first and the last segment. */
  segments: [number, number];
  /** The ids of the histories, in their order. */
  histories: string[];
}

async function measured(
  directory: string,
  { file, name, entry }: DirectoryDump,
): Promise<Omit<ListedDump, keyof DirectoryDump>> {
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => null,
  );
  const index = bytes === null ? 'missing' : await IndexReader.open(file);
  if (typeof index === 'string') return { bytes, frames: null, firstMs: null, lastMs: null };
  let frames = 0;
  let [firstMs, lastMs]: [number | null, number | null] = [null, null];
  try {
    // The frames that were written last are in no index yet.
    const segment = new SegmentIndex(systemDataFiles(directory, DEFAULT_FILE_MODE), name);
    for await (const entries of entry.bytes === null ? segment.entries() : index.blocks()) {
      frames += entries.length;
      for (let at = 0; at < entries.length; at += 1) {
        if (!entries.isKnown(at) || entries.count(at) === 0) continue;
        const [earliest, latest] = [Number(entries.earliestMs(at)), Number(entries.latestMs(at))];
        if (firstMs === null || earliest < firstMs) firstMs = earliest;
        if (lastMs === null || latest > lastMs) lastMs = latest;
      }
    }
  } finally {
    await index.close();
  }
  return { bytes, frames, firstMs, lastMs };
}

/** A chain can be restored from its beginning on, or from its oldest base. */
function restorableOf({ segments, bases }: Manifest, dumps: readonly ListedDump[]): Restorable[] {
  return chainsOf(segments).flatMap((chain) => {
    const base = bases.find(({ segment }) => chain.some(({ number }) => number === segment));
    const fromMs = chain[0]!.follows === 'nothing' ? chain[0]!.begunAtMs : base?.madeAtMs;
    if (fromMs === undefined) return [];
    const numbers = new Set(chain.map(({ number }) => number));
    const own = dumps.filter(({ entry }) => entry.kind === 'segment' && numbers.has(entry.number));
    const toMs = Math.max(fromMs, ...own.map(({ lastMs }) => lastMs ?? 0));
    const histories = [...new Set(chain.map(({ history }) => history))];
    return [{ fromMs, toMs, segments: [chain[0]!.number, chain.at(-1)!.number], histories }];
  });
}

function documentOf(
  directory: string,
  { isClean }: Manifest,
  dumps: readonly ListedDump[],
  restorable: readonly Restorable[],
): object {
  const shown = ({ name, entry, bytes, frames, firstMs, lastMs }: ListedDump) => {
    const { kind: _, ...fields } = entry;
    return { ...fields, file: name, isSealed: entry.bytes !== null, bytes, frames, firstMs, lastMs };
  };
  return {
    directory,
    isClean,
    segments: dumps.filter(({ entry }) => entry.kind === 'segment').map(shown),
    bases: dumps.filter(({ entry }) => entry.kind === 'base').map(shown),
    restorable,
  };
}

function textOf(
  directory: string,
  { isClean, segments, bases }: Manifest,
  dumps: readonly ListedDump[],
  restorable: readonly Restorable[],
): string {
  const bytes = dumps.reduce((sum, dump) => sum + (dump.bytes ?? 0), 0);
  const counts = [
    countText(segments.length, 'segment', 'segments'),
    countText(bases.length, 'base', 'bases'),
    countText(bytes, 'byte', 'bytes'),
  ];
  const end = isClean ? 'it was closed in order\n' : 'a server has it, or ended without closing it\n';
  const breaks = segments.flatMap(({ number, follows }, at) =>
    at > 0 && follows !== 'segment' ? `segment ${number} does not continue what was before it\n` : [],
  );
  const header = ['', 'bytes', 'first record', 'last record', 'history'].map((text) => ({ text }));
  const rows = dumps.length === 0 ? [] : alignCells([header, ...dumps.map(rowOf)]);
  return [
    `${escapeText(directory)}: ${counts.join(', ')}\n`,
    end,
    ...rows.map((row) => `${row}\n`),
    ...breaks,
    ...(dumps.length === 0 ? ['it is empty\n'] : restorableLines(restorable)),
  ].join('');
}

function restorableLines(restorable: readonly Restorable[]): string[] {
  if (restorable.length === 0) return ['it cannot be restored: it has neither a beginning nor a base\n'];
  const spans = restorable.map(({ fromMs, toMs, segments: [first, last] }) => {
    const from = timeText(fromMs);
    const times = toMs > fromMs ? `any time from ${from} to ${timeText(toMs)}` : `the time ${from}`;
    return `  ${times} (${first === last ? `segment ${first}` : `segments ${first} to ${last}`})\n`;
  });
  return ['it can be restored to\n', ...spans];
}

function rowOf({ entry, bytes, firstMs, lastMs }: ListedDump): Cell[] {
  const isBase = entry.kind === 'base';
  return [
    { text: `${entry.kind} ${entry.number}`, isLeft: true },
    { text: bytes === null ? 'missing' : formatNumber(bytes) },
    { text: isBase ? `made ${timeText(entry.madeAtMs)}` : timeText(firstMs) },
    { text: isBase ? countText(entry.keys, 'key', 'keys') : timeText(lastMs) },
    { text: entry.history.slice(0, HISTORY_DIGITS) },
  ];
}

/** A time to the second, UTC; of a time that is not known, a dash. */
function timeText(ms: number | null): string {
  if (ms === null || ms > 8_640_000_000_000_000) return '-';
  return new Date(ms).toISOString().slice(0, 19).concat('Z');
}

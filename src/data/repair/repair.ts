/**
 * Makes a new data directory of all that is whole in a damaged one, which is never changed
 * (docs/data-directory.md, "Repair").
 */
import { FastcacheError } from '../../errors.js';
import { DEFAULT_FILE_MODE } from '../../files/file-mode.js';
import { encodeHelloFrame } from '../../frame/hello.js';
import { type History, recordedPairs } from '../../replication/history.js';
import { isDirectoryLocked } from '../../transport/directory-lock.js';
import type { DataFiles } from '../data-files.js';
import { readDirectory, readingIn, refuseOthers } from '../directory-dumps.js';
import {
  type BaseEntry,
  baseName,
  isOtherVersion,
  type Manifest,
  type SegmentEntry,
  segmentName,
} from '../manifest.js';
import { writeDump } from '../new-directory.js';
import { chainsOf } from '../past-manifest.js';
import { SegmentIndex } from '../segment-index.js';
import { readMark } from '../sync-mark.js';
import { systemDataFiles } from '../system-data-files.js';
import { beginningOrNone, foundManifest } from './found-manifest.js';
import { planChain, type Stem } from './plan.js';
import { RepairReport } from './report.js';
import { ChainSurvey, completed, type Part, surveyBase, type WholeBase } from './survey.js';

/** The role file of a directory. */
const ROLE_FILE = 'role';
const ROLE_FILE_BYTES = 1_048_576;

/** The parts that were found in a directory. */
export interface Survey {
  readonly stems: readonly Stem[];
  readonly report: RepairReport;
  /** Why its own manifest was not used; undefined: it was. */
  readonly manifestFault: FastcacheError | undefined;
}

/** How the files of a directory are read: `onRead` is called with a name and the bytes read. */
export type OnRead = (name: string, bytes: number) => void;

/**
 * Looks through a directory. Throws DATA_IN_USE while a server has it, NO_INPUT where nothing is of a data
 * directory, and READ_FAILED.
 */
export async function surveyDirectory(directory: string, onRead: OnRead): Promise<Survey> {
  const files = systemDataFiles(directory, DEFAULT_FILE_MODE);
  return readingIn(directory, async () => {
    const [manifest, manifestFault] = await manifestOf(directory, files);
    if (await isDirectoryLocked(directory)) throw inUse(directory);
    const report = new RepairReport();
    const histories = await historiesOf(files, manifest);
    const stems: Stem[] = [];
    for (const segments of chainsOf(manifest.segments)) {
      const marks = new Map<number, number>();
      for (const { number, bytes } of segments) {
        marks.set(number, bytes ?? (await readMark(files, segmentName(number))));
      }
      const survey = new ChainSurvey({
        report,
        histories,
        read: ({ number, bytes }) => {
          const name = segmentName(number);
          const surelyBytes = bytes === null ? marks.get(number)! : Number.POSITIVE_INFINITY;
          const entries = bytes === null ? new SegmentIndex(files, name).entries() : undefined;
          return { path: files.pathOf(name), surelyBytes, entries, onRead: (read) => onRead(name, read) };
        },
      });
      for (const segment of segments) await survey.segment(segment);
      const numbers = new Set(segments.map(({ number }) => number));
      const bases: WholeBase[] = [];
      for (const entry of manifest.bases.filter(({ segment }) => numbers.has(segment))) {
        const name = baseName(entry.number);
        const path = files.pathOf(name);
        const surelyBytes = Number.POSITIVE_INFINITY;
        const dump = { path, surelyBytes, onRead: (read: number) => onRead(name, read) };
        const base = await surveyBase(entry, dump, report);
        if (base !== undefined) bases.push(base);
      }
      const isBegun = segments[0]!.follows === 'nothing';
      stems.push(...planChain({ isBegun, parts: survey.parts, bases }, report));
    }
    return { stems, report, manifestFault };
  });
}

/**
 * Writes what a survey has found to the files of a new directory; returns its manifest. Throws DATA_DAMAGED
 * where nothing leads to content, and system errors.
 */
export async function writeRepaired(directory: string, { stems }: Survey, to: DataFiles): Promise<Manifest> {
  if (stems.length === 0) throw nothingWhole(directory);
  const from = systemDataFiles(directory, DEFAULT_FILE_MODE);
  const segments: SegmentEntry[] = [];
  const bases: BaseEntry[] = [];
  for (const stem of stems) {
    const numbers = new Map<Part, number>();
    for (const [at, part] of stem.parts.entries()) {
      const number = segments.length + 1;
      numbers.set(part, number);
      const bytes = await writeDump(to, segmentName(number), framesOf(from, part, stem));
      const follows = at > 0 ? 'segment' : stem.isBegun ? 'nothing' : 'base';
      const begunAtMs = beginningMs(part);
      segments.push({ number, bytes, follows, history: part.history.id, begunAtMs });
    }
    for (const { base, part } of stem.bases) {
      const { entry, history, watermarks } = base;
      if (part === undefined) {
        const number = segments.length + 1;
        const bytes = await writeDump(to, segmentName(number), [helloOf(history, watermarks)]);
        segments.push({ number, bytes, follows: 'base', history: history.id, begunAtMs: entry.madeAtMs });
      }
      const segment = part === undefined ? segments.length : numbers.get(part)!;
      const number = bases.length + 1;
      const bytes = await writeDump(to, baseName(number), from.blocks(baseName(entry.number)));
      bases.push({ ...entry, number, bytes, segment });
    }
  }
  await copyRole(from, to);
  return { isClean: false, segments, bases };
}

/** Returns the time for the manifest, Unix ms: of a part of a segment, that of its first record. */
function beginningMs({ segment: { begunAtMs }, start, first }: Part): number {
  if (first === undefined) return begunAtMs;
  return start > 0 ? Number(first.timeMs) : Math.min(begunAtMs, Number(first.timeMs));
}

/** Yields the bytes of a part, with a Hello where it has lost its own. */
async function* framesOf(
  from: DataFiles,
  { segment, history, start, end, begun, ended }: Part,
  { bases: [first] }: Stem,
): AsyncGenerator<Buffer, void, void> {
  if (start > 0) yield helloOf(history, completed(begun, first?.base.watermarks ?? ended));
  let at = start;
  for await (const block of from.blocks(segmentName(segment.number), start)) {
    const piece = block.subarray(0, end - at);
    if (piece.length > 0) yield piece;
    at += piece.length;
    if (at === end) return;
  }
}

function helloOf(history: History, watermarks: readonly bigint[]): Buffer {
  const margin = new Map(recordedPairs(history, false));
  return encodeHelloFrame({ role: 'replica', watermarks }, { margin });
}

async function manifestOf(
  directory: string,
  files: DataFiles,
): Promise<[manifest: Manifest, fault: FastcacheError | undefined]> {
  try {
    return [await readDirectory(directory), undefined];
  } catch (error) {
    const isLost =
      error instanceof FastcacheError && (error.code === 'NO_INPUT' || error.code === 'STATE_UNUSABLE');
    if (!isLost || isOtherVersion(error)) throw error;
    const isThere = await files.list().then(
      () => true,
      () => false,
    );
    const found = isThere ? await foundManifest(files) : undefined;
    if (found === undefined || found.segments.length + found.bases.length === 0) throw error;
    await refuseOthers(files, found);
    return [found, error];
  }
}

/** Returns the histories that segments and bases name. */
async function historiesOf(
  files: DataFiles,
  { segments, bases }: Manifest,
): Promise<Map<string, { history: History; shards: number }>> {
  const histories = new Map<string, { history: History; shards: number }>();
  const names = [
    ...segments.map(({ number }) => segmentName(number)),
    ...bases.map(({ number }) => baseName(number)),
  ];
  for (const name of names) {
    const beginning = await beginningOrNone(files, name);
    if (beginning === undefined) continue;
    const { history, watermarks } = beginning;
    histories.set(history.id, { history, shards: watermarks.length });
  }
  return histories;
}

/**
 * Copies the role file: a server that starts with the new directory takes the place of the one that had the
 * old one.
 */
async function copyRole(from: DataFiles, to: DataFiles): Promise<void> {
  const bytes = await from.read(ROLE_FILE, ROLE_FILE_BYTES);
  if (bytes === undefined) return;
  const file = await to.create(ROLE_FILE);
  await file.append([bytes]);
  await file.sync();
  await file.close();
}

function inUse(directory: string): FastcacheError {
  const message = 'A server has this data directory. Stop it first: its later writes would be missing.';
  return new FastcacheError('DATA_IN_USE', message, { file: directory });
}

function nothingWhole(directory: string): FastcacheError {
  const message =
    'Nothing in it leads to content: no base is whole, and no segment begins with an empty store. `fastcache ' +
    'frames salvage` copies single frames out of a file.';
  return new FastcacheError('DATA_DAMAGED', message, { file: directory });
}

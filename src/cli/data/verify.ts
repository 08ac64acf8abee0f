/** Runs `data verify`, which checks every file of a data directory, and that they lead to its content. */
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import { damagedData, MISSEALED, uncheckedText } from '../../data/checked-dump.js';
import type { DataFiles } from '../../data/data-files.js';
import { areStillNamed, type DirectoryDump, dumpsOf, readDirectory } from '../../data/directory-dumps.js';
import { SegmentIndex } from '../../data/segment-index.js';
import { readMark } from '../../data/sync-mark.js';
import { systemDataFiles } from '../../data/system-data-files.js';
import { inDump } from '../../dump/read/dump-reader.js';
import type { DumpFault, VerifiedIndex } from '../../dump/verify/index-check.js';
import { verifyDump } from '../../dump/verify/verify-dump.js';
import { EXIT_BAD_FRAMES, FastcacheError } from '../../errors.js';
import { DEFAULT_FILE_MODE } from '../../files/file-mode.js';
import { indexPath } from '../../frame/index-entry.js';
import { ProgressLine } from '../frames/progress.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText } from '../terminal/text.js';
import { type VerifiedDataContent, verifyContent } from './verify-content.js';

/** The arguments and flags of `data verify`. */
export interface VerifyDataInvocation {
  directory: string;
  /** Whether content is compared with the digests in it, in memory as large as it. */
  provesContent: boolean;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** A file that was verified. */
interface VerifiedFile {
  name: string;
  /** The first hundred faults or so. */
  faults: FastcacheError[];
  faultCount: number;
  /** Whether it ends as a crash, or a server that writes, leaves it. */
  isTorn: boolean;
  index: VerifiedIndex | undefined;
  /** Whether there are digests in it, by which its content can be proved. */
  hasDigests: boolean;
}

/** Verifies a directory; resolves with the exit status. Throws as `readDirectory`. */
export async function runVerifyData(invocation: VerifyDataInvocation): Promise<number> {
  const { directory, provesContent, json, output, terminal, clock } = invocation;
  const manifest = await readDirectory(directory);
  const progress = new ProgressLine(terminal, clock, 'verifying');
  const files: VerifiedFile[] = [];
  let content: VerifiedDataContent = { fault: undefined, differences: [], compared: 0 };
  try {
    for (const dump of dumpsOf(directory, manifest)) {
      const file = await verified(directory, dump, progress);
      // A file that the server has removed meanwhile was not damaged.
      if (file.faultCount > 0 && !(await areStillNamed(directory, [dump]))) continue;
      if (!json) await output.write(fileText(file));
      files.push(file);
    }
    progress.close();
    // A fault of a file is a fault of the content too: that is compared only where all files are sound.
    if (files.every(({ faultCount }) => faultCount === 0)) {
      const hasDigests = provesContent && files.some((file) => file.hasDigests);
      content = await verifyContent(directory, hasDigests, progress.show);
    }
  } finally {
    progress.close();
  }
  const areSound = files.every(({ faultCount }) => faultCount === 0);
  const isSound = areSound && content.fault === undefined && content.differences.length === 0;
  await output.write(
    json
      ? `${toJson(documentOf(directory, isSound, files, content))}\n`
      : `${summaryText(directory, areSound, content, provesContent)}\n`,
  );
  return isSound ? 0 : EXIT_BAD_FRAMES;
}

async function verified(
  directory: string,
  { file, name, entry }: DirectoryDump,
  progress: ProgressLine,
): Promise<VerifiedFile> {
  const isOpen = entry.bytes === null;
  const dataFiles = systemDataFiles(directory, DEFAULT_FILE_MODE);
  try {
    const size = await dataFiles.size(name);
    // A server may write on meanwhile: all bytes that were synced before are in the index.
    const surelyBytes = entry.bytes ?? (await readMark(dataFiles, name));
    const options = { onProgress: progress.show, provesContent: false };
    const { faults, faultCount, index, frames } = await verifyDump(file, options);
    const tears = isOpen ? faults.filter(({ isCutTail }) => isCutTail) : [];
    const others = faults.filter((fault) => !tears.includes(fault)).map(({ fault }: DumpFault) => fault);
    const lengthFault =
      entry.bytes === null || size === entry.bytes ? [] : [otherLength(file, entry.bytes, size ?? 0)];
    const checkedBytes = index.state === 'used' ? index.bytes : 0;
    const neededBytes = index.state === 'missing' ? 0 : Math.min(surelyBytes, size ?? 0);
    const ownFaults = [...lengthFault];
    if (checkedBytes < neededBytes) {
      const hasSeals = isOpen && index.state !== 'foreign';
      if (hasSeals) ownFaults.push(...(await unprovedFaults(dataFiles, name, neededBytes)));
      else ownFaults.push(unsoundIndex(file, checkedBytes));
    }
    return {
      name,
      faults: [...ownFaults, ...others],
      faultCount: faultCount - tears.length + ownFaults.length,
      isTorn: tears.length > 0,
      index,
      hasDigests: (frames.Digests ?? 0) > 0,
    };
  } catch (error) {
    const fault = inDump(error, file, 0);
    if (!(fault instanceof FastcacheError) || fault.code === 'OUT_OF_MEMORY') throw fault;
    return { name, faults: [fault], faultCount: 1, isTorn: false, index: undefined, hasDigests: false };
  }
}

/** Returns the fault of a segment of which index and seals do not prove so many bytes; none: they do. */
async function unprovedFaults(files: DataFiles, name: string, bytes: number): Promise<FastcacheError[]> {
  const index = new SegmentIndex(files, name);
  let proved = 0;
  for await (const entries of index.entries()) proved = entries.end(entries.length - 1);
  if (proved >= bytes) return [];
  const path = files.pathOf(name);
  const { brokenFrom } = index;
  return [brokenFrom === undefined ? unsoundIndex(path, proved) : damagedData(MISSEALED, path, brokenFrom)];
}

function unsoundIndex(file: string, offset: number): FastcacheError {
  const message = `It ${uncheckedText(file, offset)}.`;
  return new FastcacheError('DATA_DAMAGED', message, { file: indexPath(file) });
}

function otherLength(file: string, expected: number, found: number): FastcacheError {
  const message = `The file has ${found} bytes, and the manifest says ${expected}.`;
  return new FastcacheError('FCRP_LENGTH_MISMATCH', message, { file, expected, found });
}

function fileJson({ name, faults, faultCount, isTorn, index }: VerifiedFile): object {
  return {
    file: name,
    ok: faultCount === 0,
    isTorn,
    index: index ?? null,
    faultCount,
    faults: faults.map(faultJson),
  };
}

function faultJson({ code, file, offset, message }: FastcacheError): object {
  return { code, file, offset, message };
}

function fileText({ name, faults, faultCount, isTorn, index }: VerifiedFile): string {
  const verdict = faultCount === 0 ? chalk.green('ok') : chalk.red(countText(faultCount, 'fault', 'faults'));
  const checked =
    index?.state === 'used'
      ? `${countText(index.frames, 'frame', 'frames')} checked against the index`
      : 'no index, so that values were not checked';
  const torn = isTorn ? '; it ends inside a frame, as a crash or a server that writes leaves it' : '';
  const lines = faults.map((fault) => `  ${faultText(fault)}\n`);
  return `${name}: ${verdict}, ${checked}${torn}\n${lines.join('')}`;
}

function documentOf(
  directory: string,
  isSound: boolean,
  files: readonly VerifiedFile[],
  { fault, differences, compared }: VerifiedDataContent,
): object {
  return {
    directory,
    ok: isSound,
    files: files.map(fileJson),
    comparedDigests: compared,
    differences: differences.map(faultJson),
    ...(fault && { content: faultJson(fault) }),
  };
}

function summaryText(
  directory: string,
  areSound: boolean,
  { fault, differences, compared }: VerifiedDataContent,
  provesContent: boolean,
): string {
  const name = escapeText(directory);
  if (!areSound) return `${name}: ${chalk.red('damaged')}`;
  if (fault !== undefined)
    return `${name}: ${chalk.red('its files lead to no content')}: ${faultText(fault)}`;
  if (differences.length > 0) {
    const shards = countText(differences.length, 'shard differs', 'shards differ');
    const lines = differences.map((difference) => `  ${faultText(difference)}`);
    return `${name}: ${chalk.red('its content is not what its server held')}: ${shards}\n${lines.join('\n')}`;
  }
  const proof =
    compared > 0
      ? `which is what ${countText(compared, 'digest', 'digests')} of its shards ${compared === 1 ? 'says' : 'say'}`
      : provesContent
        ? 'of which it has no digests: it is proved by the bytes alone'
        : 'of which only the bytes were compared';
  return `${name}: ${chalk.green('ok')}, its files lead to its content, ${proof}`;
}

function faultText({ code, place, message }: FastcacheError): string {
  return `${place === undefined ? '' : `${escapeText(place)}: `}${escapeText(message)} (${chalk.red(code)})`;
}

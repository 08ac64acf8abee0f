/** Runs `data verify`, which checks every file of a data directory, and that they lead to its content. */
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import { type DirectoryDump, dumpsOf, filesOf, readDirectory } from '../../data/directory-dumps.js';
import { contentOf, type Manifest } from '../../data/manifest.js';
import { readMark } from '../../data/sync-mark.js';
import { systemDataFiles } from '../../data/system-data-files.js';
import { KeySpaceFold } from '../../dump/fold/key-space-fold.js';
import { dumpName, inDump, readDumpChunks } from '../../dump/read/dump-reader.js';
import type { DumpFault, VerifiedIndex } from '../../dump/verify/index-check.js';
import { verifyDump } from '../../dump/verify/verify-dump.js';
import { WatermarkStore } from '../../engine/watermark-store.js';
import { EXIT_BAD_FRAMES, FastcacheError } from '../../errors.js';
import { DEFAULT_FILE_MODE } from '../../files/file-mode.js';
import { indexPath } from '../../frame/index-entry.js';
import { ProgressLine } from '../frames/progress.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText } from '../terminal/text.js';

/** The arguments and flags of `data verify`. */
export interface VerifyDataInvocation {
  directory: string;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** A file that was verified. */
interface VerifiedFile {
  name: string;
  /** What it is not, as a fault; the first hundred or so. */
  faults: FastcacheError[];
  faultCount: number;
  /** Whether it ends as a crash, or a server that writes, leaves it. */
  isTorn: boolean;
  index: VerifiedIndex | undefined;
}

/** Verifies a directory; resolves with the exit status. Throws as `readDirectory`. */
export async function runVerifyData(invocation: VerifyDataInvocation): Promise<number> {
  const { directory, json, output, terminal, clock } = invocation;
  const manifest = await readDirectory(directory);
  const progress = new ProgressLine(terminal, clock, 'verifying');
  const files: VerifiedFile[] = [];
  let contentFault: FastcacheError | undefined;
  try {
    for (const dump of dumpsOf(directory, manifest)) {
      const file = await verified(directory, dump, progress);
      if (!json) await output.write(fileText(file));
      files.push(file);
    }
    progress.close();
    // What is wrong with a file is wrong with the content.
    const isSound = files.every(({ faultCount }) => faultCount === 0);
    if (isSound) contentFault = await faultOfContent(directory, manifest, progress);
  } finally {
    progress.close();
  }
  const isSound = contentFault === undefined && files.every(({ faultCount }) => faultCount === 0);
  await output.write(
    json
      ? `${toJson({ directory, ok: isSound, files: files.map(fileJson), ...(contentFault && { content: faultJson(contentFault) }) })}\n`
      : summaryText(directory, isSound, contentFault),
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
    // A server may write on meanwhile: what was synced before is in the index.
    const surelyBytes = entry.bytes ?? (await readMark(dataFiles, name));
    const { faults, faultCount, index } = await verifyDump(file, { onProgress: progress.show });
    const tears = isOpen ? faults.filter(({ isCutTail }) => isCutTail) : [];
    const others = faults.filter((fault) => !tears.includes(fault)).map(({ fault }: DumpFault) => fault);
    const lengthFault =
      entry.bytes === null || size === entry.bytes ? [] : [otherLength(file, entry.bytes, size ?? 0)];
    const checkedBytes = index.state === 'used' ? index.bytes : 0;
    const isChecked = index.state === 'missing' || checkedBytes >= Math.min(surelyBytes, size ?? 0);
    const ownFaults = [...lengthFault, ...(isChecked ? [] : [unsoundIndex(file, checkedBytes)])];
    return {
      name,
      faults: [...ownFaults, ...others],
      faultCount: faultCount - tears.length + ownFaults.length,
      isTorn: tears.length > 0,
      index,
    };
  } catch (error) {
    const fault = inDump(error, file, 0);
    if (!(fault instanceof FastcacheError) || fault.code === 'OUT_OF_MEMORY') throw fault;
    return { name, faults: [fault], faultCount: 1, isTorn: false, index: undefined };
  }
}

function unsoundIndex(file: string, offset: number): FastcacheError {
  const message =
    `It has no sound entry for byte ${offset} of its dump and what is behind: a value that was changed there is ` +
    `not noticed. With the server stopped, \`fastcache frames index ${file}\` makes it anew.`;
  return new FastcacheError('DATA_DAMAGED', message, { file: indexPath(file) });
}

function otherLength(file: string, expected: number, found: number): FastcacheError {
  const message = `The file has ${found} bytes, and the manifest says ${expected}.`;
  return new FastcacheError('FCRP_LENGTH_MISMATCH', message, { file, expected, found });
}

/** Returns why the files do not lead to content; undefined when they do, or there is none. */
async function faultOfContent(
  directory: string,
  manifest: Manifest,
  progress: ProgressLine,
): Promise<FastcacheError | undefined> {
  const content = contentOf(manifest);
  if (content === undefined) return undefined;
  const fold = new KeySpaceFold({ createStore: (shards: number) => new WatermarkStore(shards) });
  try {
    for (const file of filesOf(directory, content)) await foldFile(file, fold, progress);
    fold.finish();
    return undefined;
  } catch (error) {
    if (error instanceof FastcacheError && error.code !== 'OUT_OF_MEMORY') return error;
    throw error;
  }
}

async function foldFile(
  file: string,
  fold: KeySpaceFold<WatermarkStore>,
  progress: ProgressLine,
): Promise<void> {
  try {
    for await (const frames of readDumpChunks(file)) {
      for (const frame of frames) fold.take(frame, dumpName(file));
      const last = frames.at(-1);
      if (last !== undefined) progress.show({ stage: 'reading', source: file, bytes: last.offset });
    }
  } catch (error) {
    const isTear =
      error instanceof FastcacheError &&
      (error.code === 'FCRP_TRUNCATED' || error.code === 'FCRP_SHORT_HEADER');
    if (!isTear) throw inDump(error, file, 0);
  }
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
  const lines = faults.map(
    (fault) =>
      `  ${escapeText(fault.place ?? '')}: ${escapeText(fault.message)} (${chalk.red(fault.code)})\n`,
  );
  return `${name}: ${verdict}, ${checked}${torn}\n${lines.join('')}`;
}

function summaryText(directory: string, isSound: boolean, fault: FastcacheError | undefined): string {
  const name = escapeText(directory);
  if (isSound) return `${name}: ${chalk.green('ok')}, its files lead to its content\n`;
  if (fault === undefined) return `${name}: ${chalk.red('damaged')}\n`;
  const place = fault.place === undefined ? '' : `${escapeText(fault.place)}: `;
  return `${name}: ${chalk.red('its files lead to no content')}: ${place}${escapeText(fault.message)} (${fault.code})\n`;
}

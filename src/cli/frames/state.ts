/**
 * Runs `frames state`, which writes the key space that dumps lead to, entry by entry as NDJSON, or as a dump
 * that is one snapshot.
 */
import { setImmediate } from 'node:timers/promises';
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import type { FoldedKeySpace } from '../../dump/fold/folded-key-space.js';
import { DumpOutput } from '../../dump/make/dump-output.js';
import { type DumpProgress, dumpName } from '../../dump/read/dump-reader.js';
import type { EncodeOptions } from '../../frame/frame.js';
import { untilExit } from '../command/shutdown.js';
import { refuseStdinTwice } from '../command/values.js';
import { entryMembers } from '../rendering/json.js';
import { separator } from '../rendering/renderings.js';
import { watermarksText } from '../rendering/text.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText, formatTime, type ValueForm } from '../terminal/text.js';
import { noteNothingChosen } from './nothing-chosen.js';
import { ProgressLine } from './progress.js';

/** The values of `--format`. */
export const stateFormats = ['ndjson', 'dump'] as const;

/** A value of `--format`. */
export type StateFormat = (typeof stateFormats)[number];

/** The arguments and flags of `frames state`. */
export interface StateInvocation {
  /** Paths of what is read: dumps that continue each other, or a data directory; `-` is stdin. */
  files: readonly string[];
  /** Reads the key space. */
  read(onProgress: (progress: DumpProgress) => void): Promise<FoldedKeySpace>;
  /** Whether a moment is asked for, at which there may have been nothing. */
  isChoice: boolean;
  format: StateFormat;
  values: ValueForm;
  /** The encoding of the chunks of a dump. */
  encoding: EncodeOptions;
  /** Path of the file to write; `-` is stdout. */
  target: string;
  /** Whether `target` is overwritten. */
  force: boolean;
  /** The mode of the new file; undefined: as it was, or the default. */
  mode: number | undefined;
  /**
   * Whether the report on the key space is JSON; where the key space goes to stdout as NDJSON, one document
   * holds both.
   */
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
  /** Writes a note to stderr. */
  note(text: string): void;
}

/** Lines gather to about this much before they are written. */
const WRITE_LENGTH = 65_536;

/**
 * Writes the key space. Rejects as `foldDump`, and with `BAD_OPTION` and `WRITE_FAILED`; then no file is
 * left, and nothing was written to stdout, except before a failure to write there.
 */
export async function writeState(invocation: StateInvocation): Promise<void> {
  refuseStdinTwice(invocation.files);
  if (invocation.target === '-') await writeToStdout(invocation);
  else await untilExit((signal) => writeToFile(invocation, signal));
}

async function writeToFile(invocation: StateInvocation, signal: AbortSignal): Promise<void> {
  const { files, target, force, mode, json, output } = invocation;
  const written = new DumpOutput(files, target, { force, mode, signal });
  try {
    const keySpace = await readState(invocation);
    noteUnsaid(keySpace, invocation);
    for (const piece of piecesOf(keySpace, invocation)) {
      written.write(typeof piece === 'string' ? Buffer.from(piece) : piece);
      // The event loop runs between pieces, so that a signal can arrive.
      await setImmediate();
    }
    const { bytes } = written;
    written.finish();
    await output.write(
      json
        ? `${toJson({ target, bytes, ...summaryOf(keySpace, files) })}\n`
        : summaryText(keySpace, target, bytes),
    );
  } finally {
    written.discard();
  }
}

async function writeToStdout(invocation: StateInvocation): Promise<void> {
  const { files, values, json, output, note } = invocation;
  const keySpace = await readState(invocation);
  noteUnsaid(keySpace, invocation);
  if (!json) {
    for (const piece of piecesOf(keySpace, invocation)) await output.write(piece);
    if (keySpace.expiredKeys > 0) note(`Note: ${expiredText(keySpace)}`);
    return;
  }
  await output.write('{"entries":[');
  const before = separator();
  for (const text of entryTexts(keySpace, values, (line) => `${before()}${line}`)) await output.write(text);
  await output.write(`\n],${toJson(summaryOf(keySpace, files)).slice(1)}\n`);
}

async function readState({
  read,
  isChoice,
  terminal,
  clock,
  note,
}: StateInvocation): Promise<FoldedKeySpace> {
  const progress = new ProgressLine(terminal, clock, 'reading');
  const keySpace = await read(progress.show).finally(() => progress.close());
  noteNothingChosen(isChoice, keySpace.keys + keySpace.expiredKeys, note);
  return keySpace;
}

function piecesOf(
  keySpace: FoldedKeySpace,
  { format, values, encoding }: StateInvocation,
): Generator<string | Buffer> {
  if (format === 'dump') return keySpace.frames(encoding);
  return entryTexts(keySpace, values, (line) => `${line}\n`);
}

/** Yields the texts of several entries at once, each with the line that `written` makes of it. */
function* entryTexts(
  keySpace: FoldedKeySpace,
  values: ValueForm,
  written: (line: string) => string,
): Generator<string> {
  let text = '';
  for (const entry of keySpace.entries()) {
    text += written(`{"type":"entry",${entryMembers(entry, values)}}`);
    if (text.length < WRITE_LENGTH) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Returns the members of the JSON about a key space that was read of `files`. */
export function summaryOf(keySpace: FoldedKeySpace, files: readonly string[]): object {
  const { keys, watermarks, atMs, expiredKeys, unsaidHistories } = keySpace;
  return {
    files: files.map(dumpName),
    keys,
    atMs: atMs ?? null,
    expiredKeys,
    watermarks,
    ...(unsaidHistories.length > 0 && { unsaidHistories }),
  };
}

/** Notes histories that no Hello names; with `--json` the document has them instead. */
function noteUnsaid({ unsaidHistories }: FoldedKeySpace, { json, note }: StateInvocation): void {
  if (json) return;
  for (const { file, offset, base } of unsaidHistories) {
    const history = `a history that begins behind ${base} continues the one before without saying so`;
    note(`Note: byte ${offset} of ${escapeText(file)}: ${history}, as after a promotion`);
  }
}

/** Returns the report on a key space that was written, for a person. */
export function summaryText(keySpace: FoldedKeySpace, target: string, bytes: number): string {
  const { keys, watermarks, atMs, expiredKeys } = keySpace;
  const content = `${countText(keys, 'key', 'keys')}, ${countText(bytes, 'byte', 'bytes')}`;
  const asOf = atMs === undefined ? '' : `, as of ${formatTime(BigInt(atMs))}`;
  const lines = [
    `${chalk.bold(escapeText(target))}: ${content}${asOf}`,
    ...(expiredKeys > 0 ? [`  ${expiredText(keySpace)}`] : []),
    `  ${chalk.dim(watermarksText(watermarks))}`,
  ];
  return `${lines.join('\n')}\n`;
}

function expiredText({ expiredKeys, atMs }: FoldedKeySpace): string {
  const had = countText(expiredKeys, 'key had', 'keys had');
  const are = expiredKeys === 1 ? 'is' : 'are';
  return `${had} expired by ${formatTime(BigInt(atMs ?? 0))} and ${are} left out`;
}

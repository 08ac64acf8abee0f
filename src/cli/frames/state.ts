/** `frames state`: the key space that dumps lead to, entry by entry as NDJSON, or as a dump that is a snapshot and no more. */
import { setImmediate } from 'node:timers/promises';
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import type { DumpLimits } from '../../dump/choose/batch-limit.js';
import { entriesOf, snapshotFrames, storeSteps } from '../../dump/fold/store-entries.js';
import { ToolStores } from '../../dump/fold/tool-stores.js';
import { DumpOutput } from '../../dump/make/dump-output.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import type { EncodeOptions } from '../../frame/frame.js';
import { entryMembers } from '../rendering/json.js';
import { watermarksText } from '../rendering/text.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText, formatTime, type ValueForm } from '../terminal/text.js';
import { type DumpKeySpace, readKeySpace } from './key-space.js';

export const stateFormats = ['ndjson', 'dump'] as const;

export type StateFormat = (typeof stateFormats)[number];

export interface StateOptions {
  /** Dumps that continue each other; `-` is stdin. */
  files: readonly string[];
  limits: DumpLimits;
  format: StateFormat;
  values: ValueForm;
  /** Of a dump's chunks. */
  encoding: EncodeOptions;
  /** `-` is stdout. */
  target: string;
  /** Overwrite `target`. */
  force: boolean;
  /** Of what is told beside the key space; where that goes to stdout as NDJSON, one document of both. */
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
  /** Says something on stderr. */
  note(text: string): void;
}

/**
 * Throws as `loadDumps` does, `BAD_OPTION` and `WRITE_FAILED`; then no file is left, and nothing was written to stdout but
 * what came before a failure to write.
 */
export async function writeState(options: StateOptions): Promise<void> {
  const { files, target, force, json, output, note } = options;
  const written = target === '-' ? undefined : new DumpOutput(files, target, { force });
  try {
    const keySpace = await readState(options);
    if (!json) for (const jump of keySpace.unsaid) note(`Note: ${unsaidText(jump)}`);
    if (written === undefined) {
      await writeToStdout(keySpace, options);
      if (!json && keySpace.expiredKeys > 0) note(`Note: ${expiredText(keySpace)}`);
      return;
    }
    for (const piece of piecesOf(keySpace, options)) {
      written.write(typeof piece === 'string' ? Buffer.from(piece) : piece);
      // A signal may come.
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
    written?.discard();
  }
}

/** A key space as of a moment. */
interface State extends DumpKeySpace {
  /** Keys that had expired by then. */
  expiredKeys: number;
}

async function readState({ files, limits, terminal, clock }: StateOptions): Promise<State> {
  const stores = new ToolStores();
  const keySpace = await readKeySpace(files, limits, { stores, terminal, clock });
  return { ...keySpace, expiredKeys: stores.expire(keySpace.store, keySpace.atMs ?? 0) };
}

async function writeToStdout(keySpace: State, options: StateOptions): Promise<void> {
  const { files, values, json, output } = options;
  if (!json) {
    for (const piece of piecesOf(keySpace, options)) await output.write(piece);
    return;
  }
  await output.write('{"entries":[');
  let separator = '\n';
  for (const lines of entryLines(keySpace, values)) {
    await output.write(`${separator}${lines.join(',\n')}`);
    separator = ',\n';
  }
  await output.write(`\n],${toJson(summaryOf(keySpace, files)).slice(1)}\n`);
}

function* piecesOf(keySpace: State, { format, values, encoding }: StateOptions): Generator<string | Buffer> {
  if (format === 'dump') yield* snapshotFrames(keySpace.store, keySpace.watermarks, encoding);
  else for (const lines of entryLines(keySpace, values)) yield `${lines.join('\n')}\n`;
}

/** As many at once as a step of the scan brings, at least one. */
function* entryLines({ store }: State, values: ValueForm): Generator<string[]> {
  for (const step of storeSteps(store)) {
    if (step.entryCount === 0) continue;
    yield Array.from(entriesOf(step), (entry) => `{"type":"entry",${entryMembers(entry, values)}}`);
  }
}

function summaryOf(keySpace: State, files: readonly string[]): object {
  const { store, watermarks, atMs, expiredKeys, unsaid } = keySpace;
  return {
    files: files.map(dumpName),
    keys: store.keyCount(),
    atMs: atMs ?? null,
    expiredKeys,
    watermarks,
    ...(unsaid.length > 0 && {
      unsaidHistories: unsaid.map(({ base, place: { file, offset } }) => ({ file, offset, base })),
    }),
  };
}

function unsaidText({ base, place: fault }: State['unsaid'][number]): string {
  return `${escapeText(fault.place ?? '')}: a history that begins behind ${base} continues the one before without saying so, as after a promotion`;
}

function summaryText(keySpace: State, target: string, bytes: number): string {
  const { store, watermarks, atMs, expiredKeys } = keySpace;
  const content = `${countText(store.keyCount(), 'key', 'keys')}, ${countText(bytes, 'byte', 'bytes')}`;
  const lines = [
    `${chalk.bold(escapeText(target))}: ${content}${atMs === undefined ? '' : `, as of ${formatTime(BigInt(atMs))}`}`,
    ...(expiredKeys > 0 ? [`  ${expiredText(keySpace)}`] : []),
    `  ${chalk.dim(watermarksText(watermarks))}`,
  ];
  return `${lines.join('\n')}\n`;
}

function expiredText({ expiredKeys, atMs }: State): string {
  const had = countText(expiredKeys, 'key had', 'keys had');
  return `${had} expired by ${formatTime(BigInt(atMs ?? 0))} and ${expiredKeys === 1 ? 'is' : 'are'} left out`;
}

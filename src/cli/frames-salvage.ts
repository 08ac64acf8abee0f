/**
 * `frames salvage`: copies what is whole of a damaged dump to another, and says what was lost. What it wrote is verified
 * before it is put in its place: gaps in the sequences are what a loss leaves, and anything wrong in the frames
 * themselves would be a fault of this program.
 */
import chalk from 'chalk';
import type { Clock } from '../clock.js';
import { BatchCheck, type ShardSequences } from '../engine/batch-check.js';
import type { FastcacheError } from '../errors.js';
import { dumpName } from './dump-reader.js';
import { DumpSalvager, type Loss } from './dump-salvager.js';
import { DumpVerifier } from './dump-verifier.js';
import { walkDump } from './dump-walk.js';
import { escapeText } from './escape.js';
import { toJson } from './json.js';
import type { Output } from './output.js';
import { ReadProgress } from './read-progress.js';
import { SalvageOutput } from './salvage-output.js';
import { countText, formatNumber } from './text.js';

export interface SalvageOptions {
  /** `-` is stdin. */
  input: string;
  target: string;
  /** Overwrite `target`. */
  force: boolean;
  /** Losses, and gaps, that are listed; the rest is counted. */
  maxFaults: number;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

interface Salvaged {
  input: string;
  target: string;
  frames: number;
  bytes: number;
  lossCount: number;
  lostBytes: number;
  lostFrames: number;
  losses: readonly Loss[];
  /** What `frames verify` will say of the new dump. */
  remainingCount: number;
  remaining: readonly FastcacheError[];
  sequences: readonly ShardSequences[];
}

const BAD_FRAMES = 65;

/** Of what salvage writes these alone may be wrong: what a loss leaves behind, or what was there before. */
const mayRemain: ReadonlySet<string> = new Set([
  'SEQUENCE_GAP',
  'SEQUENCE_OUT_OF_ORDER',
  'SHARD_OUT_OF_RANGE',
  'SHARD_MISROUTED',
  'SHARD_COUNT_DIFFERS',
  'WATERMARK_FELL',
]);

/**
 * Resolves with the exit status: 0 when nothing was lost, 65 when something was. Throws `NO_INPUT`, `READ_FAILED`,
 * `BAD_OPTION`, `WRITE_FAILED`; then no file is left.
 */
export async function salvageDump(options: SalvageOptions): Promise<number> {
  const { input, target, force, json, output } = options;
  const written = new SalvageOutput(input, target, force);
  try {
    const salvaged = await salvageInto(written, options);
    written.finish();
    await output.write(json ? `${toJson(salvagedJson(salvaged))}\n` : salvagedText(salvaged));
    return salvaged.lossCount === 0 ? 0 : BAD_FRAMES;
  } finally {
    written.discard();
  }
}

async function salvageInto(written: SalvageOutput, options: SalvageOptions): Promise<Salvaged> {
  const { input, target, maxFaults } = options;
  const batches = new BatchCheck();
  const losses = new Listed<Loss>(maxFaults);
  let lostBytes = 0;
  let lostFrames = 0;
  const { check } = new DumpVerifier(batches, { route: 'full-key', shards: undefined, onFault() {} });
  const salvager = new DumpSalvager(check, written, (loss) => {
    losses.add(loss);
    lostBytes += loss.bytes;
    lostFrames += loss.frames;
  });
  await walk(input, 'salvaging', options, check, (stretch) => salvager.take(stretch));
  salvager.end();
  written.flush();

  const remaining = new Listed<FastcacheError>(maxFaults);
  const verifier = new DumpVerifier(batches, {
    route: 'full-key',
    shards: undefined,
    onFault: (fault) => {
      if (!mayRemain.has(fault.code)) throw new Error(`what was salvaged is not sound: ${fault.message}`);
      // Without the primary's own word, routing is a guess.
      if (fault.code !== 'SHARD_MISROUTED') remaining.add(fault);
    },
  });
  await walk(written.path, 'verifying', options, verifier.check, (stretch) => verifier.take(stretch));
  verifier.end();
  return {
    input: dumpName(input),
    target,
    frames: salvager.frames,
    bytes: written.bytes,
    lossCount: losses.count,
    lostBytes,
    lostFrames,
    losses: losses.items,
    remainingCount: remaining.count,
    remaining: remaining.items,
    sequences: verifier.content().sequences,
  };
}

async function walk(
  file: string,
  what: string,
  { terminal, clock }: SalvageOptions,
  checks: DumpVerifier['check'],
  onStretch: Parameters<typeof walkDump>[0]['onStretch'],
): Promise<void> {
  const progress = new ReadProgress(terminal, clock, what, file);
  try {
    await walkDump({
      file,
      checks,
      onStretch,
      onRead: (bytes) => progress.read(bytes),
    });
  } finally {
    progress.close();
  }
}

/** The first of many, and how many there were. */
class Listed<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: T): void {
    this.count += 1;
    if (this.items.length < this.#limit) this.items.push(item);
  }
}

function salvagedJson({ losses, remaining, sequences, ...totals }: Salvaged): object {
  return {
    ...totals,
    losses: losses.map(({ fault: { code, message, offset }, ...loss }) => ({
      code,
      message,
      offset,
      ...loss,
    })),
    remaining: remaining.map(({ code, message, offset, expected, found }) => ({
      code,
      message,
      offset,
      expected,
      found,
    })),
    sequences,
  };
}

function salvagedText(salvaged: Salvaged): string {
  const { target, frames, bytes, losses, lossCount, lostBytes, lostFrames } = salvaged;
  const kept = `${countText(frames, 'frame', 'frames')}, ${countText(bytes, 'byte', 'bytes')}`;
  const lines = [`${escapeText(target)}: ${kept} of ${escapeText(salvaged.input)}`];
  if (lossCount === 0) lines.push(chalk.green('nothing was lost'));
  else {
    const readable =
      lostFrames > 0 ? `, ${countText(lostFrames, 'readable frame', 'readable frames')} among them` : '';
    lines.push(chalk.red(`lost: ${countText(lostBytes, 'byte', 'bytes')}${readable}`));
  }
  lines.push(...losses.map((loss) => `  ${lossText(loss)}`), ...unlisted(lossCount - losses.length));
  const { remaining, remainingCount } = salvaged;
  if (remainingCount > 0) lines.push(`what ${escapeText(target)} lacks:`);
  lines.push(
    ...remaining.map(({ message, code, offset }) => `  byte ${offset}: ${escapeText(message)} (${code})`),
    ...unlisted(remainingCount - remaining.length),
  );
  return `${lines.join('\n')}\n`;
}

function lossText({ fault, start, end, bytes, isCutTail }: Loss): string {
  const why = isCutTail ? 'the dump merely ends inside its last frame' : escapeText(fault.message);
  return `bytes ${start} to ${end - 1} (${formatNumber(bytes)}): ${why} (${fault.code})`;
}

function unlisted(count: number): string[] {
  return count > 0 ? [`  and ${formatNumber(count)} more`] : [];
}

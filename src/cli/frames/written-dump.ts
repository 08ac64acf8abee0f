/**
 * Reads a dump that was made of others once more, before it is put in its place: gaps and the like are what was there or what a
 * choice leaves behind; anything wrong in the frames themselves would be a fault of this program.
 */
import type { Clock } from '../../clock.js';
import { BatchCheck, type ShardSequences } from '../../dump/check/batch-check.js';
import { DumpVerifier } from '../../dump/check/verifier.js';
import type { DumpOutput } from '../../dump/make/dump-output.js';
import { Listed } from '../../dump/make/listed.js';
import { walkDump } from '../../dump/read/walk.js';
import type { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import type { Output } from '../terminal/output.js';
import { ReadProgress } from '../terminal/read-progress.js';
import { omittedLine } from './losses.js';

/** These alone may be wrong. */
const mayRemain: ReadonlySet<string> = new Set([
  'SEQUENCE_GAP',
  'SEQUENCE_OUT_OF_ORDER',
  'SHARD_OUT_OF_RANGE',
  'SHARD_MISROUTED',
  'SHARD_COUNT_DIFFERS',
  'WATERMARK_FELL',
]);

/** What every command that makes a dump of others is asked for. */
export interface MakingOptions {
  target: string;
  /** Overwrite `target`. */
  force: boolean;
  /** Losses of a dump that is read, and gaps, that are listed; the rest is counted. */
  maxFaults: number;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

export interface WrittenDump {
  bytes: number;
  frames: number;
  records: number;
  entries: number;
  /** What `frames verify` will say of it. */
  remaining: Listed<FastcacheError>;
  sequences: readonly ShardSequences[];
}

export async function verifyWritten(
  written: DumpOutput,
  options: Pick<MakingOptions, 'maxFaults' | 'terminal' | 'clock'>,
): Promise<WrittenDump> {
  const { maxFaults, terminal, clock } = options;
  written.flush();
  const remaining = new Listed<FastcacheError>(maxFaults);
  const verifier = new DumpVerifier(new BatchCheck(), {
    route: 'full-key',
    shards: undefined,
    onFault: (fault) => {
      if (!mayRemain.has(fault.code)) throw new Error(`what was written is not sound: ${fault.message}`);
      // Without the primary's own word, routing is a guess.
      if (fault.code !== 'SHARD_MISROUTED') remaining.add(fault);
    },
  });
  const progress = new ReadProgress(terminal, clock, 'verifying', written.path);
  try {
    await walkDump({
      file: written.path,
      checks: verifier.check,
      onStretch: (stretch) => verifier.take(stretch),
      onRead: (bytes) => progress.read(bytes),
    });
  } finally {
    progress.close();
  }
  verifier.end();
  const { frames, bytes, records, entries, sequences } = verifier.content();
  const frameCount = Object.values(frames).reduce((sum, count) => sum + count, 0);
  return { bytes, frames: frameCount, records, entries, remaining, sequences };
}

export function remainingJson({ remaining, sequences }: WrittenDump): object {
  return {
    remainingCount: remaining.count,
    remaining: remaining.items.map(({ code, message, offset, expected, found }) => ({
      code,
      message,
      offset,
      expected,
      found,
    })),
    sequences,
  };
}

export function remainingLines({ remaining }: WrittenDump, target: string): string[] {
  if (remaining.count === 0) return [];
  return [
    `what ${escapeText(target)} lacks:`,
    ...remaining.items.map(
      ({ message, code, offset }) => `  byte ${offset}: ${escapeText(message)} (${code})`,
    ),
    ...omittedLine(remaining.omitted),
  ];
}

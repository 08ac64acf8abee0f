/** Runs `frames replay`, which applies dumps to a Redis-protocol server and reports the result. */
import type { FastcacheError } from '../../errors.js';
import {
  type ReplayOptions,
  type ReplaySeams,
  refuseUnreplayable,
  replayThrough,
} from '../../replay/replay-dump.js';
import { asUsage } from '../command/option-flags.js';
import { signalStatuses } from '../command/shutdown.js';
import { refuseStdinTwice } from '../command/values.js';
import { noteNothingChosen } from '../frames/nothing-chosen.js';
import type { Output } from '../terminal/output.js';
import { ReplayProgressLine } from './progress.js';
import { replayJson, replayText } from './report.js';

/** The arguments and flags of `frames replay`; the reason of `signal` is the name of a process signal. */
export interface ReplayInvocation extends ReplayOptions, ReplaySeams {
  /** Paths of the dumps; `-` is stdin. */
  files: readonly string[];
  signal: AbortSignal;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  /** Reports what ended the replay early, and returns the exit status. */
  report(fault: FastcacheError): Promise<number>;
  /** Writes a note to stderr. */
  note(text: string): void;
}

/**
 * Replays the dumps. Resolves with the exit status: that of the fault that ended it, 130 or 143 after a
 * signal, 1 when the server refused commands, else 0. Rejects as `replayThrough`, and with a `UsageError`.
 */
export async function runReplay(invocation: ReplayInvocation): Promise<number> {
  const { files, to, stateFile, filter, signal, json, output, terminal, clock, report, note } = invocation;
  refuseStdinTwice(files);
  asUsage(() => refuseUnreplayable(files, stateFile));
  const progress = new ReplayProgressLine(terminal, clock, files);
  const onProgress = progress.show.bind(progress);
  const result = await replayThrough(invocation, files, { ...invocation, onProgress }).finally(() =>
    progress.close(),
  );
  const reported = { to, stateFile, ...result };
  await output.write(json ? replayJson(reported) : replayText(reported));
  if (result.fault !== undefined) return report(result.fault);
  if (signal.aborted) return signalStatuses[signal.reason as keyof typeof signalStatuses];
  const { records, entries, refused } = result.counts;
  noteNothingChosen(filter?.isChoice === true, records + entries, note);
  return refused > 0 ? 1 : 0;
}

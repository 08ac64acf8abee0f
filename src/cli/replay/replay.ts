/**
 * `frames replay`: does in a Redis-protocol server what dumps say, up to their end, their damage, a limit, or a signal. Of a
 * frame nothing is sent before all of it has been found sound.
 */
import { type Stats, statSync } from 'node:fs';
import type { Clock, Timers } from '../../clock.js';
import type { FrameFilter } from '../../dump/choose/filter.js';
import { dumpName, inDump } from '../../dump/read/dump-reader.js';
import { FastcacheError } from '../../errors.js';
import { noCounts, Refusals } from '../../replay/counts.js';
import { type Pace, Pacer } from '../../replay/pacer.js';
import { Pipeline } from '../../replay/pipeline.js';
import { ReplayState } from '../../replay/state.js';
import { ReplayWalk } from '../../replay/walk.js';
import { parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { refuseStdinTwice, UsageError } from '../command/values.js';
import type { Output } from '../terminal/output.js';
import { ReplayProgressLine } from './progress.js';
import { type ReplayReport, replayJson, replayText } from './report.js';

export interface ReplayOptions {
  /** `-` is stdin. */
  files: readonly string[];
  to: string;
  password: string | undefined;
  connectTimeoutMs: number;
  filter: FrameFilter;
  /** Records and entries of all files together. */
  limit: number;
  /** What the filter and the limit are made of. */
  choice: string;
  /** Undefined: as fast as the server takes it. */
  pace: Pace | undefined;
  stateFile: string | undefined;
  /** The signal that ends it before its time. */
  stopped: Promise<NodeJS.Signals>;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  transport: Pick<Transport, 'connect'>;
  clock: Clock;
  timers: Timers;
  /** Tells what ended the replay early, and returns the exit status. */
  report(fault: FastcacheError): Promise<number>;
}

/** As the shell tells of processes that these have ended. */
const signalStatuses: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Resolves with the exit status: that of what ended it, 130 or 143 after a signal, 1 when the server refused commands, else 0.
 * Throws what keeps it from beginning: `NO_INPUT`, `BAD_OPTION`, what `Pipeline.open` throws.
 */
export async function replayDumps(options: ReplayOptions): Promise<number> {
  const { files, to, stateFile, choice, json, output, terminal, clock, report } = options;
  refuseStdinTwice(files);
  if (stateFile !== undefined && files.includes('-')) {
    throw new UsageError('--state is for files: where stdin (-) was left, nobody can go on');
  }
  for (const file of files) refuseMissing(file, stateFile !== undefined);
  const state = stateFile === undefined ? undefined : new ReplayState({ path: stateFile, files, to, choice });
  const point = state?.read();
  const counts = point?.counts ?? noCounts();
  const refusals = new Refusals();
  const { transport, connectTimeoutMs, password, timers } = options;
  const pipeline = await Pipeline.open({
    transport,
    address: parseAddress(to),
    connectTimeoutMs,
    password,
    timers,
    onError: (message, offset) => {
      counts.refused += 1;
      refusals.add(message, dumpName(files[walk.fileIndex]!), offset);
    },
  });
  const progress = new ReplayProgressLine(terminal, clock, files);
  const pacer = options.pace && new Pacer(options.pace, clock.monotonicUs());
  const walk = new ReplayWalk({
    ...options,
    pipeline,
    onProgress: (reached) => progress.show(reached),
    pacer,
    state,
    counts,
    point,
  });
  let signal: NodeJS.Signals | undefined;
  void options.stopped.then((name) => {
    signal = name;
    walk.stop();
  });
  let fault: FastcacheError | undefined;
  try {
    await walk.run();
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    fault = error;
  } finally {
    progress.close();
    pipeline.close();
  }
  const told: ReplayReport = {
    to,
    counts,
    refusals: refusals.all(),
    sent: pipeline.sent,
    answered: pipeline.answered,
    resumed: point !== undefined,
    ...walk.lapsing,
    interrupted: signal === undefined ? undefined : walk.place,
    stateFile,
    fault,
  };
  await output.write(json ? replayJson(told) : replayText(told));
  if (fault !== undefined) return report(fault);
  if (signal !== undefined) return signalStatuses[signal] ?? 1;
  return counts.refused > 0 ? 1 : 0;
}

/** Before anything is sent. `goesOn`: another run may have to go on in it. */
function refuseMissing(file: string, goesOn: boolean): void {
  if (file === '-') return;
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    throw inDump(error, file, 0);
  }
  // A directory is refused by who reads it.
  if (goesOn && !stats.isFile() && !stats.isDirectory()) {
    throw new UsageError(`--state is for files: ${file} is a pipe or a device, where nobody can go on`);
  }
}

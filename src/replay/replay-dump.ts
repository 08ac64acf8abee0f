/**
 * Applies dumps to a Redis-protocol server, up to their end, their damage, a limit, or a signal. Nothing of a
 * frame is sent before all of it has been found sound.
 */
import { type Stats, statSync } from 'node:fs';
import type { Clock, Timers } from '../clock.js';
import { FrameFilter } from '../dump/choose/filter.js';
import { type DumpSource, type DumpSources, dumpName, inDump, sourceList } from '../dump/read/dump-reader.js';
import { FastcacheError } from '../errors.js';
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../limits.js';
import { parseAddress } from '../transport/address.js';
import type { Transport } from '../transport/connection.js';
import { noCounts, type Place, type Refusal, Refusals, type ReplayCounts } from './counts.js';
import { type Pace, Pacer } from './pacer.js';
import { Pipeline } from './pipeline.js';
import { ReplayState } from './state.js';
import { type ReplayProgress, ReplayWalk } from './walk.js';

/** The options of `replayDump`. */
export interface ReplayOptions {
  /** The server, `host:port`. */
  to: string;
  /** The password to present with AUTH; none is presented when absent. */
  password?: string | undefined;
  /** The time that the connection may take to open, in ms; 500 when absent. */
  connectTimeoutMs?: number | undefined;
  /** The filter of what is sent; everything is when absent. */
  filter?: FrameFilter | undefined;
  /** The most records and entries to be sent, of all dumps together; no limit when absent. */
  limit?: number | undefined;
  /** The rate; as fast as the server answers when absent. */
  pace?: Pace | undefined;
  /**
   * A file in which the replay keeps how far it is, so that another call with the same dumps, server,
   * `filter` and `limit` continues from there; none is kept when absent. It is for files, not for stdin,
   * streams and pipes.
   */
  stateFile?: string | undefined;
  /**
   * A text that describes `filter` and `limit`: a state file is valid for the same text only. It is made of
   * both when absent.
   */
  choice?: string | undefined;
  /**
   * Stops the replay in good order when it is aborted: the counts of what was sent are returned, and
   * `interrupted` is the place that it reached.
   */
  signal?: AbortSignal | undefined;
  /** Called after each frame, and several times a second while it waits. */
  onProgress?: ((progress: ReplayProgress) => void) | undefined;
}

/** The transport, clock and timers that a replay runs on. */
export interface ReplaySeams {
  transport: Pick<Transport, 'connect'>;
  clock: Clock;
  timers: Timers;
}

/** The result of a replay. */
export interface ReplayResult {
  /** The counts of this call; with a state file, of all calls together. */
  counts: ReplayCounts;
  /** The server's refusals, by their text: the first 20 texts, and all others together. */
  refusals: readonly Refusal[];
  /** Commands that were sent in this call; `answered` is how many of them were answered. */
  sent: number;
  answered: number;
  /** Whether the replay continued from a state file. */
  resumed: boolean;
  /** Keys that have expired and live by a grace, which another call ends, or else the server. */
  unsettled: number;
  /** Items with such a key that could not be noted; the server ends the grace of these. */
  unnoted: number;
  /** The place at which `signal` stopped the replay; undefined when it did not. */
  interrupted: Place | undefined;
  /**
   * The fault that ended the replay early: a dump's damage, or the loss of the server; undefined when nothing
   * did.
   */
  fault: FastcacheError | undefined;
}

/**
 * Sends dumps to the server, one after the other. Rejects with the error that keeps it from beginning:
 * `NO_INPUT`, `BAD_OPTION`, `PRIMARY_UNREACHABLE`, `PASSWORD_REFUSED`, `SERVER_REFUSED`, `READ_FAILED`; and
 * with `WRITE_FAILED` for the state file.
 */
export async function replayThrough(
  seams: ReplaySeams,
  sources: DumpSources,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const { to, password, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, stateFile, signal } = options;
  const { filter = new FrameFilter(), limit = Number.POSITIVE_INFINITY, onProgress } = options;
  const files = sourceList(sources);
  refuseUnreplayable(files, stateFile);
  const choice = options.choice ?? choiceOf(filter, limit);
  const state = stateFile === undefined ? undefined : stateOf(stateFile, files, to, choice);
  const point = state?.read();
  const counts = point?.counts ?? noCounts();
  const refusals = new Refusals();
  const { transport, clock, timers } = seams;
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
  const pacer = options.pace && new Pacer(options.pace, clock.monotonicUs());
  const sending = { files, filter, limit, pipeline, pacer, state, counts, point, onProgress };
  const walk = new ReplayWalk({ ...sending, clock, timers });
  const onAbort = () => walk.stop();
  if (signal?.aborted) walk.stop();
  signal?.addEventListener('abort', onAbort);
  let fault: FastcacheError | undefined;
  try {
    await walk.run();
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    fault = error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    pipeline.close();
  }
  return {
    counts,
    refusals: refusals.all(),
    sent: pipeline.sent,
    answered: pipeline.answered,
    resumed: point !== undefined,
    ...walk.lapsing,
    interrupted: signal?.aborted ? walk.place : undefined,
    fault,
  };
}

/**
 * Throws `NO_INPUT` and `READ_FAILED` for a dump that is not there, and with a state file `BAD_OPTION` for
 * one from the middle of which another call could not continue.
 */
export function refuseUnreplayable(files: readonly DumpSource[], stateFile: string | undefined): void {
  const isKept = stateFile !== undefined;
  const stream = files.find((file) => typeof file !== 'string' || file === '-');
  if (isKept && stream !== undefined) {
    const what = stream === '-' ? 'stdin (-)' : 'a stream';
    throw badOption(`\`stateFile\` is for files: where ${what} was left, nobody can go on.`);
  }
  for (const file of files) {
    if (typeof file !== 'string' || file === '-') continue;
    const stats = statsOf(file);
    // A directory is refused when it is read.
    if (isKept && !stats.isFile() && !stats.isDirectory()) {
      const what = `${file} is a pipe or a device, where nobody can go on`;
      throw badOption(`\`stateFile\` is for files: ${what}.`);
    }
  }
}

function statsOf(file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    throw inDump(error, file, 0);
  }
}

/** Opens the state; `files` have been found to be paths. */
function stateOf(path: string, files: readonly DumpSource[], to: string, choice: string): ReplayState {
  return new ReplayState({ path, files: files.map(String), to, choice });
}

function choiceOf(filter: FrameFilter, limit: number): string {
  const { keys, ...items } = filter.items;
  const globs = keys?.map((glob) => Buffer.from(glob).toString('base64'));
  return JSON.stringify({ ...items, globs, kinds: filter.kinds, limit: `${limit}` }, (_name, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
}

function badOption(message: string): FastcacheError {
  return new FastcacheError('BAD_OPTION', message);
}

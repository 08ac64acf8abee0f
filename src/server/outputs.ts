/**
 * The files that a replica writes besides serving its content (docs/operations.md, "Recording", "Taps" and
 * "State files"): the dump, the changes, and the state of both, with which the next run continues. A replica
 * with a state is a tap and keeps no content.
 */
import { basename } from 'node:path';
import type { Timers } from '../clock.js';
import type { ReplicatedStore } from '../engine/types.js';
import { WatermarkStore } from '../engine/watermark-store.js';
import { FastcacheError } from '../errors.js';
import { modeBits } from '../files/file-mode.js';
import { MAX_STATE_BYTES } from '../files/sealed-state.js';
import type { Log } from '../replication/log.js';
import type { Recorder } from '../replication/outputs/recorder.js';
import { type AppliedState, StateKeeper } from '../replication/outputs/state-keeper.js';
import { Tap } from '../replication/outputs/tap.js';
import { decodeTapState, type TapState } from '../replication/outputs/tap-state.js';
import { Taps } from '../replication/outputs/taps.js';
import type { Holding } from '../replication/replica/holding.js';
import type { NodeConfig } from './config.js';
import { type DumpBefore, openRecorder } from './recording.js';
import type { NodeFiles } from './seams.js';

/** The options of a node's outputs. */
export interface OutputsOptions {
  config: NodeConfig;
  files: NodeFiles;
  timers: Timers;
  log: Log;
  /** The dump that is at the place of the recording. */
  dumpBefore: DumpBefore;
  /** The content that the follower has now; undefined while it has no whole content. */
  holding(): Holding | undefined;
  /** Ends the following, because an output that it needs has failed. */
  stop(error: Error): void;
}

/** A node's outputs: its dump, its changes and the state of both. */
export interface Outputs {
  readonly recorder: Recorder | undefined;
  readonly tap: Tap | undefined;
  /** All taps: that of the changes, and those of programs that have subscribed. */
  readonly taps: Taps;
  /** The content of an earlier run at its end, which is continued; undefined without one. */
  readonly holding: Holding | undefined;
  /** Makes stores that keep no content; undefined where content is kept. */
  readonly createStore: ((shards: number) => ReplicatedStore) | undefined;
  /** Begins the dump with its index, and to keep the state. Throws READ_FAILED, WRITE_FAILED. */
  start(): Promise<void>;
  /** Notes that new content is being built: records of it do not count before it is whole. */
  building(): void;
  /** Notes that the content is whole and follows the primary. */
  whole(): void;
  /** Calls `run` when all changes that were taken before are handed on. */
  inOrder(run: () => void): void;
  /**
   * Lets all out and keeps the state, once the following has ended. Throws what the outputs fail with now.
   */
  close(): Promise<void>;
}

/** Opens the outputs that `config` asks for. Throws `WRITE_FAILED`, `READ_FAILED`, `STATE_UNUSABLE`. */
export function openOutputs(options: OutputsOptions): Outputs {
  const { config, files, log, timers, dumpBefore } = options;
  const { state: file, record, changes, fileMode } = config;
  const before = file === undefined ? undefined : readState(file, options);
  const holding = before && holdingOf(before);
  let fault: Error | undefined;
  const fail = (error: Error) => {
    // One fault ends the following, and what fails because of it, or beside it, ends nothing more.
    if (fault !== undefined) return;
    fault = error;
    options.stop(error);
  };
  // Where a state is kept, a recording that ends must end the following too.
  const faults = file === undefined ? {} : { onFault: fail };
  const kept = before?.record ?? dumpBefore.kept;
  const recorder = continued(file, before, () =>
    openRecorder({
      record,
      files,
      log,
      kept,
      hasDump: dumpBefore.hasDump,
      isResumable: file !== undefined || kept !== undefined,
      mode: modeBits(fileMode),
      ...faults,
    }),
  );
  const tap =
    changes && new Tap({ consumer: changes, watermarks: holding?.store.watermarks() ?? [], onFault: fail });
  /**
   * The dump's length before content that was not whole yet at the last look; undefined when all was whole.
   */
  let wholeBytes: number | undefined;
  const current = (): AppliedState | undefined => {
    const held = options.holding();
    return (
      held && {
        history: held.history,
        watermarks: held.store.watermarks(),
        last: held.store.lastRecord(),
        record: recorder && { file: basename(record!), bytes: wholeBytes ?? recorder.bytes },
        changes: tap !== undefined,
      }
    );
  };
  const keeper =
    file === undefined
      ? undefined
      : new StateKeeper({
          timers,
          log,
          whenGiven: (run) => (tap === undefined ? run() : tap.whenRoom(run)),
          state: current,
          async flush() {
            try {
              await tap?.drained();
              await recorder?.flush();
              return true;
            } catch (error) {
              fail(error as Error);
              return false;
            }
          },
          // A state names a dump only where there is a recorder.
          digest: (bytes) => recorder!.digest(bytes),
          save: (bytes) => files.replaceState(file, bytes, modeBits(fileMode)),
        });
  return {
    recorder,
    tap,
    taps: new Taps(tap),
    holding,
    createStore: file === undefined ? undefined : (shards) => new WatermarkStore(shards),
    async start() {
      if (recorder !== undefined) {
        const opening = { keptBytes: kept?.bytes ?? 0, mode: modeBits(fileMode) };
        recorder.begin(await files.indexedSink(record!, recorder.sink, opening));
      }
      keeper?.start();
    },
    building() {
      wholeBytes ??= recorder?.bytes;
    },
    whole() {
      wholeBytes = undefined;
    },
    inOrder: (run) => (tap === undefined ? run() : tap.inOrder(run)),
    async close() {
      try {
        // The owner knows already of what has failed before.
        if (fault !== undefined) return;
        await tap?.drained();
        await keeper?.finish();
        if (fault !== undefined) throw fault;
      } finally {
        keeper?.stop();
        await recorder?.end();
      }
    },
  };
}

function holdingOf({ watermarks, history, last }: TapState): Holding {
  const store = new WatermarkStore(watermarks.length);
  store.setWatermarks(watermarks);
  if (last !== undefined) store.remember(last);
  return { store, history };
}

function readState(
  file: string,
  { files, config: { record, changes } }: OutputsOptions,
): TapState | undefined {
  const bytes = files.readState(file, MAX_STATE_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const state = decodeTapState(bytes);
    checkOutputs(state, { record: record && basename(record), changes: changes !== undefined });
    return state;
  } catch (error) {
    throw error instanceof FastcacheError ? error.inFile(file) : error;
  }
}

/**
 * Refuses a state whose outputs are not those that are asked for: another dump would be continued with a hole
 * in it, or truncated where it must not be.
 */
function checkOutputs(state: TapState, asked: { record: string | undefined; changes: boolean }): void {
  if (state.record?.file === asked.record && state.changes === asked.changes) return;
  const expected = outputsText({ record: state.record?.file, changes: state.changes });
  const found = outputsText(asked);
  throw new FastcacheError(
    'STATE_UNUSABLE',
    `It is the state of ${expected}, and cannot be continued for ${found}. Name another file for the state, or ask for the same outputs.`,
    { expected, found },
  );
}

/** Returns what `open` returns; that it cannot continue is a fault of the state too. */
function continued<T>(file: string | undefined, state: TapState | undefined, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    if (file === undefined || state === undefined || !(cause instanceof FastcacheError)) throw cause;
    throw new FastcacheError(
      'STATE_UNUSABLE',
      `Its dump cannot be continued. ${cause.message} To start over, with a snapshot, move the state away.`,
      { file, cause },
    );
  }
}

function outputsText({ record, changes }: { record: string | undefined; changes: boolean }): string {
  return [changes ? 'changes' : '', record === undefined ? '' : `the dump ${record}`]
    .filter(Boolean)
    .join(' and ');
}

/**
 * How a primary begins that is given a dump or an RDB file (`load`): its content is put into a store that can
 * be written to. The sequences of the dump end with it: a new history begins, whose replicas are given the
 * content by snapshot. Only primaries that are given a dump load the code that reads dumps.
 */
import type { LoadedContent } from '../dump/rdb/load-content.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { modeBits } from '../files/file-mode.js';
import { type History, pastBehind } from '../replication/history.js';
import type { NodeConfig } from './config.js';
import { encodingOf } from './leading.js';
import type { Outputs } from './outputs.js';
import type { NodeSeams } from './seams.js';

/** Called with the bytes that were read so far, and those of all, 0 where they are not known. */
export type OnRead = (bytes: number, totalBytes: number) => void;

/** The options of loading a dump. */
export interface LoadedOptions {
  config: NodeConfig;
  seams: NodeSeams;
  /**
   * The source of the content; `path` is that of a dump, and `-` stdin, or that of a data directory with a
   * past.
   */
  source: { path: string; untilMs: number | undefined };
  /** Makes an empty store of so many shards, for a follower. */
  create(shards: number): ShardEngine;
  onRead: OnRead;
}

/** Keys that are looked through for expired ones at a step. */
const SWEPT_KEYS = 10_000;

/** The store that a node starts with. */
export interface Loaded {
  engine: ShardEngine;
  /** The history that the dump led to; undefined where it names none, and without a dump. */
  history: History | undefined;
  /** Sentences for the operator about entries that were left out. */
  loadNotes: readonly string[];
}

/** The content that was read, and sentences for the operator about its source. */
type Read = LoadedContent & { readonly notes: readonly string[] };

/** The facts about a store that was made empty. */
export const NOTHING_LOADED = { history: undefined, loadNotes: [] } as const;

/**
 * Makes a store with the primary's shard count and the dump's content, without keys that have expired since.
 * Throws with file and byte offset: `FCRP_*`, `SEQUENCE_GAP`, `SNAPSHOT_OUT_OF_ORDER`, `DUMP_EMPTY`, `RDB_*`,
 * …, `NO_INPUT`, `READ_FAILED`, `OUT_OF_MEMORY`; and `BAD_OPTION` when recording would overwrite the dump.
 */
export async function loadEngine(options: LoadedOptions): Promise<Loaded> {
  const { config, seams, source, create } = options;
  const { shards } = config;
  // Clients that connect meanwhile are served between the steps.
  const pause = () => new Promise<void>((resolve) => seams.timers.endOfTurn(resolve));
  const loaded = await (source.untilMs === undefined
    ? loadDump(options)
    : loadMoment(options, source.untilMs));
  while (loaded.store.sweep(SWEPT_KEYS) > 0) await pause();
  const { history, leftOut } = loaded;
  const loadNotes = [
    ...(leftOut === undefined ? [] : [`Left out of ${source.path}: ${leftOut}.`]),
    ...loaded.notes,
  ];
  if (loaded.store.shards === shards) return { engine: loaded.store, history, loadNotes };
  const { chunkPayload, storeSteps } = await import('../dump/fold/store-entries.js');
  const engine = create(shards);
  for (const step of storeSteps(loaded.store)) {
    engine.loadChunk(chunkPayload(step));
    await pause();
  }
  return { engine, history, loadNotes };
}

async function loadDump({ config, seams, source, create, onRead }: LoadedOptions): Promise<Read> {
  const { files, clock } = seams;
  const { path: file } = source;
  const totalBytes = file === '-' ? 0 : files.dumpBytes(file);
  const loaded = await files.loadContent({
    file,
    shards: config.shards,
    createStore: create,
    rdb: {
      database: config.loadDatabase,
      skipsOtherTypes: config.skipOtherTypes,
      skipsOtherDatabases: config.skipOtherDatabases,
      maxStringBytes: config.maxValueBytes,
      nowMs: clock.nowMs(),
    },
    totalBytes,
    onRead: (bytes) => onRead(bytes, totalBytes),
  });
  return { ...loaded, notes: [] };
}

async function loadMoment(
  { config, seams, source, create, onRead }: LoadedOptions,
  untilMs: number,
): Promise<Read> {
  const { loadPast } = await import('../data/past.js');
  const { differenceNote } = await import('../dump/fold/content-proof.js');
  const files = await seams.files.openData(source.path, modeBits(config.fileMode));
  const past = await loadPast({ files, untilMs, createStore: create, onRead });
  const { store, history } = past.keySpace;
  const unneeded = past.damage.map(
    ({ place, message }) => `not needed for this moment: ${place}: ${message}`,
  );
  const notes = [...unneeded, ...past.differences.map(differenceNote)];
  return { store, history, leftOut: undefined, notes };
}

/**
 * A history that begins with content, and goes back to the one that the dump led to. Its base is not 0, since
 * a replica that has nothing would seem to have all that is before it.
 */
export function withContent(history: History, loaded: History | undefined): History {
  const based = history.base === 0n ? { ...history, base: 1n } : history;
  return { ...based, past: pastBehind(loaded) };
}

/** The node whose content is recorded. */
export interface RecordedNode {
  readonly config: NodeConfig;
  readonly isReplica: boolean;
  readonly engine: ShardEngine;
  /** The history of its content. */
  readonly history: History | undefined;
  readonly outputs: Pick<Outputs, 'recorder' | 'createStore'>;
}

/**
 * Puts content that a node has loaded, recovered or kept into its recording, whose records without it would
 * lead to other content. Meanwhile the store is frozen.
 */
export async function recordContent(
  { config, isReplica, history, engine, outputs }: RecordedNode,
  loading: { check(): void },
): Promise<void> {
  const { recorder } = outputs;
  const { load, recover, data } = config;
  const hasKept = data !== undefined && engine.keyCount() > 0;
  const isEmpty = load === undefined && recover.length === 0 && !hasKept;
  if (isEmpty || recorder === undefined || outputs.createStore !== undefined) return;
  if (isReplica) {
    // The frames that come go on with what was kept, which is in no dump yet.
    if (!hasKept) return;
    recorder.follow({ history, watermarks: engine.watermarks(), content: 'new' });
  }
  engine.setFrozen(true);
  const { snapshotFrames } = await import('../dump/fold/store-entries.js');
  for (const frame of snapshotFrames(engine, engine.watermarks(), encodingOf(config))) {
    recorder.offer(frame);
    if (recorder.queuedBytes > 0) await recorder.flush();
    loading.check();
  }
  engine.setFrozen(false);
}

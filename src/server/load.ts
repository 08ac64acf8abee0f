/**
 * How a primary begins that is given a dump or an RDB file (`load`): its content is put into a store that can
 * be written to. The sequences of the dump end with it: a new history begins, whose replicas are given the
 * content by snapshot. What reads dumps is loaded by primaries that are given one.
 */
import type { ShardEngine } from '../engine/shard-engine.js';
import { type History, pastBehind } from '../replication/history.js';
import type { Recorder } from '../replication/outputs/recorder.js';
import type { NodeConfig } from './config.js';
import { encodingOf } from './leading.js';
import type { NodeFiles } from './seams.js';

/** What loading a dump needs. */
export interface LoadedOptions {
  config: NodeConfig;
  files: NodeFiles;
  /** The path of the dump; `-` is stdin. */
  load: string;
  /** Unix ms. */
  nowMs: number;
  /** Makes an empty store of so many shards, for a follower. */
  create(shards: number): ShardEngine;
}

/** The store that a node starts with. */
export interface Loaded {
  engine: ShardEngine;
  /** The history that the dump led to; undefined where it names none, and without a dump. */
  history: History | undefined;
  /** What an operator is to know of the content: what was left out. */
  loadNotes: readonly string[];
}

/** What is known of a store that was made empty. */
export const NOTHING_LOADED = { history: undefined, loadNotes: [] } as const;

/**
 * Makes a store with the primary's shard count and the dump's content, without keys that have expired since.
 * Throws with file and byte offset: `FCRP_*`, `SEQUENCE_GAP`, `SNAPSHOT_OUT_OF_ORDER`, `DUMP_EMPTY`, `RDB_*`,
 * …, `NO_INPUT`, `READ_FAILED`, `OUT_OF_MEMORY`; and `BAD_OPTION` when recording would overwrite the dump.
 */
export async function loadEngine({ config, files, load, nowMs, create }: LoadedOptions): Promise<Loaded> {
  const { record, append, shards, onLoading } = config;
  if (record !== undefined && !append) await files.refuseInPlace(load, record);
  const loaded = await files.loadContent({
    file: load,
    shards,
    createStore: create,
    rdb: {
      database: config.loadDatabase,
      skipsOtherTypes: config.skipOtherTypes,
      skipsOtherDatabases: config.skipOtherDatabases,
      maxStringBytes: config.maxValueBytes,
      nowMs,
    },
    onRead: onLoading,
  });
  const { dropExpired } = await import('../dump/fold/load.js');
  dropExpired(loaded.store);
  const { history, leftOut } = loaded;
  const loadNotes = leftOut === undefined ? [] : [`Left out of ${load}: ${leftOut}.`];
  if (loaded.store.shards === shards) return { engine: loaded.store, history, loadNotes };
  const { chunkPayload, storeSteps } = await import('../dump/fold/store-entries.js');
  const engine = create(shards);
  for (const step of storeSteps(loaded.store)) engine.loadChunk(chunkPayload(step));
  return { engine, history, loadNotes };
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
  readonly outputs: { readonly recorder: Recorder | undefined };
}

/**
 * Puts content that a primary has loaded or recovered into its recording, whose records without it would lead
 * to other content. Meanwhile the store is frozen.
 */
export async function recordContent({ config, isReplica, engine, outputs }: RecordedNode): Promise<void> {
  const { recorder } = outputs;
  const isEmpty = config.load === undefined && config.recover.length === 0;
  if (isEmpty || isReplica || recorder === undefined) return;
  engine.setFrozen(true);
  const { snapshotFrames } = await import('../dump/fold/store-entries.js');
  for (const frame of snapshotFrames(engine, engine.watermarks(), encodingOf(config))) {
    recorder.offer(frame);
    if (recorder.queuedBytes > 0) await recorder.flush();
  }
  engine.setFrozen(false);
}

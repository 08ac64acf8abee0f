/**
 * What a primary begins with that is given a dump (`load`): its content in a store that can be written to. The sequences of
 * the dump end with it: a new history begins, whose replicas are given the content by snapshot.
 */

import { dropExpired, loadDumps } from '../dump/fold/load.js';
import { chunkPayload, snapshotFrames, storeSteps } from '../dump/fold/store-entries.js';
import { refuseInPlace } from '../dump/make/dump-output.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { EncodeOptions } from '../frame/frame.js';
import type { History } from '../replication/history.js';
import type { Recorder } from '../replication/outputs/recorder.js';
import type { NodeConfig } from './config.js';

export interface LoadedOptions {
  config: NodeConfig;
  load: string;
  /** An empty store with so many shards. */
  createEngine(shards: number): ShardEngine;
}

/**
 * A store of the primary's shards with what the dump leads to, but for what has expired since. Throws with file and byte
 * offset: `FCRP_*`, `SEQUENCE_GAP`, `SNAPSHOT_OUT_OF_ORDER`, …, `NO_INPUT`, `READ_FAILED`, `OUT_OF_MEMORY`; and
 * `BAD_OPTION` when the dump would be recorded over.
 */
export async function loadEngine({ config, load, createEngine }: LoadedOptions): Promise<ShardEngine> {
  const { record, shards, onLoading } = config;
  if (record !== undefined) refuseInPlace(load, record);
  const createStore = (count: number) => {
    const engine = createEngine(count);
    engine.setReplica(true);
    return engine;
  };
  const loaded = await loadDumps({
    files: [load],
    createStore,
    onRead: (_file, bytes) => onLoading?.(bytes),
  });
  dropExpired(loaded.store);
  const engine = loaded.store.shards === shards ? loaded.store : createStore(shards);
  if (engine !== loaded.store) {
    for (const step of storeSteps(loaded.store)) engine.loadChunk(chunkPayload(step));
  }
  engine.setReplica(false);
  return engine;
}

/** A history that begins with content. Where it would begin at 0, whoever holds nothing would seem to hold that. */
export function withContent(history: History): History {
  return history.base === 0n ? { ...history, base: 1n } : history;
}

/** Puts the content at the beginning of a recording, which without it would lead to something else. */
export async function recordContent(
  recorder: Recorder,
  engine: ShardEngine,
  encoding: EncodeOptions,
): Promise<void> {
  for (const frame of snapshotFrames(engine, engine.watermarks(), encoding)) {
    recorder.offer(frame);
    if (recorder.queuedBytes > 0) await recorder.flush();
  }
}

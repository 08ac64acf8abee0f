/**
 * The data directory of a node (docs/operations.md, "Data directory"). Only nodes that have one load the code
 * that reads and writes it.
 */
import { join } from 'node:path';
import type { DataDirectory } from '../data/data-directory.js';
import type { DataFiles, DataLock } from '../data/data-files.js';
import { keepHashSecret, readHashSecret } from '../data/hash-secret.js';
import type { OpenedData } from '../data/open-data.js';
import { FastcacheError } from '../errors.js';
import { modeBits } from '../files/file-mode.js';
import { Carousels } from '../replication/primary/carousel.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { NodeConfig } from './config.js';
import { createEngine, type EngineOrigin } from './engines.js';
import type { StoppedNode } from './following.js';
import { encodingOf } from './leading.js';
import type { OnRead } from './load.js';
import type { NodeParts } from './parts.js';
import type { NodeSeams } from './seams.js';

/** A directory that this process has, before anything of it was read. */
export interface LockedData {
  readonly files: DataFiles;
  readonly lock: DataLock;
  /** The secret of its tables that it has kept; undefined: none. */
  readonly secret: bigint | undefined;
}

/** Locks the directory of `config`; undefined without one. Throws DATA_IN_USE and WRITE_FAILED. */
export async function lockNodeData(
  { data, fileMode }: NodeConfig,
  { files }: NodeSeams,
): Promise<LockedData | undefined> {
  if (data === undefined) return undefined;
  const { lockData } = await import('../data/open-data.js');
  const directory = await files.openData(data, modeBits(fileMode));
  const lock = await lockData(directory);
  return { files: directory, lock, secret: await readHashSecret(directory) };
}

/** Returns the secret of a directory that another process may have; undefined: there is none. */
export async function secretOfData(
  { data, fileMode }: NodeConfig,
  { files }: NodeSeams,
): Promise<bigint | undefined> {
  return data === undefined ? undefined : readHashSecret(await files.openData(data, modeBits(fileMode)));
}

/** The options with the role file of the directory, unless another is named. */
export function withRoleFile(config: NodeConfig): NodeConfig {
  const { data, roleFile, state } = config;
  return data === undefined || state !== undefined
    ? config
    : { ...config, roleFile: roleFile ?? join(data, 'role') };
}

/** Reads a directory. Throws DATA_DAMAGED, STATE_UNUSABLE, OUT_OF_MEMORY and READ_FAILED. */
export async function readNodeData(
  { files, secret }: LockedData,
  origin: EngineOrigin,
  onRead: OnRead,
): Promise<OpenedData> {
  const { openData } = await import('../data/open-data.js');
  const opened = await openData({ files, createStore: (shards) => createEngine(origin, shards), onRead });
  // A directory that cannot be opened is not changed.
  if (secret === undefined) await keepHashSecret(files, origin.secret);
  return opened;
}

/** The node whose content is kept. */
export interface KeptNode extends NodeParts, StoppedNode {
  readonly stream: FrameStream | undefined;
  /** Ends the node: something that it needs has failed. */
  fail(error: Error): void;
  readonly keeping: NodeParts['keeping'] & {
    /** Called when more is on the disk than before. */
    synced(): void;
  };
}

/** Makes the directory of a node, which keeps nothing before it is given a stream. */
export async function createData(
  { files, lock }: LockedData,
  { keeper }: OpenedData,
  node: KeptNode,
): Promise<DataDirectory> {
  const { DataDirectory } = await import('../data/data-directory.js');
  const { config, seams, events, metrics, settings } = node;
  const { clock, timers } = seams;
  const { snapshotChunkBytes } = config;
  const own = new Carousels({ clock, timers, metrics, snapshotChunkBytes, encoding: encodingOf(config) });
  return new DataDirectory(
    {
      files,
      clock,
      timers,
      log: events.log,
      fsync: settings.data.fsync,
      rules: () => settings.data.rules,
      changes: () => metrics.emittedMutations + metrics.replicaApplied,
      onSynced: () => node.keeping.synced(),
      onFault(cause) {
        if (settings.data.onFault !== 'stop') return;
        const message = `The data directory cannot be written: ${cause.message}.`;
        node.fail(new FastcacheError('WRITE_FAILED', message, { file: files.pathOf(''), cause }));
      },
      segmentBytes: config.dataSegmentBytes,
      stream: () => node.stream,
      carousel: (stream) => (node.listener?.carousels ?? own).of(stream),
    },
    lock,
    keeper,
  );
}

/** The dump in which a node's stream is recorded, and what is there of it before. */
import { FastcacheError } from '../errors.js';
import type { KnownDump } from '../files/dump-digest.js';
import type { SinkOptions } from '../files/frame-sink.js';
import type { Log } from '../replication/log.js';
import { Recorder } from '../replication/outputs/recorder.js';
import type { NodeConfig } from './config.js';
import type { NodeFiles } from './seams.js';

/** Frame bytes that may wait for a dump's disk, or for the consumer of changes while a node leads. */
export const OUTPUT_QUEUE_BYTES = 256 * 1024 * 1024;

/** The options with which a recording is opened. */
export interface RecorderSetup extends SinkOptions {
  /** The path of the dump; undefined: nothing is recorded. */
  record: string | undefined;
  /** Whether there is a dump already, which is left as it is until the first frame comes. */
  hasDump: boolean;
  files: NodeFiles;
  log: Log;
  /** Called once, when the recording ends before its time; when absent, the fault is logged. */
  onFault?(error: FastcacheError): void;
}

/** The recorder of the dump at `record`. Throws WRITE_FAILED when it cannot be opened. */
export function openRecorder({
  record,
  hasDump,
  files,
  log,
  onFault,
  ...opening
}: RecorderSetup): Recorder | undefined {
  if (record === undefined) return undefined;
  return new Recorder({
    sink: files.openSink(record, opening),
    maxQueuedBytes: OUTPUT_QUEUE_BYTES,
    bytesBefore: opening.kept?.bytes ?? 0,
    hasDump,
    onFault: onFault ?? ((error) => log.error(error.message)),
  });
}

/** The dump at the place of a recording before it begins. */
export interface DumpBefore {
  /** Whether there is a dump that is not empty. */
  readonly hasDump: boolean;
  /** The dump that is continued, with `append`; undefined: none. */
  readonly kept: KnownDump | undefined;
}

/**
 * Finds out what a recording will find. A state says that itself, where there is one. Throws BAD_OPTION for a
 * dump that is there, without `append` or `force`, and for one that is loaded and would be overwritten; and
 * of one that cannot be continued its fault.
 */
export async function findDumpBefore(
  { load, record, state, append, force }: NodeConfig,
  files: NodeFiles,
): Promise<DumpBefore> {
  if (load !== undefined && record !== undefined && !append) await files.refuseInPlace(load, record);
  const hasDump = record !== undefined && files.dumpBytes(record) > 0;
  if (!hasDump || force) return { hasDump, kept: undefined };
  if (state !== undefined && files.readState(state, 0) !== undefined) return { hasDump, kept: undefined };
  if (append) return { hasDump, kept: await files.wholeDump(record) };
  const message = 'The dump is there already: `append` goes on behind what it has, `force` replaces it.';
  throw new FastcacheError('BAD_OPTION', message, { file: record });
}

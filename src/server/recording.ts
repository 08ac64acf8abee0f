/** Opens the dump in which a node's stream is recorded. */
import type { FastcacheError } from '../errors.js';
import type { SinkOptions } from '../files/frame-sink.js';
import type { Log } from '../replication/log.js';
import { Recorder } from '../replication/outputs/recorder.js';
import type { NodeFiles } from './seams.js';

/** Frame bytes that may wait for a dump's disk, or for the consumer of changes while a node leads. */
export const OUTPUT_QUEUE_BYTES = 256 * 1024 * 1024;

/** What a recording is opened with. */
export interface RecorderSetup extends SinkOptions {
  /** The path of the dump; undefined: nothing is recorded. */
  record: string | undefined;
  files: NodeFiles;
  log: Log;
  /** Called once, when the recording ends before its time; when absent, the fault is logged. */
  onFault?(error: FastcacheError): void;
}

/** The recorder of the dump at `record`. Throws WRITE_FAILED when it cannot be opened. */
export function openRecorder({
  record,
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
    onFault: onFault ?? ((error) => log.error(error.message)),
  });
}

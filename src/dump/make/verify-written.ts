/**
 * Reads a dump that was made of others once more, before it is put in its place: gaps and the like were there
 * before, or are what a choice leaves behind; anything wrong in the frames themselves would be a fault of
 * this program.
 */
import type { FastcacheError } from '../../errors.js';
import { BatchCheck, type ShardSequences } from '../check/batch-check.js';
import { DumpVerifier } from '../check/verifier.js';
import type { ReadingOptions } from '../read/dump-reader.js';
import { walkVerified } from '../verify/verify-dump.js';
import type { DumpOutput } from './dump-output.js';
import { Listed } from './listed.js';

/** The only faults that a dump that was made of others may have. */
const mayRemain: ReadonlySet<string> = new Set([
  'SEQUENCE_GAP',
  'SEQUENCE_OUT_OF_ORDER',
  'SHARD_OUT_OF_RANGE',
  'SHARD_MISROUTED',
  'SHARD_COUNT_DIFFERS',
  'WATERMARK_FELL',
]);

/** The content of a dump that was made of others. */
export interface WrittenDump {
  bytes: number;
  frames: number;
  records: number;
  /** Snapshot entries. */
  entries: number;
  /** The faults that `verifyDump` will find in it, with byte offsets in it: gaps and the like. */
  remaining: Listed<FastcacheError>;
  /** The shards of which it holds records. */
  sequences: readonly ShardSequences[];
}

/** Verifies the written dump; lists `maxFaults` faults at most. Throws when the dump is not sound. */
export async function verifyWritten(
  written: DumpOutput,
  { maxFaults, signal, onProgress }: ReadingOptions & { maxFaults: number },
): Promise<WrittenDump> {
  written.flush();
  const source = written.path;
  const remaining = new Listed<FastcacheError>(maxFaults);
  const verifier = new DumpVerifier(new BatchCheck(), {
    route: 'full-key',
    shards: undefined,
    onFault: (fault) => {
      if (!mayRemain.has(fault.code)) throw new Error(`the written dump is not sound: ${fault.message}`);
      // Routing is a guess where the primary's shard count and routing mode are not known.
      if (fault.code !== 'SHARD_MISROUTED') remaining.add(fault);
    },
  });
  const { frames, bytes, records, entries, sequences } = await walkVerified(source, verifier, {
    signal,
    onRead: (read) => onProgress?.({ stage: 'verifying', source, bytes: read }),
  });
  const frameCount = Object.values(frames).reduce((sum, count) => sum + count, 0);
  return { bytes, frames: frameCount, records, entries, remaining, sequences };
}

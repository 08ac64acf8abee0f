/**
 * A dump's watermarks: where a replica would stand that applied it. A batch raises its shards, unless it belongs to a snapshot;
 * a SnapshotEnd replaces all of them (fcrp-v1.md, Conversation); what peers merely claim of themselves, in Hello and Ack,
 * does not count.
 */

import { FastcacheError } from '../../errors.js';
import { FrameKind } from '../../frame/kinds.js';
import { MAX_SHARDS } from '../../limits.js';
import { type EndpointHistory, historyInMargin } from '../../replication/history.js';
import { inDump, readDump } from '../read/dump-reader.js';
import { type OpenedFrame, openFrame } from '../read/frame-content.js';

/** Where a replica would stand that applied a dump. */
export interface DumpWatermarks extends EndpointHistory {
  /** Index = shard. */
  watermarks: bigint[];
}

/** Reads a dump (`-` is stdin) to its end. Throws as `readDump`, and `SHARD_OUT_OF_RANGE`, with file and byte offset. */
export async function dumpWatermarks(file: string): Promise<DumpWatermarks> {
  const summary: DumpWatermarks = { history: null, base: null, watermarks: [] };
  let isInSnapshot = false;
  try {
    for await (const frame of readDump(file)) {
      const { kind } = frame.header;
      // Until its end a snapshot is built beside what is held.
      if (kind === FrameKind.SnapshotBegin) isInSnapshot = true;
      else if (kind === FrameKind.SnapshotEnd || kind === FrameKind.Hello) isInSnapshot = false;
      // Snapshot entries have no sequences; they need not be decompressed.
      const isSkipped =
        kind === FrameKind.SnapshotChunk || (kind === FrameKind.MutationBatch && isInSnapshot);
      if (!isSkipped) take(summary, openFrame(frame));
    }
  } catch (error) {
    throw inDump(error, file, 0);
  }
  return summary;
}

function take(summary: DumpWatermarks, { frame, content }: OpenedFrame): void {
  switch (content.type) {
    case 'batch':
      for (const { shard, sequence, offset } of content.items)
        raise(summary.watermarks, shard, sequence, offset);
      return;
    case 'watermarks':
      if (frame.header.kind !== FrameKind.SnapshotEnd) return;
      if (content.watermarks.length > MAX_SHARDS)
        throw outOfRange(content.watermarks.length - 1, frame.offset);
      summary.watermarks = Array.from(content.watermarks);
      return;
    case 'hello': {
      const told = historyInMargin(content.margin);
      if (told.history !== null) Object.assign(summary, told);
      return;
    }
  }
}

function raise(watermarks: bigint[], shard: number, sequence: bigint, offset: number): void {
  if (shard >= MAX_SHARDS) throw outOfRange(shard, offset);
  while (watermarks.length <= shard) watermarks.push(0n);
  if (sequence > watermarks[shard]!) watermarks[shard] = sequence;
}

function outOfRange(shard: number, offset: number): FastcacheError {
  return new FastcacheError(
    'SHARD_OUT_OF_RANGE',
    `There is no shard ${shard}; a store has ${MAX_SHARDS} at most.`,
    {
      offset,
      expected: `0 to ${MAX_SHARDS - 1}`,
      found: shard,
    },
  );
}

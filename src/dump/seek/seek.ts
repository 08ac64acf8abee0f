/**
 * Finds in the index of a dump which part of it a choice of records needs, and the sequences at which the
 * part before it ends, so that the output is the same as if all were read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { FastcacheError } from '../../errors.js';
import { decodeHeader } from '../../frame/header.js';
import type { IndexEntries, IndexEntry } from '../../frame/index-entry.js';
import { FrameKind } from '../../frame/kinds.js';
import { hashAt, IndexReader } from '../../frame-index/index-reader.js';
import { FRAME_HEADER_BYTES, MAX_SHARDS } from '../../limits.js';
import { SequenceSteps } from '../check/sequence-steps.js';
import type { RecordRanges } from '../choose/filter.js';
import { inDump } from '../read/dump-reader.js';
import { openFrame } from '../read/frame-content.js';

/** A larger frame is no Hello and no list of watermarks: reading goes on behind it. */
const MAX_OPENED_BYTES = 1_048_576;

/** A part of a dump, in bytes. */
export interface DumpPart {
  /** Where its first frame begins. */
  start: number;
  /** The offset behind its last frame; infinite: it reaches to the end. */
  end: number;
  /** The sequences before it. */
  steps: SequenceSteps;
}

/** Returns the dump as a whole. */
export function wholeDump(): DumpPart {
  return { start: 0, end: Number.POSITIVE_INFINITY, steps: new SequenceSteps() };
}

/**
 * Returns the part of a dump in which there may be records of these ranges, by its index: all of it where
 * there is none that can be used.
 */
export async function seekRecords(dump: string, ranges: RecordRanges): Promise<DumpPart> {
  let index: Awaited<ReturnType<typeof IndexReader.open>> | undefined;
  let file: FileHandle | undefined;
  try {
    index = await IndexReader.open(dump);
    if (typeof index === 'string') return wholeDump();
    file = await open(dump);
    return await new Seek(index, file, ranges).run();
  } catch (error) {
    // The reader of the dump reports a part that cannot be read.
    if (inDump(error, dump, 0) instanceof FastcacheError) return wholeDump();
    throw error;
  } finally {
    if (index instanceof IndexReader) await index.close();
    await file?.close();
  }
}

class Seek {
  readonly #index: IndexReader;
  readonly #file: FileHandle;
  readonly #ranges: RecordRanges;
  readonly #steps = new SequenceSteps();
  /** The first frame of the part; undefined while none was met. */
  #first: IndexEntry | undefined;

  constructor(index: IndexReader, file: FileHandle, ranges: RecordRanges) {
    this.#index = index;
    this.#file = file;
    this.#ranges = ranges;
  }

  async run(): Promise<DumpPart> {
    let coveredBytes = 0;
    let end = 0;
    for await (const entries of this.#index.blocks()) {
      for (let at = 0; at < entries.length; at += 1) {
        const isMeant = this.#mayBeMeant(entries, at);
        if (this.#first === undefined && (isMeant || !(await this.#pass(entries, at)))) {
          this.#first = entries.at(at);
        }
        if (isMeant) end = entries.end(at);
      }
      coveredBytes = entries.end(entries.length - 1);
    }
    const { size } = await this.#file.stat();
    const steps = this.#steps;
    const first = this.#first;
    // Frames that the index does not have may be meant.
    if (coveredBytes < size) end = Number.POSITIVE_INFINITY;
    if (first === undefined) return { start: coveredBytes, end: Math.max(end, coveredBytes), steps };
    // An index that does not fit would have another frame there.
    const isThere = (await hashAt(this.#file, first.offset, first.bytes)) === first.hash;
    return isThere ? { start: first.offset, end: Math.max(end, first.offset), steps } : wholeDump();
  }

  #mayBeMeant(entries: IndexEntries, at: number): boolean {
    if (entries.kind(at) !== FrameKind.MutationBatch) return false;
    if (!entries.isKnown(at)) return true;
    const { start, end, sinceMs, untilMs } = this.#ranges;
    return (
      entries.count(at) > 0 &&
      entries.lastSequence(at) >= start &&
      entries.firstSequence(at) <= end &&
      entries.latestMs(at) >= sinceMs &&
      entries.earliestMs(at) <= untilMs
    );
  }

  /** Takes what a frame says of the sequences; returns false where it must be read for that. */
  async #pass(entries: IndexEntries, at: number): Promise<boolean> {
    const kind = entries.kind(at);
    if (kind === FrameKind.MutationBatch) return this.#passBatch(entries.at(at));
    const isOfSequences =
      kind === FrameKind.Hello || kind === FrameKind.SnapshotBegin || kind === FrameKind.SnapshotEnd;
    return !isOfSequences || this.#passFrame(entries.at(at));
  }

  #passBatch({ records }: IndexEntry): boolean {
    if (records === undefined) return false;
    const { count, shard, firstSequence, lastSequence } = records;
    if (count === 0) return true;
    if (shard === undefined || shard >= MAX_SHARDS) return false;
    if (lastSequence - firstSequence + 1n !== BigInt(count)) return false;
    this.#steps.batch({ ...records, shard });
    return true;
  }

  async #passFrame({ offset, bytes: length }: IndexEntry): Promise<boolean> {
    if (length < FRAME_HEADER_BYTES || length > MAX_OPENED_BYTES) return false;
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, offset);
    if (bytesRead < length) return false;
    try {
      const header = decodeHeader(bytes);
      const wirePayload = bytes.subarray(FRAME_HEADER_BYTES);
      if (header.payloadBytes !== wirePayload.length) return false;
      this.#steps.frame(openFrame({ header, bytes, wirePayload, offset, owned: true }));
      return true;
    } catch (error) {
      if (error instanceof FastcacheError) return false;
      throw error;
    }
  }
}

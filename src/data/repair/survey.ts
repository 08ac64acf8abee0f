/**
 * Finds the whole parts of a data directory's segments and bases: parts of segments, each without a gap, and
 * which of them continue the one before.
 */
import { decodeBatch } from '../../frame/batch.js';
import { decodeHelloFrame } from '../../frame/hello.js';
import type { IndexEntry } from '../../frame/index-entry.js';
import { FrameKind } from '../../frame/kinds.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { continuesHere, type History, placeIn, readHistory } from '../../replication/history.js';
import { type BaseEntry, baseName, type SegmentEntry, segmentName } from '../manifest.js';
import type { FileReport, LostSequences, RepairReport } from './report.js';
import { type DumpToSalvage, SoundFrames, type SoundStretch } from './sound-frames.js';

/** A part of a segment, whose frames follow one another. */
export interface Part {
  readonly segment: SegmentEntry;
  readonly history: History;
  /** Its bytes in the segment; from 0 on it has the segment's own Hello. */
  readonly start: number;
  end: number;
  /** Whether it continues the part before without a gap. */
  readonly continues: boolean;
  /** The watermarks before it, of the shards of which they are known. */
  readonly begun: (bigint | undefined)[];
  /** The watermarks behind it, of the shards of which they are known. */
  readonly ended: (bigint | undefined)[];
  /** Whether `begun` are those of a Hello, and so of all shards. */
  readonly isNamed: boolean;
  /** The first record; undefined: there is none. */
  first: { readonly shard: number; readonly sequence: bigint; readonly timeMs: bigint } | undefined;
}

/** A base that is whole. */
export interface WholeBase {
  readonly entry: BaseEntry;
  readonly history: History;
  readonly watermarks: readonly bigint[];
}

/** The options of a survey. */
export interface SurveyOptions {
  /** Returns how a segment is read. */
  read(segment: SegmentEntry): DumpToSalvage;
  readonly report: RepairReport;
  /** The histories of the directory, by their ids, each with the number of its shards. */
  readonly histories: ReadonlyMap<string, { readonly history: History; readonly shards: number }>;
}

/** Goes through the segments of one chain, in order. */
export class ChainSurvey {
  readonly parts: Part[] = [];
  readonly #read: SurveyOptions['read'];
  readonly #report: RepairReport;
  readonly #histories: SurveyOptions['histories'];
  /** The part that goes on; undefined: the last bytes were no frame, or one that did not follow. */
  #part: Part | undefined;
  /** A segment that could not be read, and the part before it. */
  #missing: { readonly file: FileReport; readonly before: Part } | undefined;

  constructor({ read, report, histories }: SurveyOptions) {
    this.#read = read;
    this.#report = report;
    this.#histories = histories;
  }

  /** Goes through a segment. */
  async segment(segment: SegmentEntry): Promise<void> {
    const name = segmentName(segment.number);
    const file = this.#report.file(name);
    const frames = new SoundFrames(this.#read(segment));
    let end = 0;
    /** From here on nothing was synced for sure. */
    let tornFrom: number | undefined;
    try {
      for await (const stretch of frames.stretches()) {
        if (stretch.type === 'damage' && stretch.isTear) tornFrom ??= stretch.start;
        if (tornFrom !== undefined) {
          end = stretch.type === 'damage' ? stretch.end : stretch.frame.offset + stretch.frame.bytes.length;
          continue;
        }
        if (stretch.type === 'damage') {
          end = stretch.end;
          const { start, fault } = stretch;
          file.lose({ fault, start, end, sequences: sequencesOf(stretch) });
          if (!this.#survives(stretch, segment)) this.#part = undefined;
          continue;
        }
        this.#frame(stretch, segment);
        end = stretch.frame.offset + stretch.frame.bytes.length;
      }
    } catch (error) {
      file.miss(error);
      if (this.#part !== undefined) this.#missing ??= { file, before: this.#part };
      this.#part = undefined;
      return;
    }
    file.index = frames.index;
    if (tornFrom !== undefined) file.tornBytes = end - tornFrom;
    if (segment.bytes !== null && end < segment.bytes) {
      file.leave('the file is shorter than the manifest says', { offset: end, end: segment.bytes });
      this.#part = undefined;
    }
  }

  /** Whether damage took the Hello of a segment alone, and it is known without it what follows. */
  #survives({ start, entries }: SoundStretch & { type: 'damage' }, segment: SegmentEntry): boolean {
    const [hello] = entries ?? [];
    const known = this.#histories.get(segment.history);
    if (start > 0 || entries?.length !== 1 || hello?.kind !== FrameKind.Hello || known === undefined)
      return false;
    const { history, shards } = known;
    const part = this.#part;
    const isFirst = this.parts.length === 0 && segment.follows === 'nothing';
    if (part?.history.id === history.id) {
      this.#begin(segment, hello.bytes, { history, begun: part.ended, continues: true });
    } else if (isFirst) {
      const begun = new Array(shards).fill(history.base);
      this.#begin(segment, hello.bytes, { history, begun, continues: false, isNamed: true });
    } else return false;
    return true;
  }

  #frame(stretch: SoundStretch & { type: 'frame' }, segment: SegmentEntry): void {
    const { frame, entry, payload } = stretch;
    const end = frame.offset + frame.bytes.length;
    if (frame.header.kind === FrameKind.Hello && frame.offset === 0) this.#hello(stretch, segment);
    if (this.#part !== undefined && this.#part.segment.number !== segment.number) this.#part = undefined;
    for (const records of recordsOf(entry, payload)) {
      const part = this.#part;
      const own = part?.ended[records.shard];
      if (part !== undefined && (own === undefined || records.last <= own || records.first === own + 1n)) {
        take(part, records);
        continue;
      }
      if (part !== undefined && own !== undefined) {
        const { shard, first } = records;
        this.#report.file(segmentName(segment.number)).leave('records are missing before this frame', {
          offset: frame.offset,
          sequences: [{ shard, from: own + 1n, to: first - 1n }],
        });
      }
      const history = part?.history ?? this.#histories.get(segment.history)?.history;
      // Without its history nothing can be said of a record.
      if (history === undefined) return;
      take(this.#begin(segment, frame.offset, { history, begun: [], continues: false }), records);
    }
    if (this.#part !== undefined) this.#part.end = end;
  }

  #hello({ frame }: SoundStretch & { type: 'frame' }, segment: SegmentEntry): void {
    const { hello, margin } = decodeHelloFrame(frame.header, frame.wirePayload);
    const history = readHistory(margin);
    if (history === undefined) return;
    const begun = Array.from(hello.watermarks ?? []);
    const before = this.#part;
    const ended = before && placeIn(history, before.history.id, completed(before.ended, begun));
    // Where the end of the history before is too long to be named, there is nothing to compare with.
    const isUnnamed = before !== undefined && history.previous === undefined && continuesHere(margin);
    const continues = isUnnamed || ended?.join() === begun.join();
    const missing = this.#missing;
    this.#missing = undefined;
    if (missing !== undefined) missing.file.know(lacking(missing.before, history, begun));
    else if (before !== undefined && !continues) {
      const sequences = lacking(before, history, begun);
      const file = this.#report.file(segmentName(segment.number));
      file.leave('records are missing between the segment before it and this one', { sequences });
    }
    this.#begin(segment, 0, { history, begun, continues, isNamed: true });
  }

  #begin(
    segment: SegmentEntry,
    start: number,
    {
      history,
      begun,
      continues,
      isNamed = false,
    }: {
      history: History;
      begun: readonly (bigint | undefined)[];
      continues: boolean;
      isNamed?: boolean;
    },
  ): Part {
    const part: Part = {
      segment,
      history,
      start,
      end: start,
      continues,
      begun: begun.slice(),
      ended: begun.slice(),
      isNamed: isNamed || continues,
      first: undefined,
    };
    this.#part = part;
    this.parts.push(part);
    return part;
  }
}

/** Reads a base; undefined: it is not whole, which is reported. */
export async function surveyBase(
  entry: BaseEntry,
  dump: DumpToSalvage,
  report: RepairReport,
): Promise<WholeBase | undefined> {
  const name = baseName(entry.number);
  const file = report.file(name);
  const frames = new SoundFrames(dump);
  let history: History | undefined;
  let watermarks: readonly bigint[] | undefined;
  let keys = 0;
  let isWhole = true;
  try {
    for await (const stretch of frames.stretches()) {
      if (stretch.type === 'damage') {
        const { fault, start, end } = stretch;
        file.lose({ fault, start, end, sequences: undefined });
        isWhole = false;
        continue;
      }
      const { frame, payload } = stretch;
      const { kind } = frame.header;
      if (kind === FrameKind.Hello)
        history = readHistory(decodeHelloFrame(frame.header, frame.wirePayload).margin);
      else if (kind === FrameKind.SnapshotChunk) keys += decodeSnapshotChunk(payload).entryCount;
      else if (kind === FrameKind.SnapshotEnd) watermarks = Array.from(decodeWatermarks(payload));
    }
    file.index = frames.index;
  } catch (error) {
    file.miss(error);
    return undefined;
  }
  if (!isWhole || history === undefined || watermarks === undefined) {
    file.leave('it is left out as a whole: a snapshot of which anything is missing is none');
    return undefined;
  }
  return { entry: entry.keys > 0 ? entry : { ...entry, keys }, history, watermarks };
}

/** The records of a batch of one shard. */
interface ShardRecords {
  readonly shard: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly timeMs: bigint;
}

function take(part: Part, { shard, first, last, timeMs }: ShardRecords): void {
  part.first ??= { shard, sequence: first, timeMs };
  while (part.begun.length <= shard) part.begun.push(undefined);
  while (part.ended.length <= shard) part.ended.push(undefined);
  part.begun[shard] ??= first - 1n;
  if (last > (part.ended[shard] ?? -1n)) part.ended[shard] = last;
}

/** Returns the records of a frame, by shards. */
function recordsOf({ kind, records }: IndexEntry, payload: Uint8Array): ShardRecords[] {
  if (kind !== FrameKind.MutationBatch) return [];
  if (records !== undefined && (records.shard !== undefined || records.count === 0)) {
    const { shard, firstSequence: first, lastSequence: last, earliestMs: timeMs } = records;
    return shard === undefined ? [] : [{ shard, first, last, timeMs }];
  }
  const found = new Map<number, ShardRecords>();
  for (const { shard, sequence, timestampMs } of decodeBatch(payload).records) {
    const own = found.get(shard) ?? { shard, first: sequence, last: sequence, timeMs: timestampMs };
    found.set(shard, { ...own, last: sequence });
  }
  return [...found.values()];
}

/** Returns the sequences that were in damage; undefined: not all of them are known. */
function sequencesOf({ entries }: SoundStretch & { type: 'damage' }): LostSequences[] | undefined {
  const lost: LostSequences[] = [];
  for (const { kind, records } of entries ?? []) {
    if (kind !== FrameKind.MutationBatch || records?.count === 0) continue;
    if (records?.shard === undefined) return undefined;
    lost.push({ shard: records.shard, from: records.firstSequence, to: records.lastSequence });
  }
  return entries && lost;
}

/** Returns watermarks with those of `others` where none are known. */
export function completed(
  watermarks: readonly (bigint | undefined)[],
  others: readonly (bigint | undefined)[],
): bigint[] {
  const length = Math.max(watermarks.length, others.length);
  return Array.from({ length }, (_, shard) => watermarks[shard] ?? others[shard] ?? 0n);
}

/** Returns what is missing of the history of a part up to where `history` goes on. */
function lacking({ history: own, ended }: Part, history: History, begun: readonly bigint[]): LostSequences[] {
  const until =
    own.id === history.id ? begun : history.previous?.id === own.id ? history.previous.watermarks : [];
  return until.flatMap((to, shard) => {
    const last = ended[shard];
    return last === undefined || last >= to ? [] : [{ shard, from: last + 1n, to }];
  });
}

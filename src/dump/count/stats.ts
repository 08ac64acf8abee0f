/**
 * Counts what a dump holds: by kind of frame here, by op, shard, prefix, key and time in the kernel. Its
 * memory is bounded whatever the dump holds: shards that no store can have are counted as one, and keys as in
 * dump-counter.ts.
 */
import { systemRandom } from '../../clock.js';
import { drawSecret } from '../../engine/secret.js';
import type { FrameKindName } from '../../frame/kinds.js';
import type { FrameFilter } from '../choose/filter.js';
import { type OpenedFrame, payloadPlace } from '../read/frame-content.js';
import { CountedHistory } from './counted-history.js';
import { DumpCounter } from './dump-counter.js';

/** Sums over frames. */
export interface FrameTotals {
  frames: number;
  compressedFrames: number;
  records: number;
  entries: number;
  /** Bytes of payload as they are on the wire; `uncompressedBytes` is their size decompressed. */
  payloadBytes: number;
  uncompressedBytes: number;
}

/** Counts the frames of one dump, in order. */
export class DumpStats {
  readonly total: FrameTotals = noFrames();
  readonly kinds = new Map<FrameKindName, FrameTotals>();
  readonly #filter: FrameFilter;
  readonly #counter: DumpCounter;
  readonly #history: CountedHistory;

  constructor(filter: FrameFilter) {
    this.#filter = filter;
    this.#counter = new DumpCounter(drawSecret(systemRandom), filter.items);
    this.#history = new CountedHistory(this.#counter);
  }

  /** The counts of ops, shards, keys and times. */
  get counts(): Omit<DumpCounter, 'reset' | 'reach' | 'reachShard' | 'batch' | 'chunk'> {
    return this.#counter;
  }

  /**
   * Counts a frame and what passes the filter in it, `limit` records and entries at most (frames, where the
   * filter leaves none of these); returns how many of the limit that takes. Throws `FCRP_*` where the frame
   * is malformed.
   */
  take(opened: OpenedFrame, limit: number): number {
    const { kind, content } = opened;
    const shown = this.#filter.showsKind(kind);
    this.#history.frame(opened);
    const { items, isSound } = this.#countItems(opened, shown, limit);
    if (shown && (items > 0 || !this.#filter.choosesItems)) this.#frame(opened, items);
    if (!isSound && 'items' in content) while (!content.items.next().done);
    return this.#filter.mayShowItems ? items : Number(shown);
  }

  #countItems({ frame, content }: OpenedFrame, shown: boolean, limit: number) {
    const place = payloadPlace(frame);
    if (content.type === 'batch') return this.#counter.batch(content.payload, place, shown, limit);
    if (content.type === 'chunk') return this.#counter.chunk(content.payload, content, place, shown, limit);
    return { items: 0, isSound: true };
  }

  #frame({ kind, frame }: OpenedFrame, items: number): void {
    const { compressed, payloadBytes, uncompressedBytes } = frame.header;
    let ofKind = this.kinds.get(kind);
    if (ofKind === undefined) this.kinds.set(kind, (ofKind = noFrames()));
    for (const totals of [this.total, ofKind]) {
      totals.frames++;
      if (compressed) totals.compressedFrames++;
      totals.payloadBytes += payloadBytes;
      totals.uncompressedBytes += uncompressedBytes;
      if (kind === 'MutationBatch') totals.records += items;
      else totals.entries += items;
    }
  }
}

/** Returns how many bytes of payload one byte on the wire decompresses to; null when there is none. */
export function compressionRatio({ payloadBytes, uncompressedBytes }: FrameTotals): number | null {
  return payloadBytes === 0 ? null : Math.round((uncompressedBytes / payloadBytes) * 100) / 100;
}

function noFrames(): FrameTotals {
  return {
    frames: 0,
    compressedFrames: 0,
    records: 0,
    entries: 0,
    payloadBytes: 0,
    uncompressedBytes: 0,
  };
}

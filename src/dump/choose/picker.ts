/**
 * Decides which part of each frame goes into a dump that is cut from others: the part that `frames decode`
 * shows with the same filter. A frame that is chosen whole is copied byte for byte; a frame that is chosen in
 * part is encoded again, compressed if it was. A chunk of a snapshot is kept though no entry of it is chosen,
 * for without it the snapshot would not be whole.
 */

import { FastcacheError } from '../../errors.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind, frameKindName } from '../../frame/kinds.js';
import { type Picked, pickEntries, pickRecords } from '../../frame/pick.js';
import type { SplitFrame } from '../../frame/splitter.js';
import type { FrameCheck } from '../check/frame-check.js';
import type { FrameFilter, Item } from './filter.js';

const snapshotKinds = ['SnapshotBegin', 'SnapshotChunk', 'SnapshotEnd'] as const;

/** Picks from the frames of dumps, in their order, up to a limit. */
export class FramePicker {
  readonly #filter: FrameFilter;
  readonly #picksSnapshots: boolean;
  /** How many items may still be picked, or frames where no items can be chosen. */
  #left: number;
  #isFull = false;

  /** Throws `BAD_OPTION` when the filter takes snapshots apart. */
  constructor(filter: FrameFilter, limit: number) {
    this.#filter = filter;
    this.#left = limit;
    refuseTornSnapshots(filter);
    this.#picksSnapshots = filter.showsKind('SnapshotChunk') && !filter.recordsOnly;
  }

  /** Whether the limit is reached: outside of a snapshot nothing more is picked. */
  get isAtLimit(): boolean {
    return this.#left === 0;
  }

  /** Whether something was left out because of the limit. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Returns whether something of a frame of this kind may be chosen. */
  takes(kind: FrameKind): boolean {
    switch (kind) {
      case FrameKind.MutationBatch:
        return this.#filter.showsKind('MutationBatch');
      case FrameKind.SnapshotBegin:
      case FrameKind.SnapshotChunk:
      case FrameKind.SnapshotEnd:
        return this.#picksSnapshots;
      case FrameKind.Seal:
        // It holds at its own place only.
        return false;
      default:
        return !this.#filter.choosesItems && this.#filter.showsKind(frameKindName(kind));
    }
  }

  /**
   * Returns what is copied of a frame that has passed `takes` and that `check` has found sound; undefined
   * when that is nothing.
   */
  pick(frame: SplitFrame, check: FrameCheck): Uint8Array | undefined {
    switch (frame.header.kind) {
      case FrameKind.MutationBatch: {
        if (this.#picksAll) return frame.bytes;
        const payload = check.payloadOf(frame);
        const picked = pickRecords(payload, (record) => this.#keeps(record));
        if (picked.count === 0 && (this.#filter.choosesItems || picked.payload !== payload)) return undefined;
        return encoded(frame, payload, picked);
      }
      case FrameKind.SnapshotChunk: {
        if (this.#picksAll) return frame.bytes;
        const payload = check.payloadOf(frame);
        return encoded(
          frame,
          payload,
          pickEntries(payload, (entry) => this.#keeps(entry)),
        );
      }
      default:
        if (!this.#filter.mayShowItems) this.#left -= 1;
        return frame.bytes;
    }
  }

  get #picksAll(): boolean {
    return !this.#filter.choosesItems && this.#left === Number.POSITIVE_INFINITY;
  }

  #keeps(item: Item): boolean {
    if (!this.#filter.showsItem(item)) return false;
    if (this.#left === 0) {
      this.#isFull = true;
      return false;
    }
    this.#left -= 1;
    return true;
  }
}

/** Throws `BAD_OPTION` for a filter that lets some of the kinds of a snapshot's frames pass, but not all. */
export function refuseTornSnapshots(filter: FrameFilter): void {
  const shown = snapshotKinds.filter((kind) => filter.showsKind(kind));
  if (shown.length % snapshotKinds.length === 0) return;
  throw new FastcacheError(
    'BAD_OPTION',
    `A snapshot is copied whole or not at all: \`kinds\` takes all of ${snapshotKinds.join(', ')}, or none.`,
  );
}

function encoded({ bytes, header }: SplitFrame, whole: Uint8Array, { payload }: Picked): Uint8Array {
  if (payload === whole) return bytes;
  const { kind, version, compressed } = header;
  return encodeFrame(kind, payload, { version, compression: compressed ? 'zstd' : 'none' });
}

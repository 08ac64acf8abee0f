/**
 * Reads a dump that may be damaged, and tells its whole frames from damage by all that is known: the frames'
 * own structure, and the index where there is one.
 */
import { BatchCheck } from '../../dump/check/batch-check.js';
import { FrameCheck } from '../../dump/check/frame-check.js';
import { walkChunks } from '../../dump/read/walk.js';
import type { FastcacheError } from '../../errors.js';
import { INDEX_ENTRY_BYTES, IndexEntries, type IndexEntry } from '../../frame/index-entry.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { hashMismatch } from '../../frame-index/index-file.js';
import { IndexReader, type NoIndex } from '../../frame-index/index-reader.js';
import { Indexer } from '../../frame-index/indexer.js';

/** A whole frame, with what an index says of it, or damage. */
export type SoundStretch =
  | {
      readonly type: 'frame';
      readonly frame: SplitFrame;
      readonly entry: IndexEntry;
      readonly payload: Uint8Array;
    }
  | {
      readonly type: 'damage';
      readonly fault: FastcacheError;
      readonly start: number;
      readonly end: number;
      /** Whether the dump merely ends here, as a crash leaves it. */
      readonly isTear: boolean;
      /** The frames that the index has of these bytes; undefined: it does not have all. */
      readonly entries: readonly IndexEntry[] | undefined;
    };

/** How the index of a dump was used. */
export type IndexUse = 'used' | 'short' | NoIndex;

/** A dump that is read. */
export interface DumpToSalvage {
  readonly path: string;
  /** Bytes that were surely synced; of a sealed dump all. */
  readonly surelyBytes: number;
  /** The entries of a dump that was not sealed, with those that its seals prove. */
  readonly entries?: AsyncGenerator<IndexEntries, void, void> | undefined;
  onRead(bytes: number): void;
}

/** Reads one dump: `stretches` once. */
export class SoundFrames {
  readonly #dump: DumpToSalvage;
  readonly #check = new FrameCheck(new BatchCheck());
  #index: IndexReader | NoIndex = 'missing';
  #cursor: IndexCursor | undefined;
  #isShort = false;

  constructor(dump: DumpToSalvage) {
    this.#dump = dump;
  }

  /** Whether an index was used, and if not, why; `short`: it ends before the dump. */
  get index(): IndexUse {
    if (typeof this.#index === 'string') return this.#index;
    return this.#isShort ? 'short' : 'used';
  }

  /** Yields what the dump has, in order; a frame is valid until the next. Throws NO_INPUT, READ_FAILED. */
  async *stretches(): AsyncGenerator<SoundStretch, void, void> {
    const { path, onRead } = this.#dump;
    this.#index = await IndexReader.open(path).catch((): NoIndex => 'missing');
    const indexer = new ResumingIndexer();
    try {
      if (typeof this.#index !== 'string') {
        this.#cursor = new IndexCursor(this.#dump.entries ?? this.#index.blocks());
      }
      for await (const stretches of walkChunks({ file: path, checks: this.#check, onRead })) {
        for (const stretch of stretches) {
          if (stretch.type === 'damage') {
            const { fault, start, end, isCutTail } = stretch;
            const entries = await this.#cursor?.within(start, end);
            const isTear = this.#mayTear(start) && (isCutTail || entries === undefined);
            yield { type: 'damage', fault, start, end, isTear, entries };
            continue;
          }
          const { frame } = stretch;
          const entry = indexer.entryOf(frame);
          const damage = await this.#damageOf(frame, entry);
          yield damage ?? { type: 'frame', frame, entry, payload: this.#check.payloadOf(frame) };
        }
      }
    } finally {
      indexer.close();
      await this.#cursor?.close();
      if (typeof this.#index !== 'string') await this.#index.close();
    }
  }

  /** Compares a frame that can be read with what is known of it. */
  async #damageOf(frame: SplitFrame, own: IndexEntry): Promise<SoundStretch | undefined> {
    const start = frame.offset;
    const end = start + frame.bytes.length;
    const fault = this.#check.keyFaultOf(frame);
    if (fault !== undefined) {
      return {
        type: 'damage',
        fault,
        start,
        end,
        isTear: false,
        entries: await this.#cursor?.within(start, end),
      };
    }
    if (this.#cursor === undefined) return undefined;
    const entries = await this.#cursor.within(start, end);
    const [stored] = entries ?? [];
    if (stored?.hash === own.hash && stored.offset === start) return undefined;
    const isBehind = entries === undefined;
    // A sealed dump is read without its index where that ends.
    if (isBehind && !this.#mayTear(start)) {
      this.#isShort = true;
      return undefined;
    }
    return {
      type: 'damage',
      fault: hashMismatch(stored ?? own, own.hash),
      start,
      end,
      isTear: isBehind,
      entries,
    };
  }

  #mayTear(offset: number): boolean {
    return offset >= this.#dump.surelyBytes;
  }
}

/** Makes entries of frames, also behind bytes that are none. */
class ResumingIndexer {
  #indexer = new Indexer();

  entryOf({ offset, bytes }: SplitFrame): IndexEntry {
    if (this.#indexer.frameStart !== offset) {
      this.#indexer.close();
      this.#indexer = new Indexer(offset);
    }
    // Before the first entry stands the header.
    const made = this.#indexer.push(bytes);
    return new IndexEntries(made.subarray(made.length - INDEX_ENTRY_BYTES)).at(0);
  }

  close(): void {
    this.#indexer.close();
  }
}

/** Goes through an index from its first entry to its last sound one. */
class IndexCursor {
  readonly #blocks: AsyncGenerator<IndexEntries, void, void>;
  #block: IndexEntries | undefined;
  #at = 0;
  #isOver = false;

  constructor(blocks: AsyncGenerator<IndexEntries, void, void>) {
    this.#blocks = blocks;
  }

  async close(): Promise<void> {
    await this.#blocks.return();
  }

  /**
   * Returns the entries of frames that have bytes from `start` up to `end`; undefined: the index does not
   * reach to the end. Both never fall from call to call.
   */
  async within(start: number, end: number): Promise<IndexEntry[] | undefined> {
    const found: IndexEntry[] = [];
    for (;;) {
      const block = await this.#current();
      if (block === undefined) return undefined;
      if (block.offset(this.#at) >= end) return found;
      if (block.end(this.#at) > start) found.push(block.at(this.#at));
      if (block.end(this.#at) > end) return found;
      this.#at += 1;
      if (block.end(this.#at - 1) === end) return found;
    }
  }

  async #current(): Promise<IndexEntries | undefined> {
    while (!this.#isOver && (this.#block === undefined || this.#at >= this.#block.length)) {
      const { value, done } = await this.#blocks.next();
      this.#block = value ?? undefined;
      this.#at = 0;
      this.#isOver = done === true;
    }
    return this.#isOver ? undefined : this.#block;
  }
}

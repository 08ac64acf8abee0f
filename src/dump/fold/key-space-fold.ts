/**
 * Folds the frames of dumps into the key space that they lead to, as a replica does that applies them:
 * batches continue from each shard's watermark, through promotions too, and a whole snapshot replaces
 * everything. The kernel applies the records; the course knows which history they are of
 * (replication/history-course.ts).
 *
 * A break in the line, which is a gap or a dump that begins in the middle of a history, is remembered and not
 * thrown at once: new content behind it does not depend on what it replaces. Damage is thrown, with its
 * place.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { FastcacheError } from '../../errors.js';
import { batchHeadOf, RECORD_OFFSETS } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { isShardCount, MAX_SHARDS, SHARD_COUNTS } from '../../limits.js';
import { baseTimeMs, type History, readHistory } from '../../replication/history.js';
import {
  HistoryCourse,
  type Jump,
  type KnownSequences,
  type Positions,
} from '../../replication/history-course.js';
import { BatchLimit, type DumpLimits } from '../choose/batch-limit.js';
import { inPayload, openFrame, placedIn } from '../read/frame-content.js';
import { gapIn, sequenceGap } from '../sequence-gap.js';
import { ComingContent } from './coming-content.js';
import type { ContentProof } from './content-proof.js';
import { noContent, ofSnapshot, tooLate, untimed } from './fold-faults.js';
import { firstRecord, shardsIn } from './found-content.js';
import { SnapshotBuild } from './snapshot-build.js';
import { type FoldStore, StorePool } from './store-pool.js';

type Watermarks = ArrayLike<bigint>;

/** The key space that dumps lead to. */
export interface KeySpace<Store extends FoldStore = ShardEngine> {
  /** The store of the keys, with those that have expired. */
  store: Store;
  /** The highest sequence of each shard that the dumps name; index = shard. */
  watermarks: bigint[];
  /** Unix ms of the newest record that was applied; undefined when there was none. */
  newestMs: number | undefined;
  /** Promotions that no Hello of the dumps names; the place, file and byte, is the gap that each would be. */
  unsaid: readonly Jump<FastcacheError>[];
  /** The history of the content; undefined where the dumps name none. */
  history: History | undefined;
}

/** How far dumps are folded, and into what. */
export interface FoldOptions<Store extends FoldStore = ShardEngine> extends DumpLimits {
  /** Creates an empty store that follows, at watermarks of 0, with so many shards. Throws `OUT_OF_MEMORY`. */
  createStore(shards: number): Store;
  /** Whether all snapshots are known to be of `untilMs` or before; absent: a record must prove it of each. */
  isTimed?: boolean | undefined;
  /** Returns a frame's payload, decompressed; absent: the fold decompresses it. Throws `FCRP_ZSTD_*`. */
  payloadOf?: ((frame: SplitFrame) => Uint8Array) | undefined;
  /** Bytes of the dumps, if they are known: a table then gets room for all keys of a snapshot at once. */
  totalBytes?: number | undefined;
  /** The part that compares the content with the digests of the dumps; absent: they are not compared. */
  proof?: ContentProof | undefined;
}

interface Held<Store extends FoldStore> {
  store: Store;
  /**
   * The shard count; undefined when neither a snapshot nor a Hello has it, and the store has as many as there
   * can be.
   */
  shards: number | undefined;
  /** A snapshot that no record before `untilMs` proves to have been taken before then. */
  unproven: SnapshotBuild<Store> | undefined;
}

/** One fold: call `take` for each frame of the dumps in order, then `finish`. */
export class KeySpaceFold<Store extends FoldStore = ShardEngine> {
  readonly #limits: DumpLimits;
  readonly #limit: BatchLimit;
  readonly #isTimed: boolean;
  readonly #stores: StorePool<Store>;
  readonly #payloadOf: (frame: SplitFrame) => Uint8Array;
  readonly #totalBytes: number;
  readonly #proof: ContentProof | undefined;
  readonly #course = new HistoryCourse<FastcacheError>({
    keepsContent: true,
    onTakenBack: ({ place }) => this.#break(place),
  });
  /** The positions of a snapshot that is being put together, else those of the content that is held. */
  readonly #positions: Positions = {
    list: () => this.#store?.watermarks() ?? [],
    move: (to) => moveStore(this.#store, to),
  };
  #held: Held<Store> | undefined;
  /**
   * Whether batches outside a snapshot must be the first ones of their history, for the content that others
   * would continue is not held.
   */
  #isToBegin = true;
  /**
   * The shard count of the last Hello that named the history; undefined when none did, or its watermarks gave
   * no count.
   */
  #shards: number | undefined;
  #hasFrames = false;
  /** Whether the last Hello that named the history had all shards where nothing had been written. */
  #isNamedEmpty = false;
  #snapshot: SnapshotBuild<Store> | undefined;
  /** Whether the frames of a snapshot that is past the limits are being skipped. */
  #skipsSnapshot = false;
  /** The fault that makes the content unknown; nothing is held then. */
  #broken: FastcacheError | undefined;
  #newestMs: number | undefined;

  constructor(options: FoldOptions<Store>) {
    const { createStore, isTimed = false, payloadOf = payloadIn, proof, totalBytes = 0, ...limits } = options;
    this.#proof = proof;
    this.#isTimed = isTimed;
    this.#limits = limits;
    this.#limit = new BatchLimit(limits);
    this.#stores = new StorePool(createStore);
    this.#payloadOf = payloadOf;
    this.#totalBytes = totalBytes;
  }

  /**
   * Takes the next frame, of the dump that is called `file`. Throws `FCRP_*`, `SNAPSHOT_OUT_OF_ORDER`, …
   * placed in it.
   */
  take(frame: SplitFrame, file: string): void {
    this.#hasFrames = true;
    switch (frame.header.kind) {
      case FrameKind.MutationBatch:
        inPayload(frame, () => this.#takeBatch(this.#payloadOf(frame), frame, file));
        return;
      case FrameKind.SnapshotBegin:
        inPayload(frame, () => this.#begin(watermarksOf(frame), frame, file));
        return;
      case FrameKind.SnapshotChunk:
        if (this.#skipsSnapshot) return;
        inPayload(frame, () => this.#openSnapshot('A chunk').load(this.#payloadOf(frame)));
        return;
      case FrameKind.SnapshotEnd:
        inPayload(frame, () => this.#end(watermarksOf(frame)));
        return;
      case FrameKind.Hello:
        this.#takeHello(frame);
        return;
      default: {
        const { content } = openFrame(frame);
        if (content.type === 'digests') this.#proof?.take(content.message, frame, file, this.#settled);
      }
    }
  }

  /** Ends the dumps and returns their key space. Throws the fault that makes it unknown. */
  finish(): KeySpace<Store> {
    const open = this.#snapshot;
    if (open !== undefined) throw this.#unfinished(open);
    this.#course.end(this.#positions);
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#held?.unproven !== undefined) throw untimed(this.#held.unproven);
    if (this.#held === undefined && !this.#mayBeEmpty()) throw noContent(!this.#hasFrames);
    const { store, shards } = this.#held ?? { store: this.#stores.take(1), shards: 1 };
    const all = store.watermarks();
    const watermarks = all.slice(0, shards ?? shardsIn(all));
    return {
      store,
      watermarks,
      newestMs: this.#newestMs,
      unsaid: this.#course.jumps,
      history: this.#course.history,
    };
  }

  /** Returns whether no content may be what the dumps lead to, up to the limits. */
  #mayBeEmpty(): boolean {
    return this.#isNamedEmpty || this.#limit.isLimited;
  }

  /** Whether all up to the watermarks of the limits has come; false where there are none. */
  get hasReachedWatermarks(): boolean {
    const isSettled = this.#snapshot === undefined && this.#broken === undefined;
    return isSettled && this.#held !== undefined && this.#limit.hasReached(this.#held.store.watermarks());
  }

  /** The content, where nothing takes its place. */
  get #settled(): Store | undefined {
    return this.#snapshot === undefined && !this.#isToBegin ? this.#held?.store : undefined;
  }

  get #store(): Store | undefined {
    return this.#snapshot?.store ?? this.#held?.store;
  }

  /** Begins a connection: a snapshot that was open on another will not be ended. */
  #takeHello(frame: SplitFrame): void {
    const { content } = openFrame(frame);
    this.#abandonSnapshot();
    if (content.type !== 'hello' || this.#isPastHistory(readHistory(content.margin))) return;
    const { watermarks = [] } = content.hello;
    const outcome = this.#course.hello(content.margin, watermarks, this.#positions);
    if (outcome !== 'claims') this.#shards = isShardCount(watermarks.length) ? watermarks.length : undefined;
    if (outcome !== 'claims') this.#proof?.hello(content.margin);
    if (outcome === 'claims' || outcome === 'unnamed') return;
    this.#isNamedEmpty = this.#course.isEmptyAt(watermarks);
    this.#isToBegin = outcome === 'begins';
    if (this.#isToBegin) return;
    if (this.#held !== undefined) this.#held.shards ??= this.#shards;
  }

  /**
   * Returns whether a history begins behind the limits; the position of the held content in it does not
   * matter then.
   */
  #isPastHistory(history: History | undefined): boolean {
    if (history === undefined || history.base === 0n) return false;
    const { base, previous, past } = history;
    const { untilMs } = this.#limits;
    // The base of a history that continues another lies ahead of the clock, and says no time.
    const isOfClock = previous === undefined && past === undefined;
    const isLater = isOfClock && untilMs !== undefined && baseTimeMs(base) > untilMs;
    return this.#limit.endsBefore(base) || isLater;
  }

  #takeBatch(payload: Uint8Array, frame: SplitFrame, file: string): void {
    const wanted = this.#limit.cut(payload);
    try {
      if (wanted !== undefined) this.#apply(wanted, frame, file);
    } catch (error) {
      // Offsets in what was cut out have no meaning outside.
      throw error instanceof FastcacheError && wanted !== payload ? error.placedAt(0) : error;
    }
    const unproven = this.#held?.unproven;
    if (unproven !== undefined && this.#limit.hasPassedTime) this.#break(untimed(unproven));
  }

  #apply(payload: Uint8Array, frame: SplitFrame, file: string): void {
    const head = batchHeadOf(payload);
    if (head !== undefined && this.#course.batch(head, this.#positions)) this.#isToBegin = true;
    if (this.#snapshot === undefined && this.#isToBegin) this.#startWith(payload, frame, file);
    const store = this.#store;
    if (store === undefined) return;
    // Each turn but the last has moved a shard to the base of a history.
    for (;;) {
      try {
        const { applied, lastTimestampMs } = store.apply(payload);
        if (applied > 0) this.#applied(lastTimestampMs);
        return;
      } catch (error) {
        const gap = gapIn(error);
        if (gap === undefined) throw error;
        const fault = placedIn(frame, sequenceGap(gap, this.#course.history)).inFile(file);
        const isNext = store.watermark(gap.shard) === gap.expected - 1n;
        if (isNext && this.#course.goesOn(gap, fault, this.#positions)) continue;
        this.#break(fault);
        return;
      }
    }
  }

  #applied(newestMs: number): void {
    this.#newestMs = Math.max(this.#newestMs ?? 0, newestMs);
    const snapshot = this.#snapshot;
    if (snapshot === undefined) this.#held!.unproven = undefined;
    else {
      snapshot.hasRecords = true;
      this.#swapWhenWhole();
    }
  }

  /** Begins the content with a batch, which must be its history's first, for what precedes it is not held. */
  #startWith(payload: Uint8Array, frame: SplitFrame, file: string): void {
    const first = firstRecord(payload);
    const base = first === undefined ? 0n : this.#course.startBefore(first.sequence);
    if (first !== undefined && base === undefined) {
      const message = `What was before sequence ${first.sequence} of shard ${first.shard} is not in the dump, which begins here in the middle of a history, and no snapshot follows.`;
      const offset = first.offset + RECORD_OFFSETS.sequence;
      const fault = new FastcacheError('SEQUENCE_GAP', message, { offset, found: first.sequence });
      this.#break(this.#broken ?? placedIn(frame, fault).inFile(file));
      return;
    }
    this.#stores.giveBack(this.#held?.store);
    this.#held = undefined;
    const store = this.#stores.take(this.#shards ?? MAX_SHARDS);
    store.setWatermarks(new Array(store.shards).fill(base ?? 0n));
    this.#hold({ store, shards: this.#shards, unproven: undefined });
  }

  #hold(held: Held<Store>): void {
    this.#held = held;
    this.#proof?.began();
    this.#isToBegin = false;
    this.#broken = undefined;
  }

  #begin(watermarks: Watermarks, frame: SplitFrame, file: string): void {
    const { length } = watermarks;
    if (!isShardCount(length)) {
      const expected = SHARD_COUNTS;
      const message = `A snapshot is of ${length} shards: expected ${expected}.`;
      throw new FastcacheError('SHARD_COUNT_DIFFERS', message, { expected, found: length });
    }
    this.#abandonSnapshot();
    this.#course.begin(watermarks, frame.offset, this.#positions);
    const snapshot = new SnapshotBuild<Store>(watermarks, {
      framing: this.#course.snapshot,
      file,
      createStore: () => this.#stores.take(length),
      coming: new ComingContent(this.#totalBytes),
    });
    if (this.#limit.isPast(watermarks)) this.#skip(snapshot, watermarks);
    else this.#snapshot = snapshot;
  }

  #end(watermarks: Watermarks): void {
    if (this.#skipsSnapshot) {
      this.#skipsSnapshot = false;
      this.#course.snapshot.abandon();
      return;
    }
    this.#openSnapshot('A SnapshotEnd').end(watermarks);
    this.#swapWhenWhole();
  }

  #openSnapshot(what: string): SnapshotBuild {
    if (this.#snapshot !== undefined && !this.#snapshot.isEnded) return this.#snapshot;
    throw new FastcacheError('SNAPSHOT_OUT_OF_ORDER', `${what} stands outside any snapshot.`, {
      expected: 'SnapshotBegin',
    });
  }

  #swapWhenWhole(): void {
    const snapshot = this.#snapshot;
    if (snapshot?.isEnded !== true) return;
    this.#course.settle(this.#positions);
    if (!snapshot.isWhole) return;
    this.#snapshot = undefined;
    this.#stores.giveBack(this.#held?.store);
    const { store, shards } = snapshot;
    const isUnproven = this.#limits.untilMs !== undefined && !this.#isTimed && !snapshot.hasRecords;
    this.#hold({ store, shards, unproven: isUnproven ? snapshot : undefined });
  }

  /** Skips a snapshot past the limits; the held content must then have everything up to the limits. */
  #skip(snapshot: SnapshotBuild<Store>, watermarks: Watermarks): void {
    const own = this.#held?.store.watermarks();
    const lacks = (watermark: bigint, shard: number) => {
      const end = this.#limit.endOf(shard) ?? watermark;
      return (own?.[shard] ?? 0n) < (end < watermark ? end : watermark);
    };
    const isKnown = own !== undefined && (this.#limit.hasPassedTime || !Array.from(watermarks).some(lacks));
    if (!isKnown && this.#broken === undefined) this.#break(tooLate(snapshot));
    this.#skipsSnapshot = true;
  }

  #abandonSnapshot(): void {
    this.#skipsSnapshot = false;
    this.#course.snapshot.abandon();
    this.#stores.giveBack(this.#snapshot?.madeStore());
    this.#snapshot = undefined;
  }

  #break(fault: FastcacheError): void {
    const isLoading = this.#snapshot?.isEnded === false;
    this.#abandonSnapshot();
    this.#skipsSnapshot = isLoading;
    this.#stores.giveBack(this.#held?.store);
    this.#held = undefined;
    this.#isToBegin = false;
    this.#broken = fault;
  }

  #unfinished(snapshot: SnapshotBuild<Store>): FastcacheError {
    if (snapshot.isEnded && this.#limit.isLimited) return tooLate(snapshot);
    const message = snapshot.isEnded
      ? 'The dump ends before the snapshot that begins here has been brought to one moment.'
      : 'The dump ends inside the snapshot that begins here.';
    return ofSnapshot('SNAPSHOT_OUT_OF_ORDER', message, snapshot);
  }
}

function moveStore(store: FoldStore | undefined, to: KnownSequences): void {
  store?.setWatermarks(store.watermarks().map((own, shard) => to[shard] ?? own));
}

function payloadIn({ header, wirePayload }: SplitFrame): Uint8Array {
  return openPayload(header, wirePayload);
}

function watermarksOf(frame: SplitFrame): Watermarks {
  return decodeWatermarks(payloadIn(frame));
}

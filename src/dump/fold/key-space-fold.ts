/**
 * Folds the frames of dumps into the key space that they lead to, as a replica does that applies them: batches go on from
 * each shard's watermark, and a snapshot that is whole replaces all. The kernel does what concerns records.
 *
 * What breaks the line, a gap or a dump that begins in the middle of a history, is remembered and not thrown at once: a
 * snapshot behind it begins anew, and what it replaces need not be known. Damage is thrown, with its place.
 */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { FastcacheError } from '../../errors.js';
import { type DecodedRecord, decodeBatch, RECORD_OFFSETS } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { MAX_SHARDS } from '../../limits.js';
import { isHistoryBase } from '../../replication/history.js';
import { BatchLimit, type DumpLimits } from '../choose/batch-limit.js';
import { inPayload, openFrame, placedIn } from '../read/frame-content.js';
import { SnapshotBuild } from './snapshot-build.js';
import { StorePool } from './store-pool.js';

type Watermarks = ArrayLike<bigint>;

/** What dumps lead to. */
export interface KeySpace {
  /** It holds what has expired too. */
  store: ShardEngine;
  /** Of as many shards as the dumps tell of. */
  watermarks: bigint[];
  /** Unix ms of the newest record that was applied; undefined: there was none. */
  newestMs: number | undefined;
}

export interface FoldOptions extends DumpLimits {
  /** An empty store that follows, at watermarks of 0, with so many shards. Throws `OUT_OF_MEMORY`. */
  createStore(shards: number): ShardEngine;
}

interface Held {
  store: ShardEngine;
  /** Undefined: no snapshot said how many, and the store has as many as there can be. */
  shards: number | undefined;
  /** A snapshot of which no record before `untilMs` shows that it was taken before then. */
  unproven: SnapshotBuild | undefined;
}

export class KeySpaceFold {
  readonly #limits: DumpLimits;
  readonly #limit: BatchLimit;
  readonly #stores: StorePool;
  #held: Held | undefined;
  #snapshot: SnapshotBuild | undefined;
  /** The frames of a snapshot go by that is past the limits. */
  #skipsSnapshot = false;
  /** Why what is held is not known; nothing is held then. */
  #broken: FastcacheError | undefined;
  #newestMs: number | undefined;

  constructor({ createStore, ...limits }: FoldOptions) {
    this.#limits = limits;
    this.#limit = new BatchLimit(limits);
    this.#stores = new StorePool(createStore);
  }

  /** The next frame, of the dump that is called `file`. Throws `FCRP_*`, `SNAPSHOT_OUT_OF_ORDER`, … placed in it. */
  take(frame: SplitFrame, file: string): void {
    switch (frame.header.kind) {
      case FrameKind.MutationBatch:
        inPayload(frame, () => this.#takeBatch(openPayload(frame.header, frame.wirePayload), frame, file));
        return;
      case FrameKind.SnapshotBegin:
        inPayload(frame, () => this.#begin(watermarksOf(frame), frame, file));
        return;
      case FrameKind.SnapshotChunk:
        if (this.#skipsSnapshot) return;
        inPayload(frame, () =>
          this.#openSnapshot('A chunk').load(openPayload(frame.header, frame.wirePayload)),
        );
        return;
      case FrameKind.SnapshotEnd:
        inPayload(frame, () => this.#end(watermarksOf(frame)));
        return;
      case FrameKind.Hello:
        openFrame(frame);
        // A connection begins: what was under way on another will not be ended.
        this.#abandonSnapshot();
        return;
      default:
        openFrame(frame);
    }
  }

  /** The dumps are over. Throws what makes their key space unknown. */
  finish(): KeySpace {
    const open = this.#snapshot;
    if (open !== undefined) throw this.#unfinished(open);
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#held?.unproven !== undefined) throw untimed(this.#held.unproven);
    const { store, shards } = this.#held ?? { store: this.#stores.take(1), shards: 1 };
    const all = store.watermarks();
    return { store, watermarks: all.slice(0, shards ?? shardsIn(all)), newestMs: this.#newestMs };
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
    if (this.#snapshot === undefined && this.#held === undefined) {
      if (this.#broken === undefined) this.#startWith(payload, frame, file);
      if (this.#broken !== undefined) return;
    }
    const store = this.#snapshot?.store ?? this.#held!.store;
    try {
      const { applied, lastTimestampMs } = store.apply(payload);
      if (applied > 0) this.#applied(lastTimestampMs);
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'SEQUENCE_GAP') throw error;
      this.#break(placedIn(frame, gap(error)).inFile(file));
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

  /** Nothing is there yet, and this is the first batch: it can only be a history's first. */
  #startWith(payload: Uint8Array, frame: SplitFrame, file: string): void {
    const first = firstRecord(payload);
    const base = first === undefined ? 0n : first.sequence - 1n;
    if (first !== undefined && !isHistoryBase(base)) {
      const message = `What was before sequence ${first.sequence} of shard ${first.shard} is not in the dump, which begins here in the middle of a history, and no snapshot follows.`;
      const offset = first.offset + RECORD_OFFSETS.sequence;
      const fault = new FastcacheError('SEQUENCE_GAP', message, { offset, found: first.sequence });
      this.#break(placedIn(frame, fault).inFile(file));
      return;
    }
    const store = this.#stores.take(MAX_SHARDS);
    store.setWatermarks(new Array(MAX_SHARDS).fill(base));
    this.#held = { store, shards: undefined, unproven: undefined };
  }

  #begin(watermarks: Watermarks, frame: SplitFrame, file: string): void {
    const { length } = watermarks;
    if (length === 0 || length > MAX_SHARDS || (length & (length - 1)) !== 0) {
      const expected = `a power of two, 1 to ${MAX_SHARDS}`;
      const message = `A snapshot is of ${length} shards: expected ${expected}.`;
      throw new FastcacheError('SHARD_COUNT_DIFFERS', message, { expected, found: length });
    }
    this.#abandonSnapshot();
    const snapshot = new SnapshotBuild(watermarks, { offset: frame.offset, file }, () =>
      this.#stores.take(length),
    );
    if (this.#isPast(watermarks)) this.#skip(snapshot, watermarks);
    else this.#snapshot = snapshot;
  }

  #end(watermarks: Watermarks): void {
    if (this.#skipsSnapshot) {
      this.#skipsSnapshot = false;
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
    if (snapshot?.isEnded !== true || !snapshot.isWhole) return;
    this.#snapshot = undefined;
    this.#stores.giveBack(this.#held?.store);
    const isUnproven = this.#limits.untilMs !== undefined && !snapshot.hasRecords;
    this.#held = {
      store: snapshot.store,
      shards: snapshot.shards,
      unproven: isUnproven ? snapshot : undefined,
    };
    this.#broken = undefined;
  }

  #isPast(watermarks: Watermarks): boolean {
    const { endSequence } = this.#limits;
    return (
      this.#limit.hasPassedTime ||
      (endSequence !== undefined && Array.from(watermarks).some((watermark) => watermark > endSequence))
    );
  }

  /** What is held stays, if it has all that the limits ask for. */
  #skip(snapshot: SnapshotBuild, watermarks: Watermarks): void {
    const { endSequence } = this.#limits;
    const own = this.#held?.store.watermarks();
    const lacks = (watermark: bigint, shard: number) => {
      const needed = endSequence !== undefined && endSequence < watermark ? endSequence : watermark;
      return (own?.[shard] ?? 0n) < needed;
    };
    const isKnown = own !== undefined && (this.#limit.hasPassedTime || !Array.from(watermarks).some(lacks));
    if (!isKnown && this.#broken === undefined) this.#break(tooLate(snapshot));
    this.#skipsSnapshot = true;
  }

  #abandonSnapshot(): void {
    this.#skipsSnapshot = false;
    this.#stores.giveBack(this.#snapshot?.madeStore());
    this.#snapshot = undefined;
  }

  #break(fault: FastcacheError): void {
    const isLoading = this.#snapshot?.isEnded === false;
    this.#abandonSnapshot();
    this.#skipsSnapshot = isLoading;
    this.#stores.giveBack(this.#held?.store);
    this.#held = undefined;
    this.#broken = fault;
  }

  #unfinished(snapshot: SnapshotBuild): FastcacheError {
    const { endSequence, untilMs } = this.#limits;
    if (snapshot.isEnded && (endSequence !== undefined || untilMs !== undefined)) return tooLate(snapshot);
    const message = snapshot.isEnded
      ? 'The dump ends before the snapshot that begins here has been brought to one moment.'
      : 'The dump ends inside the snapshot that begins here.';
    return ofSnapshot('SNAPSHOT_OUT_OF_ORDER', message, snapshot);
  }
}

function watermarksOf({ header, wirePayload }: SplitFrame): Watermarks {
  return decodeWatermarks(openPayload(header, wirePayload));
}

/** A malformed batch has none: the kernel refuses it. */
function firstRecord(payload: Uint8Array): DecodedRecord | undefined {
  try {
    return decodeBatch(payload).records.next().value ?? undefined;
  } catch (error) {
    if (error instanceof FastcacheError) return undefined;
    throw error;
  }
}

/** The kernel's fault, in the words of `frames verify`. */
function gap(error: FastcacheError): FastcacheError {
  const [shard] = /(?<=^Shard )\d+/.exec(error.message) ?? [];
  const [expected, found] = [BigInt(error.expected!), BigInt(error.found!)];
  const lacking =
    found - expected === 1n ? `the sequence ${expected}` : `the sequences ${expected} to ${found - 1n}`;
  return new FastcacheError('SEQUENCE_GAP', `Shard ${shard} lacks ${lacking}.`, {
    expected,
    found,
    offset: error.offset ?? 0,
  });
}

function untimed(snapshot: SnapshotBuild): FastcacheError {
  return ofSnapshot(
    'BAD_OPTION',
    'What was at that time is not known: no record up to it, behind the snapshot that begins here, tells when that was taken.',
    snapshot,
  );
}

function tooLate(snapshot: SnapshotBuild): FastcacheError {
  return ofSnapshot(
    'BAD_OPTION',
    'What was there then is not known: the snapshot that begins here shows only what came later.',
    snapshot,
  );
}

function ofSnapshot(
  code: 'BAD_OPTION' | 'SNAPSHOT_OUT_OF_ORDER',
  message: string,
  { offset, file }: SnapshotBuild,
): FastcacheError {
  return new FastcacheError(code, message, { offset, file });
}

/** A power of two that has all shards which something was written to: those stand past the others. */
function shardsIn(watermarks: readonly bigint[]): number {
  const untouched = watermarks.at(-1)!;
  const last = watermarks.findLastIndex((watermark) => watermark !== untouched);
  return 2 ** Math.ceil(Math.log2(last + 1 || 1));
}

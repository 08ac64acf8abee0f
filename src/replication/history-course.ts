/**
 * Where a stream of frames stands among histories (docs/architecture.md, "Histories"). It knows when a
 * connection begins, whose sequences come, that one history continues another, and how a snapshot is framed;
 * it keeps no content. Stores, watermarks and counters hang on it: it reads and moves where they stand as
 * `Positions`.
 *
 * | frame | what is known before it | what it comes to |
 * | --- | --- | --- |
 * | Hello with history and base | the same history | `same`: sequences go on |
 * | | no history, at the Hello's watermarks | `same`: the history is named from now on |
 * | | the `prev` of it, no shard above its end | `continues`: who is at the end goes on from the base |
 * | | anything, and it says `continues=here` | `continues`: every shard goes on from the base |
 * | | anything else, or nothing | `begins`: a snapshot must follow, or the history's first sequences |
 * | | the like, of which nothing has come, while what was held before is kept | as if that had not been |
 * | Hello with a margin, no base | anything | `claims`: a replica of ours; only the connection begins |
 * | Hello without a margin | anything | `unnamed`: as before, unless sequence 1 or a snapshot comes |
 * | Hello, SnapshotBegin | a snapshot is open | that is abandoned |
 * | batch at the next sequence | | the shard goes on |
 * | batch at or below the shard's sequence | | seen before, and skipped by the store |
 * | batch from base + 1 on | the shard is at the end of `prev` | the shard goes on from the base |
 * | batch further on | no history is named, the base is plausible | it goes on, and this is noted: `Jump` |
 * | batch further on | anything else | a gap |
 * | SnapshotEnd | shards at the end of `prev` | they go on from the base |
 *
 * A `Jump` is what dumps have of promotions that were recorded without a Hello. It is taken back, as the gap
 * that it then was, when a shard is found to have gone on in the old numbers behind it and never jumped.
 */
import type { BatchHead } from '../frame/batch.js';
import type { Margin } from '../frame/margin.js';
import { firstBelow, SnapshotFraming } from '../frame/snapshot-framing.js';
import { MAX_SHARDS } from '../limits.js';
import {
  baseTimeMs,
  type History,
  isAtEnd,
  isHistoryBase,
  isToldHere,
  placeIn,
  readHistory,
} from './history.js';

/** One sequence a shard; undefined where none is known. */
export type KnownSequences = ArrayLike<bigint | undefined>;

/** Where what hangs on a course stands. */
export interface Positions {
  /** The highest sequence of each shard that was taken; an empty list where there is no content. */
  list(): KnownSequences;
  /** Has each shard go on behind its sequence of the list, and the others where they are. */
  move(to: KnownSequences): void;
}

/** What a Hello comes to (the table above). */
export type HelloOutcome = 'claims' | 'unnamed' | 'same' | 'begins' | 'continues';

/** A shard's next record is not at the next sequence. */
export interface SequenceStep {
  shard: number;
  /** The sequence that was due, and the one that came. */
  expected: bigint;
  found: bigint;
}

/** A promotion that no Hello names: from the first shard that went on from a new base to the last. */
export interface Jump<Place> {
  /** The sequence before the new history's first. */
  readonly base: bigint;
  /** Of the first record behind the base. */
  readonly place: Place;
  /** Shards that have gone on from the base. */
  readonly shards: ReadonlySet<number>;
}

interface OpenJump<Place> extends Jump<Place> {
  readonly shards: Set<number>;
  /** Where each shard stood when the first one jumped. */
  readonly before: KnownSequences;
}

/** How a course begins. */
export interface CourseOptions<Place> {
  /**
   * Of an earlier course that this one goes on from, where it stood between frames and outside of any
   * snapshot.
   */
  history?: History | undefined;
  /** Whether what is held stays until new content is whole, so that a stream may return to its history. */
  keepsContent?: boolean;
  /** Called for a jump that was none, but a gap. */
  onTakenBack?(jump: Jump<Place>): void;
}

/** What is to be known of a Hello that names a history. */
interface ToldHello {
  margin: Margin | undefined;
  watermarks: ArrayLike<bigint>;
  positions: Positions;
}

/** More promotions without a Hello are taken for gaps: each is compared with all shards. */
const MAX_JUMPS = 16;
/** The clock of who is promoted may be so far behind that of the primary before it. */
const CLOCK_SKEW_MS = 60_000;

/** `Place` is whatever the caller has to say where a jump stands. */
export class HistoryCourse<Place = void> {
  readonly snapshot = new SnapshotFraming();
  readonly #onTakenBack: (jump: Jump<Place>) => void;
  readonly #keepsContent: boolean;
  #history: History | undefined;
  /** The history of what is held, while that of the stream is another one, of which nothing is held yet. */
  #kept: { history: History | undefined } | undefined;
  /**
   * The last Hello had no margin: a snapshot that follows may be of another history, and so may a first
   * batch.
   */
  #isUnnamed = false;
  #isFirstBatch = false;
  /** Since the last frame of a stream, a Hello without a margin was below what is held. */
  #isFallen = false;
  /**
   * The histories since the last content that is known of have all begun without any, and none has given out
   * a record.
   */
  #isEmptySoFar = false;
  #jump: OpenJump<Place> | undefined;
  readonly #accepted: Jump<Place>[] = [];
  /** Unix ms of the newest first record of a batch. */
  #newestMs = 0;
  /** While no history is named: behind which plausible base a shard's last batch began that did so. */
  readonly #begun = new Map<number, bigint>();

  constructor({ history, keepsContent = false, onTakenBack }: CourseOptions<Place> = {}) {
    this.#history = history;
    this.#keepsContent = keepsContent;
    this.#onTakenBack = onTakenBack ?? (() => {});
  }

  /** Whose sequences come; undefined where no Hello has named it. */
  get history(): History | undefined {
    return this.#history;
  }

  /** Promotions that no Hello names; of the last one it may yet turn out that it was a gap. */
  get jumps(): readonly Jump<Place>[] {
    return this.#accepted;
  }

  /** A Hello that has `watermarks`; an open snapshot is abandoned. */
  hello(margin: Margin | undefined, watermarks: ArrayLike<bigint>, positions: Positions): HelloOutcome {
    this.snapshot.abandon();
    const history = margin?.has('base') ? readHistory(margin) : undefined;
    this.#isUnnamed = this.#isFirstBatch = margin === undefined;
    if (history === undefined) {
      if (!this.#isUnnamed) return 'claims';
      this.#isFallen ||= firstBelow(watermarks, positions.list()) !== -1;
      return 'unnamed';
    }
    this.#isFallen = false;
    const last = this.#history;
    const before = this.#kept === undefined ? last : this.#kept.history;
    this.#closeJump(positions);
    this.#history = history;
    if (last?.id !== history.id) {
      this.#isEmptySoFar = isEmptyBefore(history, this.#isEmptySoFar ? last : undefined);
    }
    const outcome = moveInto(history, before, { margin, watermarks, positions });
    this.#kept = outcome === 'begins' && this.#keepsContent ? { history: before } : undefined;
    return outcome;
  }

  /**
   * A SnapshotBegin at `offset`; one that is open is abandoned. `positions` are those of the content before
   * it.
   */
  begin(watermarks: ArrayLike<bigint>, offset: number, positions: Positions): void {
    this.#closeJump(positions);
    // A primary without a margin has no history, be it that the one before it had.
    if (this.#isUnnamed) this.#history = undefined;
    this.#isFallen = false;
    this.snapshot.begin(watermarks, offset);
  }

  /** A batch, by its first record. True: all begins again at sequence 1, with nothing. */
  batch({ shard, sequence, timestampMs }: BatchHead, positions: Positions): boolean {
    const begins = this.#isFirstBatch && sequence === 1n && !this.snapshot.isOpen;
    const isFallen = this.#isFallen;
    if (!this.snapshot.isOpen) this.#kept = undefined;
    this.#isFirstBatch = this.#isFallen = false;
    if (timestampMs > this.#newestMs) this.#newestMs = timestampMs;
    if (this.#history === undefined && isHistoryBase(sequence - 1n) && shard < MAX_SHARDS) {
      this.#begun.set(shard, sequence - 1n);
    }
    if (!begins || (!isFallen && (positions.list()[shard] ?? 0n) === 0n)) return false;
    this.#history = undefined;
    this.#jump = undefined;
    return true;
  }

  /**
   * Whether content can begin with this record, where there is none: the sequence before the first, or
   * undefined.
   */
  startBefore(sequence: bigint): bigint | undefined {
    const base = sequence - 1n;
    if (this.#history === undefined) return isHistoryBase(base) ? base : undefined;
    return base === this.#history.base && this.#isEmptySoFar ? base : undefined;
  }

  /**
   * Whether a shard goes on all the same where a record leaves a step; it is then moved to the base. False: a
   * gap.
   */
  goesOn(step: SequenceStep, place: Place, positions: Positions): boolean {
    const base = step.found - 1n;
    const history = this.#history;
    const isContinued =
      history === undefined
        ? this.#jumps(step, place, positions)
        : base === history.base && isAtEnd(history.previous, step.shard, step.expected - 1n);
    if (isContinued)
      positions.move(
        Array.from({ length: step.shard + 1 }, (_, shard) => (shard === step.shard ? base : undefined)),
      );
    return isContinued;
  }

  /** Moves shards that have come to the end of the history before to the base of this one. */
  settle(positions: Positions): void {
    this.#kept = undefined;
    settle(this.#history, positions);
  }

  /** The stream is over. */
  end(positions: Positions): void {
    this.settle(positions);
    this.#closeJump(positions);
  }

  #jumps({ shard, found }: SequenceStep, place: Place, positions: Positions): boolean {
    const base = found - 1n;
    if (this.#jump?.base === base && !this.#jump.shards.has(shard)) {
      this.#jump.shards.add(shard);
      return true;
    }
    if (this.#accepted.length === MAX_JUMPS || !this.#isPlausible(base)) return false;
    const held = positions.list();
    const shards = new Set([shard]);
    // Of these nothing was known when they went on from the base.
    for (const [other, begun] of this.#begun) if (begun === base) shards.add(other);
    if (!isBelow(held, base, shards)) return false;
    this.#closeJump(positions, shard);
    this.#jump = { base, place, shards, before: Array.from(held) };
    this.#accepted.push(this.#jump);
    return true;
  }

  /** Made by a clock, after all that came before. */
  #isPlausible(base: bigint): boolean {
    return base !== 0n && isHistoryBase(base) && baseTimeMs(base) >= this.#newestMs - CLOCK_SKEW_MS;
  }

  /**
   * No shard jumps any more: those that have not must have been silent. `next` jumps to a base further on.
   */
  #closeJump(positions: Positions, next?: number): void {
    const jump = this.#jump;
    this.#jump = undefined;
    if (jump === undefined) return;
    const held = positions.list();
    for (let shard = 0; shard < held.length; shard += 1) {
      const [was, is] = [jump.before[shard], held[shard]];
      if (shard === next || jump.shards.has(shard) || is === was || is === undefined) continue;
      if (was === undefined && is > jump.base) continue;
      this.#accepted.splice(this.#accepted.indexOf(jump), 1);
      this.#onTakenBack(jump);
      return;
    }
  }
}

/** Moves what is held, of the history `before`, to where it stands in `history`, if it is a part of that. */
function moveInto(
  history: History,
  before: History | undefined,
  { margin, watermarks, positions }: ToldHello,
): 'same' | 'begins' | 'continues' {
  if (before?.id === history.id) return 'same';
  settle(before, positions);
  const held = positions.list();
  if (!isKnown(held)) return 'begins';
  if (isToldHere(margin)) {
    const length = Math.max(held.length, watermarks.length);
    const isThere = (shard: number) => held[shard] !== undefined || shard < watermarks.length;
    positions.move(Array.from({ length }, (_, shard) => (isThere(shard) ? history.base : undefined)));
    return 'continues';
  }
  if (before === undefined && isAt(held, watermarks)) return 'same';
  const place = placeAmong(history, before, held);
  if (place === undefined) return 'begins';
  positions.move(place);
  return 'continues';
}

function settle(history: History | undefined, positions: Positions): void {
  if (history?.previous === undefined) return;
  const { base, previous } = history;
  const held = positions.list();
  positions.move(
    previous.watermarks.map((_, shard) => (isAtEnd(previous, shard, held[shard]) ? base : undefined)),
  );
}

/**
 * Whether there was nothing where `history` begins; `empty`: a history that has given out no record as far as
 * is known.
 */
function isEmptyBefore({ previous }: History, empty: History | undefined): boolean {
  if (previous === undefined) return true;
  return previous.id === empty?.id && previous.watermarks.every((end) => end === empty.base);
}

function isKnown(held: KnownSequences): boolean {
  for (let shard = 0; shard < held.length; shard += 1) if (held[shard] !== undefined) return true;
  return false;
}

/** No shard but the `jumping` ones is past the base. */
function isBelow(held: KnownSequences, base: bigint, jumping: ReadonlySet<number>): boolean {
  for (let shard = 0; shard < held.length; shard += 1) {
    if (!jumping.has(shard) && (held[shard] ?? 0n) > base) return false;
  }
  return true;
}

/** Every shard of the list that is known stands where the list says. */
function isAt(held: KnownSequences, watermarks: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    const own = held[shard];
    if (own !== undefined && own !== watermarks[shard]) return false;
  }
  return watermarks.length > 0;
}

/**
 * Where who is at `held` of the history `before` goes on in `history`; undefined: what is held is no part of
 * that. Where `before` is not named, only who is at the very end of a history that counts from 1 is taken to
 * be of it.
 */
function placeAmong(
  history: History,
  before: History | undefined,
  held: KnownSequences,
): bigint[] | undefined {
  const { previous } = history;
  if (previous === undefined) return undefined;
  const { watermarks: ends } = previous;
  for (let shard = ends.length; shard < held.length; shard += 1) {
    // Who does not know how many shards there are has all that there can be.
    if ((held[shard] ?? previous.base) !== previous.base) return undefined;
  }
  const own = ends.map((end, shard) => held[shard] ?? end);
  if (before === undefined && previous.base === 0n && own.some((at, shard) => at !== ends[shard]))
    return undefined;
  return placeIn(history, before?.id ?? previous.id, own);
}

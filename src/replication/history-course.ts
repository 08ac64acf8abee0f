/**
 * The place of a stream of frames among histories (docs/architecture.md, "Histories"). A course knows when a
 * connection begins, whose sequences come, that one history continues another, and how a snapshot is framed;
 * it keeps no content. Stores, watermarks and counters follow a course, which reads and moves their positions
 * (`Positions`).
 *
 * | frame | what is known before it | what it means |
 * | --- | --- | --- |
 * | Hello with history and base | the same history | `same`: sequences continue |
 * | | no history, at the Hello's watermarks | `same`: the history is named from now on |
 * | | the `prev` of it, no shard above its end | `continues`: shards at the end continue from the base |
 * | | anything, and it says `continues=here` | `continues`: every shard continues from the base |
 * | | anything else, or nothing | `begins`: a snapshot must follow, or the first sequences of the history |
 * | | the like, before which a `begins` led to nothing and content is kept | as if that had not been |
 * | Hello with a margin, no base | anything | `claims`: a fastcache replica; only the connection begins |
 * | Hello without a margin | anything | `unnamed`: sequences continue, unless 1 or a snapshot comes |
 * | Hello, SnapshotBegin | a snapshot is open | the snapshot is abandoned |
 * | batch at the next sequence | | the shard continues |
 * | batch at or below the shard's sequence | | seen before, and skipped by the store |
 * | batch from base + 1 on | the shard is at the end of `prev` | the shard continues from the base |
 * | batch further on | no history is named, and a base is plausible | the shard continues, as a `Jump` |
 * | batch further on | anything else | a gap |
 * | SnapshotEnd | shards at the end of `prev` | they continue from the base |
 *
 * A `Jump` is the trace in a dump of a promotion that was recorded without a Hello. It is taken back, and
 * counted as a gap, when a shard turns out to have continued in the old numbers behind it without a jump.
 */
import type { BatchHead } from '../frame/batch.js';
import type { Margin } from '../frame/margin.js';
import { firstBelow, SnapshotFraming } from '../frame/snapshot-framing.js';
import { MAX_SHARDS } from '../limits.js';
import {
  baseTimeMs,
  continuesHere,
  type History,
  isAtEnd,
  isHistoryBase,
  placeIn,
  readHistory,
} from './history.js';

/** One sequence a shard; undefined where none is known. */
export type KnownSequences = ArrayLike<bigint | undefined>;

/** The positions of whatever follows a course: a store, watermarks or counters. */
export interface Positions {
  /** The highest sequence taken of each shard; an empty list where there is no content. */
  list(): KnownSequences;
  /** Moves each shard to its sequence in the list; shards without one keep their position. */
  move(to: KnownSequences): void;
}

/** The meaning of a Hello (the table above). */
export type HelloOutcome = 'claims' | 'unnamed' | 'same' | 'begins' | 'continues';

/** A difference between a shard's next record and the next sequence. */
export interface SequenceStep {
  shard: number;
  /** The sequence that was due; `found` is the one that came. */
  expected: bigint;
  found: bigint;
}

/** A promotion without a Hello: from the first shard that continued from a new base to the last. */
export interface Jump<Place> {
  /** The sequence before the new history's first. */
  readonly base: bigint;
  /** The place of the first record behind the base. */
  readonly place: Place;
  /** Shards that have continued from the base. */
  readonly shards: ReadonlySet<number>;
}

interface OpenJump<Place> extends Jump<Place> {
  readonly shards: Set<number>;
  /** The position of each shard when the first one jumped. */
  readonly before: KnownSequences;
}

/** How a course begins. */
export interface CourseOptions<Place> {
  /**
   * The history of an earlier course that this one continues, from a place between frames and outside of any
   * snapshot; undefined when none is known.
   */
  history?: History | undefined;
  /**
   * Whether the held content stays until new content is whole, so that a stream may return to its history.
   */
  keepsContent?: boolean;
  /** Called for a jump that turned out to be a gap. */
  onTakenBack?(jump: Jump<Place>): void;
}

/** A Hello that names a history, and the positions of the content before it. */
interface NamingHello {
  margin: Margin | undefined;
  watermarks: ArrayLike<bigint>;
  positions: Positions;
}

/**
 * The most promotions without a Hello; further ones are taken for gaps, for each is compared with all shards.
 */
const MAX_JUMPS = 16;
/** Milliseconds by which the clock of a promoted node may be behind that of the primary before it. */
const CLOCK_SKEW_MS = 60_000;

/** Follows frames among histories. `Place` is the caller's own description of where a jump is. */
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
  /** Since the last frame of a stream, a Hello without a margin was below the positions. */
  #isFallen = false;
  /**
   * All histories since the last known content began without any content, and none has given out a record.
   */
  #isEmptySoFar = false;
  /**
   * The base of the history before, which was empty so far where this one was named: records that come may
   * begin in it. Undefined: that history was not empty.
   */
  #emptyBase: bigint | undefined;
  #jump: OpenJump<Place> | undefined;
  readonly #accepted: Jump<Place>[] = [];
  /** Unix ms of the newest first record of a batch. */
  #newestMs = 0;
  /** For each shard, the plausible base behind which its last batch began, while no history is named. */
  readonly #begun = new Map<number, bigint>();

  constructor({ history, keepsContent = false, onTakenBack }: CourseOptions<Place> = {}) {
    this.#history = history;
    this.#keepsContent = keepsContent;
    this.#onTakenBack = onTakenBack ?? (() => {});
  }

  /** The history whose sequences come; undefined where no Hello has named it. */
  get history(): History | undefined {
    return this.#history;
  }

  /** Promotions without a Hello; the last one may yet turn out to be a gap. */
  get jumps(): readonly Jump<Place>[] {
    return this.#accepted;
  }

  /** Takes a Hello that has `watermarks`; an open snapshot is abandoned. */
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
      const empty = this.#isEmptySoFar ? last : undefined;
      this.#emptyBase = history.previous?.id === empty?.id ? empty?.base : undefined;
      this.#isEmptySoFar = isEmptyBefore(history, empty);
    }
    const outcome = moveInto(history, before, { margin, watermarks, positions });
    this.#kept = outcome === 'begins' && this.#keepsContent ? { history: before } : undefined;
    return outcome;
  }

  /**
   * Takes a SnapshotBegin at `offset`; an open snapshot is abandoned. `positions` are those of the content
   * before it.
   */
  begin(watermarks: ArrayLike<bigint>, offset: number, positions: Positions): void {
    this.#closeJump(positions);
    // A primary without a margin has no history, even if the primary before it had one.
    if (this.#isUnnamed) this.#history = undefined;
    this.#isFallen = false;
    this.snapshot.begin(watermarks, offset);
  }

  /**
   * Takes a batch, by its first record; returns true when everything begins again at sequence 1, without
   * content.
   */
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
   * The sequence before this record if content can begin with it, where there is none; otherwise undefined.
   */
  startBefore(sequence: bigint): bigint | undefined {
    const base = sequence - 1n;
    if (this.#history === undefined) return isHistoryBase(base) ? base : undefined;
    if (base === this.#emptyBase) return base;
    return base === this.#history.base && this.#isEmptySoFar ? base : undefined;
  }

  /** Whether content that stands at these watermarks of a Hello is none: nothing was ever written to it. */
  isEmptyAt(watermarks: ArrayLike<bigint>): boolean {
    return Array.from(watermarks).every((at) => at === this.#history?.base || at === this.#emptyBase);
  }

  /** Whether a shard continues in spite of the difference, and is moved to the base; false: it is a gap. */
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

  /** Moves shards that have come to the end of the previous history to the base of this one. */
  settle(positions: Positions): void {
    this.#kept = undefined;
    settle(this.#history, positions);
  }

  /** Ends the stream. */
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
    // These shards had no known position when they continued from the base.
    for (const [other, begun] of this.#begun) if (begun === base) shards.add(other);
    if (!isBelow(held, base, shards)) return false;
    this.#closeJump(positions, shard);
    this.#jump = { base, place, shards, before: Array.from(held) };
    this.#accepted.push(this.#jump);
    return true;
  }

  /** Whether a clock made the base after all records that came before. */
  #isPlausible(base: bigint): boolean {
    return base !== 0n && isHistoryBase(base) && baseTimeMs(base) >= this.#newestMs - CLOCK_SKEW_MS;
  }

  /**
   * Ends the open jump: shards that have not jumped must have had no records. `next` jumps to a later base.
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

/** Moves positions in the history `before` to where they are in `history`, if they are a part of that. */
function moveInto(
  history: History,
  before: History | undefined,
  { margin, watermarks, positions }: NamingHello,
): 'same' | 'begins' | 'continues' {
  if (before?.id === history.id) return 'same';
  settle(before, positions);
  const held = positions.list();
  if (!isKnown(held)) return 'begins';
  if (continuesHere(margin)) {
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
 * Whether there was no content where `history` begins. `empty` is a history known to have had none so far.
 */
function isEmptyBefore({ previous }: History, empty: History | undefined): boolean {
  if (previous === undefined) return true;
  return previous.id === empty?.id && previous.watermarks.every((end) => end === empty.base);
}

function isKnown(held: KnownSequences): boolean {
  for (let shard = 0; shard < held.length; shard += 1) if (held[shard] !== undefined) return true;
  return false;
}

/** Whether no shard but the `jumping` ones is past the base. */
function isBelow(held: KnownSequences, base: bigint, jumping: ReadonlySet<number>): boolean {
  for (let shard = 0; shard < held.length; shard += 1) {
    if (!jumping.has(shard) && (held[shard] ?? 0n) > base) return false;
  }
  return true;
}

/** Whether every known shard of the list is at its watermark. */
function isAt(held: KnownSequences, watermarks: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    const own = held[shard];
    if (own !== undefined && own !== watermarks[shard]) return false;
  }
  return watermarks.length > 0;
}

/**
 * The positions in `history` of a holder at `held` of the history `before`; undefined: the held content is no
 * part of it. Where `before` is not named, only a holder at the very end of a history that counts from 1 is
 * taken to be part of it.
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
    // A holder that does not know the number of shards has all that there can be.
    if ((held[shard] ?? previous.base) !== previous.base) return undefined;
  }
  const own = ends.map((end, shard) => held[shard] ?? end);
  if (before === undefined && previous.base === 0n && own.some((at, shard) => at !== ends[shard]))
    return undefined;
  return placeIn(history, before?.id ?? previous.id, own);
}

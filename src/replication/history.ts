/**
 * The identity of a run of sequences (docs/architecture.md, "Histories"): a primary makes it and names it in
 * the margin of its answers, and when a replica is promoted, a new one continues it.
 */
import type { Clock, Random } from '../clock.js';
import type { Margin } from '../frame/margin.js';
import { drawHex } from './hex.js';

/** A run of sequences: the writes of one primary, over all its shards. */
export interface History {
  /** 128 random bits, 32 hex digits. */
  readonly id: string;
  /** The first sequence of every shard is `base + 1`. */
  readonly base: bigint;
  /**
   * The history with whose content this one began, and its end, when its primary was promoted. All sequences
   * of that end are at or below the base.
   */
  readonly previous?: PreviousHistory | undefined;
  /**
   * The ids of the histories that this one goes back to, the nearest first, `MAX_PAST` at most; undefined: it
   * goes back to none.
   */
  readonly past?: readonly string[] | undefined;
  /** An operator has decided that replicas give up other histories for this one. */
  readonly isFresh?: boolean | undefined;
  /**
   * Records that the histories before this one gave out, up to its base, over all shards; undefined when not
   * known.
   */
  readonly recordsBefore?: bigint | undefined;
  /**
   * A relay made the history up for a Rust primary's run; such a primary sends nothing for keys that expire.
   */
  readonly isRust?: boolean | undefined;
}

/** The history that another one continues, and where it ended. */
export interface PreviousHistory {
  readonly id: string;
  readonly base: bigint;
  /** The sequence at which each shard ended; the index is the shard. */
  readonly watermarks: readonly bigint[];
}

/**
 * The base of a new history. `clock`: above every sequence of an earlier run of this primary; `zero`:
 * numbering from 1, as in the Rust crate.
 */
export type SequenceBase = 'clock' | 'zero';

/** The clock and the random source from which a history is made. */
export type HistorySeams = { clock: Clock; random: Random };

/** The sequences that a shard may use in a millisecond before a restart could meet them: 2^11. */
const SEQUENCES_PER_MS_BITS = 11n;
/**
 * The share of the margin's 4 KiB for the previous history: about 180 shards' watermarks. A longer one is
 * left out, and then no replica can continue it.
 */
const PREVIOUS_MAX_CHARS = 3_072;

/** The most ancestors that a history names. */
const MAX_PAST = 16;
/** The share of the margin for the previous history and the ancestors together; the nearest are named. */
const ANCESTRY_MAX_CHARS = 3_328;
/** An id and the comma before it. */
const PAST_CHARS = 33;

/** A history that continues no other one. */
export function newHistory(seams: HistorySeams, sequenceBase: SequenceBase): History {
  return { id: newId(seams.random), base: sequenceBase === 'zero' ? 0n : clockBase(seams.clock) };
}

/**
 * Makes a history for content of a Rust primary, so that a relay's replicas can distinguish it from other
 * content.
 */
export function rustHistory(random: Random): History {
  return { id: newId(random), base: 0n, isRust: true };
}

/** The pairs of an answer's margin that describe a history. */
export function historyPairs(history: History): [string, string][] {
  const previous = namedPrevious(history);
  const pairs: [string, string][] = [
    ['history', history.id],
    ['base', history.base.toString()],
  ];
  if (previous !== undefined) {
    pairs.push(['prev', previousText(previous)], ['prevbase', previous.base.toString()]);
  }
  const past = namedPast(history);
  if (past.length > 0) pairs.push(['past', past.join()]);
  if (history.isFresh) pairs.push(['fresh', 'yes']);
  if (history.recordsBefore !== undefined) pairs.push(['before', history.recordsBefore.toString()]);
  if (history.isRust) pairs.push(['origin', 'rust']);
  return pairs;
}

/**
 * A pair in the margin of a dump's Hello whose previous history is too long for the margin, or not known: the
 * history continues what the dump led to.
 */
const CONTINUES_HERE = ['continues', 'here'] as const;

/**
 * The pairs for the margin of a Hello that is written into a dump. `isPromoted`: its history begins there,
 * with the content that the dump has led to.
 */
export function recordedPairs(history: History, isPromoted: boolean): [string, string][] {
  const pairs = historyPairs(history);
  if (isPromoted && namedPrevious(history) === undefined) pairs.push([...CONTINUES_HERE]);
  return pairs;
}

/** Whether a dump's Hello says that its history continues what is before it. */
export function continuesHere(margin: Margin | undefined): boolean {
  const [name, value] = CONTINUES_HERE;
  return margin?.get(name) === value;
}

/**
 * The history that an answer's margin names; undefined when it names none. Malformed pairs are taken as
 * absent.
 */
export function readHistory(margin: Margin | undefined): History | undefined {
  const id = margin?.get('history') ?? '';
  if (margin === undefined || !/^[0-9a-f]{32}$/.test(id)) return undefined;
  const base = parseU64(margin.get('base')) ?? 0n;
  const previous = parsePrevious(margin, base);
  const past = parsePast(margin);
  const recordsBefore = parseU64(margin.get('before'));
  return {
    id,
    base,
    ...(previous && { previous }),
    ...(past && { past }),
    ...(margin.get('fresh') === 'yes' && { isFresh: true }),
    ...(recordsBefore !== undefined && { recordsBefore }),
    ...(margin.get('origin') === 'rust' && { isRust: true }),
  };
}

/** Returns the ancestors of a history that continues `history` or its content: `History.past` of that. */
export function pastBehind(history: History | undefined): readonly string[] | undefined {
  return history && [history.id, ...(history.past ?? [])].slice(0, MAX_PAST);
}

/**
 * Returns the history as one that also goes back to `ids`, whose content a relay has given up for it. Half of
 * the ancestors that a history names come from there at most, the first of the list.
 */
export function goingBackTo(history: History, ids: readonly string[]): History {
  const others = ids.filter((id) => !goesBackTo(history, id)).slice(0, MAX_PAST / 2);
  if (others.length === 0) return history;
  return { ...history, past: [...others, ...(history.past ?? [])].slice(0, MAX_PAST) };
}

/**
 * Returns whether content of the history `id` belongs to this history, or to one that it goes back to; false
 * where `id` is undefined.
 */
export function goesBackTo(history: History, id: string | undefined): boolean {
  if (id === undefined) return false;
  return id === history.id || id === history.previous?.id || history.past?.includes(id) === true;
}

/**
 * The positions in `history` of a holder of `watermarks` of the history `id`, by the one rule of both sides;
 * undefined when what it holds is no part of `history`. Sequences of the previous history keep their numbers;
 * its last is the base.
 */
export function placeIn(
  history: History,
  id: string | undefined,
  watermarks: ArrayLike<bigint>,
): bigint[] | undefined {
  const previous = namedPrevious(history);
  const isPart =
    id === history.id || (id !== undefined && id === previous?.id && isWithin(watermarks, previous));
  if (!isPart) return undefined;
  return Array.from(watermarks, (held, shard) => (isAtEnd(previous, shard, held) ? history.base : held));
}

/**
 * Whether a shard at `held` has come to the end of the previous history, and so continues from the next one's
 * base.
 */
export function isAtEnd(
  previous: PreviousHistory | undefined,
  shard: number,
  held: bigint | undefined,
): boolean {
  return held !== undefined && held === previous?.watermarks[shard];
}

/**
 * Whether `held` lies within this history: sequences below its base belong to an earlier one, whose end is
 * not known. A shard may have ended there all the same, where its node lacked that end and was promoted.
 */
function isWithin(held: ArrayLike<bigint>, { base, watermarks }: PreviousHistory): boolean {
  if (held.length !== watermarks.length) return false;
  return watermarks.every(
    (end, shard) => held[shard] === end || (held[shard]! >= base && held[shard]! <= end),
  );
}

/**
 * The previous history; undefined also when it is too long for a margin, for then the other side could not
 * follow the rule.
 */
function namedPrevious({ previous }: History): PreviousHistory | undefined {
  return previous !== undefined && previousText(previous).length <= PREVIOUS_MAX_CHARS ? previous : undefined;
}

/** The ancestors for which a margin has room beside the previous history. */
function namedPast(history: History): readonly string[] {
  const previous = namedPrevious(history);
  const room = ANCESTRY_MAX_CHARS - (previous === undefined ? 0 : previousText(previous).length);
  return history.past?.slice(0, Math.floor(room / PAST_CHARS)) ?? [];
}

function previousText({ id, watermarks }: PreviousHistory): string {
  return `${id}@${watermarks.join()}`;
}

function parsePrevious(margin: Margin, end: bigint): PreviousHistory | undefined {
  const text = margin.get('prev') ?? '';
  const [, id, list] = /^([0-9a-f]{32})@(\d{1,20}(?:,\d{1,20})*)$/.exec(text) ?? [];
  if (id === undefined || list === undefined) return undefined;
  const watermarks = list.split(',').map(BigInt);
  const base = parseU64(margin.get('prevbase')) ?? 0n;
  return watermarks.every((watermark) => watermark <= end) ? { id, base, watermarks } : undefined;
}

function parsePast(margin: Margin): string[] | undefined {
  const text = margin.get('past') ?? '';
  return /^[0-9a-f]{32}(?:,[0-9a-f]{32}){0,15}$/.test(text) ? text.split(',') : undefined;
}

function parseU64(text = ''): bigint | undefined {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value < 1n << 64n ? value : undefined;
}

/** 128 random bits as 32 hex digits. */
export function newId(random: Random): string {
  return drawHex(random, 32);
}

/** The base of a history that begins now: its Unix ms times 2^11. */
export function clockBase(clock: Clock): bigint {
  return BigInt(Math.trunc(clock.nowMs())) << SEQUENCES_PER_MS_BITS;
}

/** Returns the first sequence from `sequence` on that has the form of a base which a clock made. */
export function baseFrom(sequence: bigint): bigint {
  const mask = (1n << SEQUENCES_PER_MS_BITS) - 1n;
  return (sequence + mask) & ~mask;
}

/** The earliest time at which a clock can have made a base: the project's own first year, in Unix ms. */
const EARLIEST_BASE_MS = Date.UTC(2024, 0);

/**
 * Whether a history may have begun behind this sequence; another shard's first sequence must confirm that it
 * did.
 */
export function isHistoryBase(sequence: bigint): boolean {
  const ms = sequence >> SEQUENCES_PER_MS_BITS;
  return sequence === 0n || (ms >= EARLIEST_BASE_MS && ms << SEQUENCES_PER_MS_BITS === sequence);
}

/** Unix milliseconds at which a clock made this base. */
export function baseTimeMs(base: bigint): number {
  return Number(base >> SEQUENCES_PER_MS_BITS);
}

/** The history that an endpoint or a dump names. */
export interface EndpointHistory {
  /**
   * The id, 32 hex digits; null where it is not named: by a Rust primary, and by a dump without a fastcache
   * node's answer.
   */
  history: string | null;
  /** The sequence before the history's first; null when `history` is. */
  base: bigint | null;
}

/**
 * The identity of a run of sequences (design.md, "Histories"): made by a primary, told in the margin of its
 * answers, and continued, when a replica is promoted, by a new one.
 */
import type { Clock, Random } from '../clock.js';
import type { Margin } from '../frame/margin.js';

/** A run of sequences: the writes of one primary, over all its shards. */
export interface History {
  /** 128 random bits, 32 hex digits. */
  readonly id: string;
  /** The first sequence of every shard is `base + 1`. */
  readonly base: bigint;
  /** Whose content this history began with, and where that stood: it was promoted. All are below the base. */
  readonly previous?: PreviousHistory | undefined;
  /**
   * Records that the histories before this one gave out, up to its base, over all shards; undefined: not
   * known.
   */
  readonly recordsBefore?: bigint | undefined;
  /** Made up by a relay for a Rust primary's run: such a primary tells nothing of keys that expire. */
  readonly isRust?: boolean | undefined;
}

/** The history that another one continues, and where it ended. */
export interface PreviousHistory {
  readonly id: string;
  readonly base: bigint;
  /** Index = shard. */
  readonly watermarks: readonly bigint[];
}

/**
 * `clock`: above whatever an earlier run of this primary reached; `zero`: the original's numbering from 1.
 */
export type SequenceBase = 'clock' | 'zero';

/** A history is made from the clock and from chance. */
export type HistorySeams = { clock: Clock; random: Random };

/** Sequences a shard may use a millisecond before a restart could meet them: 2^11. */
const SEQUENCES_PER_MS_BITS = 11n;
/**
 * Of the margin's 4 KiB: about 180 shards' watermarks. What is longer is not told, and then nobody continues
 * it.
 */
const PREVIOUS_MAX_CHARS = 3_072;

/** A history that continues no other one. */
export function newHistory(seams: HistorySeams, sequenceBase: SequenceBase): History {
  return { id: newId(seams.random), base: sequenceBase === 'zero' ? 0n : clockBase(seams.clock) };
}

/** For content of a Rust primary, so that a relay's replicas can tell it from other content. */
export function rustHistory(random: Random): History {
  return { id: newId(random), base: 0n, isRust: true };
}

/** What the margin of an answer says of a history. */
export function historyPairs(history: History): [string, string][] {
  const previous = toldPrevious(history);
  const pairs: [string, string][] = [
    ['history', history.id],
    ['base', history.base.toString()],
  ];
  if (previous !== undefined) {
    pairs.push(['prev', previousText(previous)], ['prevbase', previous.base.toString()]);
  }
  if (history.recordsBefore !== undefined) pairs.push(['before', history.recordsBefore.toString()]);
  if (history.isRust) pairs.push(['origin', 'rust']);
  return pairs;
}

/**
 * The margin of a dump's Hello: the history continues what the dump led to, where it is too much to say from
 * where.
 */
const CONTINUES_HERE = ['continues', 'here'] as const;

/**
 * What the margin of a Hello says that is written into a dump. `isPromoted`: its history begins there, with
 * the content that the dump has led to.
 */
export function recordedPairs(history: History, isPromoted: boolean): [string, string][] {
  const pairs = historyPairs(history);
  if (isPromoted && toldPrevious(history) === undefined) pairs.push([...CONTINUES_HERE]);
  return pairs;
}

/** Whether a dump's Hello says that its history continues what stands before it. */
export function isToldHere(margin: Margin | undefined): boolean {
  const [name, value] = CONTINUES_HERE;
  return margin?.get(name) === value;
}

/**
 * The history that an answer's margin tells; undefined when it tells none. What is malformed of the rest is
 * not there.
 */
export function readHistory(margin: Margin | undefined): History | undefined {
  const id = margin?.get('history') ?? '';
  if (margin === undefined || !/^[0-9a-f]{32}$/.test(id)) return undefined;
  const base = parseU64(margin.get('base')) ?? 0n;
  const previous = parsePrevious(margin, base);
  const recordsBefore = parseU64(margin.get('before'));
  return {
    id,
    base,
    ...(previous && { previous }),
    ...(recordsBefore !== undefined && { recordsBefore }),
    ...(margin.get('origin') === 'rust' && { isRust: true }),
  };
}

/**
 * Where who holds `watermarks` of the history `id` stands in `history`, by the one rule of both sides:
 * undefined when what it holds is no part of that. Sequences of the previous history keep their numbers; its
 * last is the base.
 */
export function placeIn(
  history: History,
  id: string | undefined,
  watermarks: ArrayLike<bigint>,
): bigint[] | undefined {
  const previous = toldPrevious(history);
  const isPart =
    id === history.id || (id !== undefined && id === previous?.id && isWithin(watermarks, previous));
  if (!isPart) return undefined;
  return Array.from(watermarks, (held, shard) => (isAtEnd(previous, shard, held) ? history.base : held));
}

/**
 * Whether a shard that stands at `held` has come to the end of the previous history, and goes on from the
 * base of the next.
 */
export function isAtEnd(
  previous: PreviousHistory | undefined,
  shard: number,
  held: bigint | undefined,
): boolean {
  return held !== undefined && held === previous?.watermarks[shard];
}

/** What is below the base is numbered in a history still earlier, whose end is not known here. */
function isWithin(held: ArrayLike<bigint>, { base, watermarks }: PreviousHistory): boolean {
  if (held.length !== watermarks.length) return false;
  return watermarks.every((end, shard) => held[shard]! >= base && held[shard]! <= end);
}

/** Undefined also when it is too long to be told, for then the other side could not follow the rule. */
function toldPrevious({ previous }: History): PreviousHistory | undefined {
  return previous !== undefined && previousText(previous).length <= PREVIOUS_MAX_CHARS ? previous : undefined;
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

function parseU64(text = ''): bigint | undefined {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value < 1n << 64n ? value : undefined;
}

/** 128 random bits as 32 hex digits. */
export function newId(random: Random): string {
  return Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
}

/** The base of a history that begins now. */
export function clockBase(clock: Clock): bigint {
  return BigInt(Math.trunc(clock.nowMs())) << SEQUENCES_PER_MS_BITS;
}

/** The first clock that a base can have been made by: the project's own year. */
const EARLIEST_BASE_MS = Date.UTC(2024, 0);

/**
 * Whether a history may have begun behind this sequence: that it did, another shard's first sequence must
 * confirm.
 */
export function isHistoryBase(sequence: bigint): boolean {
  const ms = sequence >> SEQUENCES_PER_MS_BITS;
  return sequence === 0n || (ms >= EARLIEST_BASE_MS && ms << SEQUENCES_PER_MS_BITS === sequence);
}

/** Unix ms at which a clock made this base. */
export function baseTimeMs(base: bigint): number {
  return Number(base >> SEQUENCES_PER_MS_BITS);
}

/** The history that an endpoint or a dump names. */
export interface EndpointHistory {
  /**
   * 32 hex digits; null where it is not told: by a Rust primary, and by a dump without an answer of ours in
   * it.
   */
  history: string | null;
  /** The sequence before the history's first; null as `history`. */
  base: bigint | null;
}
const NOT_TOLD: EndpointHistory = { history: null, base: null };

/** The history that a primary's Hello tells in its margin (design.md, Histories). */
export function historyInMargin(margin: Margin | undefined): EndpointHistory {
  const history = readHistory(margin);
  return history === undefined ? NOT_TOLD : { history: history.id, base: history.base };
}

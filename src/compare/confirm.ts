/**
 * Looks again at keys that differed when they were listed, at different times, until it is known of each
 * whether it does. In one history a key differs when the side that is ahead has not changed it from before
 * the other was asked until after, for then it has at the other's sequence what it has now. Without a common
 * history it differs when neither side changes it for a while.
 */
import { pause, type Timers } from '../clock.js';
import { COMPARED_KEYS_MAX, type KeyPlace, type KeyState } from '../frame/compare.js';
import { HELLO_MAX_BYTES } from '../limits.js';
import { askSide, type Side } from './side.js';

/** One for each side. */
export type Pair<T> = readonly [T, T];

/** A key that may differ. */
export interface Candidate {
  key: Buffer;
  /** Where it is looked for on either side. */
  shards: [number, number];
  /** The entries that were listed of it; undefined: none was. */
  entries: [KeyState['entry'], KeyState['entry']];
}

/** How a key differs. */
export type DifferenceSort = 'only-first' | 'only-second' | 'value' | 'expiry' | 'value-and-expiry';

/** A key that differs. */
export interface KeyDifference {
  sort: DifferenceSort;
  key: Buffer;
  /** The shard of the first side. */
  shard: number;
}

/** The verdicts about keys that may differ. */
export interface Verdicts {
  different: KeyDifference[];
  /** Keys that were changed whenever they were looked at. */
  changing: number;
  /** Keys that differ while one side is behind the other, and stays so. */
  behind: number;
}

/** How `confirm` works. */
export interface ConfirmOptions {
  timers: Timers;
  signal: AbortSignal;
  /** The side that is asked before and behind the other: the one that is rather ahead. */
  leader: 0 | 1;
  isOneHistory: boolean;
  /** Whether an entry with this expiry counts as gone. */
  isGone(expiresAtMs: bigint): boolean;
}

const ROUNDS = 12;
const PAUSE_MIN_MS = 20;
const PAUSE_MAX_MS = 1_000;
/** How long keys of two servers without a common history stay unchanged before they count. */
const HOLD_MS = 1_000;
/** Bytes of a question before its keys, and before each of them. */
const HEAD_BYTES = 8;

/** Looks at the candidates again. Rejects as `askSide`, and with the reason of the signal. */
export async function confirm(
  sides: Pair<Side>,
  candidates: readonly Candidate[],
  options: ConfirmOptions,
): Promise<Verdicts> {
  const verdicts: Verdicts = { different: [], changing: 0, behind: 0 };
  for (const chunk of chunksOf(candidates, ({ key }) => key)) {
    options.signal.throwIfAborted();
    await confirmSome(sides, chunk, options, verdicts);
  }
  return verdicts;
}

/** Divides items with keys into such as fit in one question each. */
export function* chunksOf<T>(items: readonly T[], keyOf: (item: T) => Uint8Array): Generator<T[]> {
  let chunk: T[] = [];
  let bytes = HEAD_BYTES;
  for (const item of items) {
    const itemBytes = HEAD_BYTES + keyOf(item).length;
    if (chunk.length === COMPARED_KEYS_MAX || (chunk.length > 0 && bytes + itemBytes > HELLO_MAX_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = HEAD_BYTES;
    }
    chunk.push(item);
    bytes += itemBytes;
  }
  if (chunk.length > 0) yield chunk;
}

async function confirmSome(
  sides: Pair<Side>,
  chunk: readonly Candidate[],
  options: ConfirmOptions,
  verdicts: Verdicts,
): Promise<void> {
  const { timers, signal, leader, isOneHistory } = options;
  const other = leader === 0 ? 1 : 0;
  const ask = async (index: 0 | 1, asked: readonly Candidate[]) => {
    const keys: KeyPlace[] = asked.map(({ key, shards }) => ({ key, shard: shards[index] }));
    return (await askSide(sides[index], { asks: 'keys', keys })).keys;
  };
  const holdMs = !isOneHistory && sides[0].isServer && sides[1].isServer ? HOLD_MS : 0;
  let left = [...chunk];
  let isBehind = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    signal.throwIfAborted();
    const before = await ask(leader, left);
    const between = await ask(other, left);
    if (holdMs > 0) await pause(timers, holdMs, signal);
    const after = await ask(leader, left);
    const held = isOneHistory ? between : await ask(other, left);
    isBehind = false;
    left = left.filter((candidate, index) => {
      const [first, second, third, fourth] = [before[index], between[index], after[index], held[index]];
      if (first === undefined || second === undefined || third === undefined || fourth === undefined)
        return true;
      const entries = [third.entry, fourth.entry].map((entry) =>
        entry !== undefined && options.isGone(entry.expiresAtMs) ? undefined : entry,
      );
      if (isSameEntry(entries[0], entries[1])) return false;
      if (isSameEntry(first.entry, second.entry)) return false;
      // The deletion of what had expired is no change.
      const isTouched = third.isChanged || !isSameEntry(first.entry, third.entry);
      if (isTouched || (!isOneHistory && fourth.isChanged)) return true;
      if (isOneHistory && (second.watermark < first.watermark || second.watermark > third.watermark)) {
        isBehind = true;
        return true;
      }
      const [own, others] = other === 1 ? entries : [entries[1], entries[0]];
      const shard = (other === 1 ? third : fourth).shard;
      verdicts.different.push({ sort: sortOf(own, others), key: candidate.key, shard });
      return false;
    });
    if (left.length === 0) return;
    await pause(timers, Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** round), signal);
  }
  if (isBehind) verdicts.behind += left.length;
  else verdicts.changing += left.length;
}

function isSameEntry(a: KeyState['entry'], b: KeyState['entry']): boolean {
  return a?.print === b?.print && a?.expiresAtMs === b?.expiresAtMs;
}

function sortOf(a: KeyState['entry'], b: KeyState['entry']): DifferenceSort {
  if (a === undefined) return 'only-second';
  if (b === undefined) return 'only-first';
  if (a.print === b.print) return 'expiry';
  return a.expiresAtMs === b.expiresAtMs ? 'value' : 'value-and-expiry';
}

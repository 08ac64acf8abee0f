/**
 * Compares two sides (docs/operations.md, "Comparing servers"): the digests of their shards first, then those
 * of parts of the key hashes, then the entries of the parts that differ, and in the end those keys that still
 * do. It ends when the keys that are left differ in content that both sides hold at the same sequence.
 */
import { setImmediate } from 'node:timers/promises';
import { pause, type Seams } from '../clock.js';
import { FastcacheError } from '../errors.js';
import { ANY_SHARD, PART_BITS, type PartState, type ShardState } from '../frame/compare.js';
import { sameDigest } from '../frame/digests.js';
import { type Candidate, confirm, type KeyDifference, type Pair, type Verdicts } from './confirm.js';
import { type AnswerTo, askSide, type Side } from './side.js';

/** How `compareSides` works. */
export interface CompareOptions extends Pick<Seams, 'clock' | 'timers'> {
  /** The most differences that are listed. */
  limit: number;
  signal: AbortSignal;
  /** Called now and then with what is done, and the share of that, 0 to 1. */
  onProgress?(stage: 'digests' | 'keys', share: number): void;
}

/** The result of a comparison. */
export interface Comparison {
  /** Whether nothing differs that could be compared. */
  isEqual: boolean;
  /** Whether both have one history, so that what differs does so at the same sequence. */
  isOneHistory: boolean;
  /** The keys of either side, when it was asked first. */
  keys: readonly [number, number];
  differences: readonly KeyDifference[];
  /** Parts of the key hashes that differ too, and were not looked into because of the limit. */
  partsLeft: number;
  /** Shards that differ at the same sequence, in no key that can be listed. */
  unexplainedShards: readonly number[];
  /** Keys that were written whenever they were looked at. */
  changingKeys: number;
  /** Keys that differ in what one side has not yet received, perhaps. */
  behindKeys: number;
}

type Shards = AnswerTo<'shards'>;
/** The shards of either side that are compared with each other, as one. */
type Unit = Pair<readonly number[]>;

/** How often digests of shards are compared at first, while sequences differ. */
const DIGEST_ROUNDS = 4;
const DIGEST_PAUSE_MS = 50;
/** About so many keys are in a part. */
const KEYS_PER_PART = 16;
/** Entries of both sides that are listed at a time, about. */
const LISTED_ENTRIES = 65_536;
const UNIT_ROUNDS = 3;

/** Compares two sides. Rejects as `askSide`, and with the reason of the signal. */
export async function compareSides(sides: Pair<Side>, options: CompareOptions): Promise<Comparison> {
  return new SideComparison(sides, options).run();
}

/** One comparison. */
class SideComparison {
  readonly #sides: Pair<Side>;
  readonly #options: CompareOptions;
  readonly #differences: KeyDifference[] = [];
  readonly #unexplained: number[] = [];
  #partsLeft = 0;
  #changing = 0;
  #behind = 0;
  #isOneHistory = false;
  readonly #shardCounts: [number | undefined, number | undefined] = [undefined, undefined];
  #leader: 0 | 1 = 0;

  constructor(sides: Pair<Side>, options: CompareOptions) {
    this.#sides = sides;
    this.#options = options;
  }

  async run(): Promise<Comparison> {
    const [a, b] = await this.#shards();
    this.#isOneHistory =
      a.history !== undefined && a.history === b.history && a.shards.length === b.shards.length;
    this.#leader = b.isPrimary ? 1 : 0;
    const keys = [a, b].map(({ shards }) => Number(sumOf(shards).keys)) as unknown as Pair<number>;
    for (const unit of await this.#differing([a, b])) {
      if (this.#isFull) this.#partsLeft += 1;
      else if (this.#isOneHistory) await this.#compareShard(unit);
      else await this.#compareUnit(unit);
    }
    const isEqual =
      this.#differences.length + this.#partsLeft + this.#unexplained.length === 0 && this.#behind === 0;
    return {
      isEqual,
      isOneHistory: this.#isOneHistory,
      keys,
      differences: this.#differences,
      partsLeft: this.#partsLeft,
      unexplainedShards: this.#unexplained,
      changingKeys: this.#changing,
      behindKeys: this.#behind,
    };
  }

  get #isFull(): boolean {
    return this.#differences.length >= this.#options.limit;
  }

  #both<T>(ask: (side: Side, index: 0 | 1) => Promise<T>): Promise<Pair<T>> {
    this.#options.signal.throwIfAborted();
    return Promise.all([ask(this.#sides[0], 0), ask(this.#sides[1], 1)]);
  }

  /** Returns the digests of all shards, of which a side has as many each time. */
  #shards(): Promise<Pair<Shards>> {
    return this.#both(async (side, index) => {
      const look = await askSide(side, { asks: 'shards' });
      const count = look.shards.length;
      const before = (this.#shardCounts[index] ??= count);
      if (count === before) return look;
      const message = `${side.name} does not compare: it had ${before} shards, and now has ${count}.`;
      throw new FastcacheError('COMPARE_REFUSED', message, { expected: before, found: count });
    });
  }

  /** Returns the units whose digests are not equal, in several looks where sequences differ. */
  async #differing(first: Pair<Shards>): Promise<Unit[]> {
    const { timers, signal } = this.#options;
    if (!this.#isOneHistory) {
      const [a, b] = first.map(({ shards }) => sumOf(shards)) as unknown as Pair<ShardState>;
      const all = ({ shards }: Shards) => shards.map((_, shard) => shard);
      return hasDigests(first) && sameDigest(a, b) ? [] : [[all(first[0]), all(first[1])]];
    }
    let left = first[0].shards.map((_, shard) => shard);
    const found: number[] = [];
    let look = first;
    for (let round = 1; ; round += 1) {
      const [a, b] = look;
      const isKnown = hasDigests(look);
      left = left.filter((shard) => !(isKnown && sameDigest(a.shards[shard]!, b.shards[shard]!)));
      const isAtOne = (shard: number) => a.shards[shard]!.watermark === b.shards[shard]!.watermark;
      found.push(...left.filter((shard) => !isKnown || isAtOne(shard)));
      left = left.filter((shard) => isKnown && !isAtOne(shard));
      if (left.length === 0 || round === DIGEST_ROUNDS) break;
      await pause(timers, DIGEST_PAUSE_MS, signal);
      look = await this.#shards();
    }
    return [...found, ...left].sort((x, y) => x - y).map((shard) => [[shard], [shard]]);
  }

  /** Compares a shard of one history, until its digests are equal or what differs is known. */
  async #compareShard(unit: Unit): Promise<void> {
    const [[shard]] = unit;
    for (let round = 1; ; round += 1) {
      const found = await this.#compareUnit(unit);
      if (found > 0 || this.#isFull) return;
      const [a, b] = await this.#shards();
      const states = [a.shards[shard!]!, b.shards[shard!]!] as const;
      if (!hasDigests([a, b]) || sameDigest(...states)) return;
      if (round < UNIT_ROUNDS) continue;
      if (states[0].watermark === states[1].watermark) this.#unexplained.push(shard!);
      return;
    }
  }

  /** Compares a unit once; returns how many keys differ, or could not be compared. */
  async #compareUnit(unit: Unit): Promise<number> {
    const look = await this.#shards();
    const keys = [0, 1].map((side) =>
      unit[side]!.reduce((sum, at) => sum + Number(look[side]!.shards[at]?.keys ?? 0n), 0),
    );
    const bits = bitsFor(Math.max(...keys));
    const [a, b] = await this.#both((side, index) => this.#partsOf(side, unit[index], bits));
    const differing = a.flatMap((part, index) => (sameDigest(part, b[index]!) ? [] : [index]));
    let found = 0;
    for (let from = 0; from < differing.length; ) {
      if (this.#isFull) {
        this.#partsLeft += differing.length - from;
        break;
      }
      let until = from;
      for (let entries = 0n; until < differing.length && entries < LISTED_ENTRIES; until += 1) {
        const part = differing[until]!;
        entries += a[part]!.entries + b[part]!.entries;
      }
      found += await this.#compareParts(unit, bits, differing.slice(from, until));
      from = until;
    }
    return found;
  }

  async #partsOf(side: Side, shards: readonly number[], bits: number): Promise<PartState[]> {
    const sums = Array.from({ length: 2 ** bits }, () => ({ sum: 0n, second: 0n, entries: 0n }));
    for (const [index, shard] of shards.entries()) {
      const { parts } = await askSide(side, { asks: 'parts', shard, bits }, (share) =>
        this.#options.onProgress?.('digests', (index + share) / shards.length),
      );
      for (const [part, { sum, second, entries }] of parts.entries()) {
        const total = sums[part];
        if (total === undefined) continue;
        total.sum = BigInt.asUintN(64, total.sum + sum);
        total.second = BigInt.asUintN(64, total.second + second);
        total.entries += entries;
      }
    }
    return sums;
  }

  /** Compares the entries of some parts; returns how many keys differ, or could not be compared. */
  async #compareParts(unit: Unit, bits: number, parts: readonly number[]): Promise<number> {
    const wanted = Buffer.alloc(2 ** (bits - 3));
    for (const part of parts) wanted[part >> 3]! |= 1 << (part & 7);
    const candidates = new Map<string, Candidate>();
    await this.#both((_, index) => this.#list(index, unit, { bits, wanted }, candidates));
    for (const [name, { entries }] of candidates) if (isEntry(...entries)) candidates.delete(name);
    const verdicts = await this.#confirm([...candidates.values()]);
    const { limit } = this.#options;
    const room = limit - this.#differences.length;
    this.#differences.push(...verdicts.different.slice(0, room));
    if (verdicts.different.length > room) this.#partsLeft += 1;
    this.#changing += verdicts.changing;
    this.#behind += verdicts.behind;
    return verdicts.different.length + verdicts.changing + verdicts.behind;
  }

  async #list(
    index: 0 | 1,
    unit: Unit,
    parts: { bits: number; wanted: Uint8Array },
    candidates: Map<string, Candidate>,
  ): Promise<void> {
    const { clock, signal, onProgress } = this.#options;
    for (const shard of unit[index]) {
      let cursor = 0n;
      do {
        signal.throwIfAborted();
        const question = { asks: 'list', shard, cursor, ...parts } as const;
        const listed = await askSide(this.#sides[index], question, (share) => onProgress?.('keys', share));
        for (const { key, print, expiresAtMs } of listed.entries) {
          if (this.#isGone(expiresAtMs, clock.nowMs())) continue;
          const name = key.toString('latin1');
          // Without a common history a key that is only on one side is looked for where it routes to.
          const elsewhere = this.#isOneHistory ? shard : ANY_SHARD;
          const candidate: Candidate = candidates.get(name) ?? {
            key: Buffer.from(key),
            shards: [elsewhere, elsewhere],
            entries: [undefined, undefined],
          };
          candidate.shards[index] = shard;
          candidate.entries[index] = { print, expiresAtMs };
          candidates.set(name, candidate);
        }
        cursor = listed.cursor;
        await setImmediate();
      } while (cursor !== 0n);
    }
  }

  #confirm(candidates: readonly Candidate[]): Promise<Verdicts> {
    const { timers, signal, clock } = this.#options;
    return confirm(this.#sides, candidates, {
      timers,
      signal,
      leader: this.#leader,
      isOneHistory: this.#isOneHistory,
      isGone: (expiresAtMs) => this.#isGone(expiresAtMs, clock.nowMs()),
    });
  }

  /** An expired entry is content until its deletion, which has a sequence of its own in one history only. */
  #isGone(expiresAtMs: bigint, nowMs: number): boolean {
    return !this.#isOneHistory && expiresAtMs <= BigInt(nowMs);
  }
}

function bitsFor(keys: number): number {
  const bits = Math.ceil(Math.log2(Math.max(1, keys / KEYS_PER_PART)));
  return Math.min(PART_BITS.max, Math.max(PART_BITS.min, bits));
}

function hasDigests(look: Pair<Shards>): boolean {
  return look[0].hasDigests && look[1].hasDigests;
}

function isEntry(a: Candidate['entries'][0], b: Candidate['entries'][0]): boolean {
  return a?.print === b?.print && a?.expiresAtMs === b?.expiresAtMs;
}

function sumOf(shards: readonly ShardState[]): ShardState {
  return shards.reduce((sum, shard) => ({
    watermark: 0n,
    sum: BigInt.asUintN(64, sum.sum + shard.sum),
    second: BigInt.asUintN(64, sum.second + shard.second),
    keys: sum.keys + shard.keys,
  }));
}

/**
 * A history as its primary emitted it, shard by shard, with that of a promoted primary's predecessor before
 * it.
 */
import { xxh3 } from '@node-rs/xxhash';
import type { DecodedRecord } from '../../../src/frame/batch.js';
import type { History } from '../../../src/replication/history.js';

/** A key's value as the fold has it. */
export interface Kept {
  value: Buffer;
  expireAtMs: bigint | null;
}

export class RecordedHistory {
  readonly id: string;
  readonly #shards: RecordedShard[];

  static begin(
    { id, previous }: History,
    watermarks: readonly bigint[],
    before: RecordedHistory | undefined,
  ): RecordedHistory {
    const shards = watermarks.map((watermark, shard) => {
      const ended = previous && before?.shard(shard);
      return new RecordedShard(watermark, ended && { source: ended, at: previous.watermarks[shard] ?? 0n });
    });
    return new RecordedHistory(id, shards);
  }

  private constructor(id: string, shards: RecordedShard[]) {
    this.id = id;
    this.#shards = shards;
  }

  shard(shard: number): RecordedShard {
    const found = this.#shards[shard];
    if (found === undefined) throw new Error(`history ${this.id} has no shard ${shard}`);
    return found;
  }

  /** The highest sequence of each shard that was emitted. */
  watermarks(): bigint[] {
    return this.#shards.map((shard) => shard.last);
  }

  /** A frame ends: the records that were emitted so far can be on a disk as a whole, but no part of them. */
  endFrame(): void {
    for (const shard of this.#shards) shard.endFrame();
  }

  push(record: DecodedRecord): void {
    const { key, keyHash, shard } = record;
    if (keyHash !== xxh3.xxh64(key)) throw new Error(`a record of shard ${shard} has a wrong hash of ${key}`);
    this.shard(shard).push(record);
  }
}

export class RecordedShard {
  /** Those of the histories before too: the first `#inherited`. */
  readonly #records: DecodedRecord[];
  readonly #inherited: number;
  readonly #base: bigint;
  readonly #previous: RecordedShard | undefined;
  /** The sequences with which frames ended. */
  readonly #ends = new Set<bigint>();

  /** Sequences begin above `base`; `previous`: the history that they continue, up to the sequence `at`. */
  constructor(base: bigint, previous: { source: RecordedShard; at: bigint } | undefined) {
    this.#base = base;
    this.#previous = previous?.source;
    this.#inherited = previous === undefined ? 0 : previous.source.indexOf(previous.at);
    this.#records = previous === undefined ? [] : previous.source.#records.slice(0, this.#inherited);
  }

  /** The highest sequence that was emitted. */
  get last(): bigint {
    return this.#base + BigInt(this.#records.length - this.#inherited);
  }

  endFrame(): void {
    this.#ends.add(this.last);
  }

  /** Whether a frame ended with that sequence, or the history began with it. */
  isEnd(watermark: bigint): boolean {
    if (watermark < this.#base) return this.#previous?.isEnd(watermark) ?? false;
    return watermark === this.#base || this.#ends.has(watermark);
  }

  push(record: DecodedRecord): void {
    const due = this.last + 1n;
    if (record.sequence !== due)
      throw new Error(`the primary emitted ${record.sequence} when ${due} was due`);
    this.#records.push(record);
  }

  /** Records up to a watermark, which may be of a history before. Throws when nobody ever stood there. */
  indexOf(watermark: bigint): number {
    if (watermark >= this.#base) {
      const index = this.#inherited + Number(watermark - this.#base);
      if (index <= this.#records.length) return index;
    } else if (this.#previous !== undefined) {
      const index = this.#previous.indexOf(watermark);
      if (index <= this.#inherited) return index;
    }
    throw new Error(`a shard stands at ${watermark}, which was never emitted in its history`);
  }

  /** Whether the first `index` records of another are this one's too. */
  sharesUpTo(other: RecordedShard, index: number): boolean {
    return other === this || index === 0 || other.#records[index - 1] === this.#records[index - 1];
  }

  /** All that the first `index` records leave behind. */
  fold(index: number): Map<string, Kept> {
    const content = new Map<string, Kept>();
    this.apply(content, 0, index);
    return content;
  }

  /** Brings content on from `from` records to `to`; returns the keys, in latin1, that these touched. */
  apply(content: Map<string, Kept>, from: number, to: number): Set<string> {
    const touched = new Set<string>();
    for (let index = from; index < to; index += 1) {
      const { op, key, value, expireAtMs } = this.#records[index]!;
      const name = key.toString('latin1');
      touched.add(name);
      const held = content.get(name);
      if (op === 'set') content.set(name, { value, expireAtMs });
      else if (op === 'del') content.delete(name);
      else if (held !== undefined) content.set(name, { value: held.value, expireAtMs });
    }
    return touched;
  }
}

/**
 * Which records of a dump were seen before. Frames may arrive twice (docs/protocol.md, "Conversation"): a
 * record whose sequence its shard has reached is not done again, as a replica would not, for the older of two
 * values must not win. A snapshot, and a history that does not continue the one before, begin with nothing
 * seen (replication/history-course.ts).
 *
 * A record out of the midst of a gap is new all the same: what stood behind the gap was no good sequence, and
 * the shard goes on there, as `frames verify` has it.
 */
import type { BatchHead, DecodedRecord } from '../frame/batch.js';
import type { Margin } from '../frame/margin.js';
import { MAX_SHARDS } from '../limits.js';
import { historyPairs, readHistory } from '../replication/history.js';
import { HistoryCourse, type KnownSequences, type Positions } from '../replication/history-course.js';

interface Stand {
  position: bigint;
  /** Where the gap before `position` begins; `position` itself when there is none. */
  gapFloor: bigint;
}

/** Sequences are decimal. */
export interface SavedSequences {
  history: string | null;
  /** What a margin says of the history; absent in states of releases that kept its name alone. */
  pairs?: [name: string, value: string][];
  shards: [shard: number, position: string, gapFloor: string][];
}

/** How far each shard was seen, of one dump. */
export class SeenSequences implements Positions {
  readonly #stands = new Map<number, Stand>();
  #course = new HistoryCourse();

  /** What `save` gave. */
  restore({ history, pairs, shards }: SavedSequences): void {
    const margin = pairs ?? (history === null ? [] : [['history', history] as const]);
    this.#course = new HistoryCourse({ history: readHistory(new Map(margin)) });
    this.#stands.clear();
    for (const [shard, position, gapFloor] of shards) {
      this.#stands.set(shard, { position: BigInt(position), gapFloor: BigInt(gapFloor) });
    }
  }

  save(): SavedSequences {
    const stands = [...this.#stands];
    const { history } = this.#course;
    return {
      history: history?.id ?? null,
      ...(history && { pairs: historyPairs(history) }),
      shards: stands.map(([shard, { position, gapFloor }]) => [shard, `${position}`, `${gapFloor}`]),
    };
  }

  /** Another dump begins. */
  forget(): void {
    this.#course = new HistoryCourse();
    this.#stands.clear();
  }

  /** A Hello, by its margin and its watermarks. */
  hello(margin: Margin | undefined, watermarks: ArrayLike<bigint>): void {
    if (this.#course.hello(margin, watermarks, this) === 'begins') this.#stands.clear();
  }

  /** A batch, by its first record. */
  batch(head: BatchHead): void {
    if (this.#course.batch(head, this)) this.#stands.clear();
  }

  /** A snapshot begins; `watermarks` are what it brings, none when it is not looked at. */
  beginSnapshot(watermarks: ArrayLike<bigint>): void {
    this.#course.begin(watermarks, 0, this);
    this.#stands.clear();
    this.move(watermarks);
  }

  /** A snapshot ends. */
  endSnapshot(watermarks: ArrayLike<bigint>): void {
    this.#course.snapshot.abandon();
    this.move(watermarks);
    this.#course.settle(this);
  }

  list(): (bigint | undefined)[] {
    const list: (bigint | undefined)[] = [];
    for (const [shard, { position }] of this.#stands) if (shard < MAX_SHARDS) list[shard] = position;
    return list;
  }

  move(to: KnownSequences): void {
    for (let shard = 0; shard < Math.min(to.length, MAX_SHARDS); shard += 1) {
      const sequence = to[shard];
      if (sequence !== undefined && sequence > (this.#stands.get(shard)?.position ?? 0n)) {
        this.#stands.set(shard, { position: sequence, gapFloor: sequence });
      }
    }
  }

  isNew({ shard, sequence }: DecodedRecord): boolean {
    const stand = this.#stands.get(shard);
    if (stand === undefined || sequence > stand.position) return true;
    return sequence > stand.gapFloor && sequence < stand.position;
  }

  /** A new record has been done. */
  take({ shard, sequence }: DecodedRecord): void {
    const stand = this.#stands.get(shard);
    if (stand === undefined) {
      this.#stands.set(shard, { position: sequence, gapFloor: sequence });
      return;
    }
    stand.gapFloor = sequence > stand.position + 1n ? stand.position : sequence;
    stand.position = sequence;
  }
}

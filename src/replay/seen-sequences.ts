/**
 * Remembers which records of a dump were seen before. Frames may arrive twice (docs/protocol.md,
 * "Conversation"): a record whose sequence its shard has reached is not applied again, as a replica would
 * not, for the older of two values must not win. A snapshot, and a history that does not continue the one
 * before, begin with nothing seen (replication/history-course.ts).
 *
 * A record inside a gap is new all the same: the sequence behind the gap was wrong, and the shard continues
 * inside it, as in `frames verify`.
 */
import type { BatchHead, DecodedRecord } from '../frame/batch.js';
import type { Margin } from '../frame/margin.js';
import { MAX_SHARDS } from '../limits.js';
import { historyPairs, readHistory } from '../replication/history.js';
import { HistoryCourse, type KnownSequences, type Positions } from '../replication/history-course.js';

interface Stand {
  position: bigint;
  /** The sequence before the gap that ends at `position`; `position` itself when there is no gap. */
  gapFloor: bigint;
}

/** The positions as a state keeps them; sequences are decimal. */
export interface SavedSequences {
  history: string | null;
  /** The margin's pairs about the history; absent in states of releases that kept its id alone. */
  pairs?: [name: string, value: string][];
  shards: [shard: number, position: string, gapFloor: string][];
}

/** The sequence that each shard of one dump has reached. */
export class SeenSequences implements Positions {
  readonly #stands = new Map<number, Stand>();
  #course = new HistoryCourse();

  /** Restores what `save` returned. */
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

  /** Begins another dump: nothing of it has been seen. */
  forget(): void {
    this.#course = new HistoryCourse();
    this.#stands.clear();
  }

  /** Takes a Hello, by its margin and its watermarks. */
  hello(margin: Margin | undefined, watermarks: ArrayLike<bigint>): void {
    if (this.#course.hello(margin, watermarks, this) === 'begins') this.#stands.clear();
  }

  /** Takes a batch, by its first record. */
  batch(head: BatchHead): void {
    if (this.#course.batch(head, this)) this.#stands.clear();
  }

  /** Takes a snapshot's begin; `watermarks` are its own, or none when its entries are not sent. */
  beginSnapshot(watermarks: ArrayLike<bigint>): void {
    this.#course.begin(watermarks, 0, this);
    this.#stands.clear();
    this.move(watermarks);
  }

  /** Takes a snapshot's end; `watermarks` are as for its begin. */
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

  /** Notes a new record, which has been applied. */
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

/**
 * Frames may arrive twice (fcrp-v1.md): a record whose sequence its shard has reached is not done again, as a replica would
 * not, for the older of two values must not win. A new connection to another history, and a snapshot, begin anew.
 *
 * A record out of the midst of a gap is new all the same: what stood behind the gap was no good sequence, and the shard goes on
 * there, as `frames verify` has it.
 */
import type { DecodedRecord } from '../frame/batch.js';
import { MAX_SHARDS } from '../limits.js';

interface Stand {
  position: bigint;
  /** Where the gap before `position` begins; `position` itself when there is none. */
  gapFloor: bigint;
}

/** Sequences are decimal. */
export interface SavedSequences {
  history: string | null;
  shards: [shard: number, position: string, gapFloor: string][];
}

export class SeenSequences {
  readonly #stands = new Map<number, Stand>();
  #history: string | null = null;

  /** What `save` gave. */
  restore({ history, shards }: SavedSequences): void {
    this.#history = history;
    this.#stands.clear();
    for (const [shard, position, gapFloor] of shards) {
      this.#stands.set(shard, { position: BigInt(position), gapFloor: BigInt(gapFloor) });
    }
  }

  save(): SavedSequences {
    const stands = [...this.#stands];
    return {
      history: this.#history,
      shards: stands.map(([shard, { position, gapFloor }]) => [shard, `${position}`, `${gapFloor}`]),
    };
  }

  /** Another dump begins. */
  forget(): void {
    this.#history = null;
    this.#stands.clear();
  }

  /** A Hello; null: it names no history. */
  hello(history: string | null): void {
    if (history === null || history !== this.#history) this.#stands.clear();
    this.#history = history;
  }

  /** A snapshot begins; `watermarks` are what it brings, none when it is not looked at. */
  beginSnapshot(watermarks: Iterable<bigint>): void {
    this.#stands.clear();
    this.reach(watermarks);
  }

  reach(watermarks: Iterable<bigint>): void {
    let shard = 0;
    for (const watermark of watermarks) {
      if (watermark > (this.#stands.get(shard)?.position ?? 0n)) {
        this.#stands.set(shard, { position: watermark, gapFloor: watermark });
      }
      shard += 1;
      if (shard === MAX_SHARDS) return;
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

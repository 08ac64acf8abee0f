/**
 * What to do about a gap in a shard's sequences (design.md, "Histories"): come back; the same gap again: ask for a
 * snapshot; a gap still: stop, loudly. None is ever applied.
 */
import type { ReplicatedStore } from '../../engine/types.js';
import { decodeBatch } from '../../frame/batch.js';
import { watermarkOf } from '../watermarks.js';

/** The sequence that should have come next in a shard. */
export interface Gap {
  shard: number;
  expected: bigint;
}

/** How to come back: claiming what is held, or nothing, so that a snapshot comes; or not at all. */
export type Remedy = 'resume' | 'claim-nothing' | 'stop';

export class GapPolicy {
  #last: Gap | undefined;
  #askedAnew = false;
  /** What the snapshot gave that a gap was answered with. */
  #rebuiltAt: readonly bigint[] | undefined;

  judge(gap: Gap): Remedy {
    const last = this.#last;
    if (this.#askedAnew && !this.#wentOnPastSnapshot(gap)) return 'stop';
    this.#last = gap;
    this.#askedAnew = last?.shard === gap.shard && last.expected === gap.expected;
    this.#rebuiltAt = undefined;
    return this.#askedAnew ? 'claim-nothing' : 'resume';
  }

  /** New content at these watermarks has replaced the old. */
  rebuilt(watermarks: readonly bigint[]): void {
    this.#rebuiltAt = watermarks;
  }

  #wentOnPastSnapshot({ shard, expected }: Gap): boolean {
    return this.#rebuiltAt !== undefined && expected > watermarkOf(this.#rebuiltAt, shard) + 1n;
  }
}

/** The shard of a batch's first record stands for the batch: no primary mixes shards in one. */
export function gapOf(payload: Uint8Array, store: ReplicatedStore): Gap {
  const [first] = decodeBatch(payload).records;
  const shard = first?.shard ?? 0;
  return { shard, expected: watermarkOf(store.watermarks(), shard) + 1n };
}

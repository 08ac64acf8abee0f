/**
 * The reaction to a gap in a shard's sequences, which is never applied: come back; at the same gap again, ask
 * for a snapshot; at a gap that the snapshot has not mended, stop.
 *
 *        elsewhere          again          replaced
 *     none ──► met ─────────────► asked ──────────► rebuilt ──► met (elsewhere), asked (again)
 *              │ ▲                  │                  │
 *              └─┘ elsewhere        └──► stopped ◄─────┘ unmended
 */
import assert from 'node:assert/strict';
import type { SequencedStore } from '../../engine/types.js';
import type { FastcacheError } from '../../errors.js';
import { watermarkOf } from '../watermarks.js';

/** The sequence that should have come next in a shard. */
export interface Gap {
  shard: number;
  expected: bigint;
}

/** The way to come back: claiming what is held, or nothing, so that a snapshot comes; or not at all. */
export type Remedy = 'resume' | 'claim-nothing' | 'stop';

/** The steps that the remedies climb. `asked`: a snapshot is to answer the last gap; `rebuilt`: one has. */
type Rung = 'none' | 'met' | 'asked' | 'rebuilt' | 'stopped';

type Finding =
  /** The gap is where the last one was not. */
  | 'elsewhere'
  /** The gap is the last one once more. */
  | 'again'
  /** The gap came although a snapshot was asked for, and the replica got no further. */
  | 'unmended'
  /** New content has taken the place of the old. */
  | 'replaced';

const no = 'impossible';

/** The rung that each finding leads to from each rung; `impossible`: a programmer's fault. */
export const rungs: Readonly<Record<Rung, Readonly<Record<Finding, Rung | typeof no>>>> = {
  none: { elsewhere: 'met', again: no, unmended: no, replaced: 'none' },
  met: { elsewhere: 'met', again: 'asked', unmended: no, replaced: 'met' },
  asked: { elsewhere: no, again: no, unmended: 'stopped', replaced: 'rebuilt' },
  rebuilt: { elsewhere: 'met', again: 'asked', unmended: 'stopped', replaced: 'rebuilt' },
  stopped: { elsewhere: no, again: no, unmended: no, replaced: no },
};

const remedies: Readonly<Record<Rung, Remedy | typeof no>> = {
  none: no,
  met: 'resume',
  asked: 'claim-nothing',
  rebuilt: no,
  stopped: 'stop',
};

/** A follower's memory of the gaps that it has met. */
export class GapPolicy {
  #rung: Rung = 'none';
  #last: Gap | undefined;
  /** The watermarks of the content that took the place of the old one last. */
  #replacedAt: readonly bigint[] = [];

  get rung(): Rung {
    return this.#rung;
  }

  /** Returns how to come back after this gap; nothing may be judged after a `stop`. */
  judge(gap: Gap): Remedy {
    this.#climb(this.#find(gap));
    this.#last = gap;
    const remedy = remedies[this.#rung];
    assert(remedy !== no, `a gap cannot lead to ${this.#rung}`);
    return remedy;
  }

  /** Called when new content, at these watermarks, has taken the place of the old. */
  replaced(watermarks: readonly bigint[]): void {
    this.#replacedAt = watermarks;
    this.#climb('replaced');
  }

  #find({ shard, expected }: Gap): Finding {
    if (this.#rung === 'asked') return 'unmended';
    if (this.#rung === 'rebuilt' && expected <= watermarkOf(this.#replacedAt, shard) + 1n) return 'unmended';
    return this.#last?.shard === shard && this.#last.expected === expected ? 'again' : 'elsewhere';
  }

  #climb(finding: Finding): void {
    const next = rungs[this.#rung][finding];
    assert(next !== no, `a gap ${finding} cannot follow ${this.#rung}`);
    this.#rung = next;
  }
}

/** Returns the gap for which `store` has refused a payload with `error`, a `SEQUENCE_GAP`. */
export function gapOf({ shard }: FastcacheError, store: SequencedStore): Gap {
  assert(shard !== undefined, 'a SEQUENCE_GAP names its shard');
  return { shard, expected: store.watermark(shard) + 1n };
}

/** The identity of a primary's run of sequences (design.md, "Histories"). */
import type { Clock, Random } from '../clock.js';

export interface History {
  /** 128 random bits, 32 hex digits. */
  readonly id: string;
  /** The first sequence of every shard is `base + 1`. */
  readonly base: bigint;
  /** Whose content this history began with, and where that stood: it was promoted. */
  readonly previous?: { readonly id: string; readonly watermarks: readonly bigint[] };
}

/** `clock`: above whatever an earlier run of this primary reached; `zero`: the original's numbering from 1. */
export type SequenceBase = 'clock' | 'zero';

/** Sequences a shard may use a millisecond before a restart could meet them: 2^11. */
const SEQUENCES_PER_MS_BITS = 11n;

export function newHistory(seams: { clock: Clock; random: Random }, sequenceBase: SequenceBase): History {
  const words = Array.from({ length: 4 }, () => seams.random.u32().toString(16).padStart(8, '0'));
  const base =
    sequenceBase === 'zero' ? 0n : BigInt(Math.trunc(seams.clock.nowMs())) << SEQUENCES_PER_MS_BITS;
  return { id: words.join(''), base };
}

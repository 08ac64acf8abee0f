/**
 * Redis' replication offset: records of all shards together. It continues across promotions, as Redis' does,
 * and so it is derived from a history and watermarks in it, here and nowhere else.
 */
import type { History, PreviousHistory } from './history.js';

/**
 * Records given out up to `watermarks` of `history`, over all shards; 0 for an empty list, which means no
 * content. Without a history (a Rust primary's run) sequences count from 1.
 */
export function offsetIn(history: History | undefined, watermarks: ArrayLike<bigint>): bigint {
  if (watermarks.length === 0) return 0n;
  const { base, previous } = history ?? { base: 0n };
  let offset = history === undefined ? 0n : offsetAtBase(history);
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    const own = watermarks[shard]!;
    if (own >= base) offset += own - base;
    else if (previous !== undefined) offset -= lackingOf(previous, shard, own);
  }
  // A peer may send watermarks and a history that do not fit together.
  return offset > 0n ? offset : 0n;
}

/**
 * INFO's `second_repl_offset`: the first offset that does not belong to the previous history; -1 when none is
 * continued.
 */
export function secondOffset(history: History | undefined): string {
  return history?.previous === undefined ? '-1' : String(offsetAtBase(history) + 1n);
}

/**
 * The offset at which a history begins. Where the primary does not name it, it is derived from the previous
 * history alone: in a longer chain of promotions it is then too low.
 */
export function offsetAtBase({ recordsBefore, previous }: History): bigint {
  if (recordsBefore !== undefined) return recordsBefore;
  const { base = 0n, watermarks = [] } = previous ?? {};
  return watermarks.reduce((sum, end) => (end > base ? sum + end - base : sum), 0n);
}

/** The number of records of the previous history that a shard lacks, when it has not come to its end. */
function lackingOf({ base, watermarks }: PreviousHistory, shard: number, own: bigint): bigint {
  const end = watermarks[shard] ?? 0n;
  const from = own > base ? own : base;
  return end > from ? end - from : 0n;
}

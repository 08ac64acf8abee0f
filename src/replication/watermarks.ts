/** Small arithmetic on lists of watermarks: one sequence a shard, where a list that is too short means 0. */

/**
 * The watermark that a probe claims for every shard, because it only wants the primary's watermarks
 * (docs/protocol.md, "Status").
 */
export const PROBE_WATERMARK = 0xffff_ffff_ffff_ffffn;

/** The watermark of a shard; 0 where the list is too short. */
export function watermarkOf(watermarks: ArrayLike<bigint>, shard: number): bigint {
  return watermarks[shard] ?? 0n;
}

/** Whether every shard of `watermarks` is at `target` or past it. */
export function hasReached(watermarks: ArrayLike<bigint>, target: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < target.length; shard += 1) {
    if (watermarkOf(watermarks, shard) < watermarkOf(target, shard)) return false;
  }
  return true;
}

/** Whether the held watermarks are known, and every shard is at `target` or past it. */
export function hasAll(held: ArrayLike<bigint> | undefined, target: ArrayLike<bigint>): boolean {
  return held !== undefined && hasReached(held, target);
}

/** Whether these are the claims of a probe. */
export function isProbe(watermarks: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    if (watermarks[shard] !== PROBE_WATERMARK) return false;
  }
  return watermarks.length > 0;
}

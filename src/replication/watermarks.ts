/** Small arithmetic on lists of watermarks: one sequence a shard, where a list that is too short means 0. */

/** Claimed for every shard by who only wants the primary's watermarks (design.md, "Status"). */
export const PROBE_WATERMARK = 0xffff_ffff_ffff_ffffn;

export function watermarkOf(watermarks: ArrayLike<bigint>, shard: number): bigint {
  return watermarks[shard] ?? 0n;
}

/** Every shard of `watermarks` is at `target` or past it. */
export function hasReached(watermarks: ArrayLike<bigint>, target: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < target.length; shard += 1) {
    if (watermarkOf(watermarks, shard) < watermarkOf(target, shard)) return false;
  }
  return true;
}

export function isProbe(watermarks: ArrayLike<bigint>): boolean {
  for (let shard = 0; shard < watermarks.length; shard += 1) {
    if (watermarks[shard] !== PROBE_WATERMARK) return false;
  }
  return watermarks.length > 0;
}

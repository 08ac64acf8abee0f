/** Small arithmetic on lists of watermarks: one sequence a shard, where a list that is too short means 0. */

/** Claimed for every shard by who only wants the primary's watermarks (design.md, "Status"). */
export const PROBE_WATERMARK = 0xffff_ffff_ffff_ffffn;

export function watermarkOf(watermarks: readonly bigint[], shard: number): bigint {
  return watermarks[shard] ?? 0n;
}

/** Every shard of `watermarks` is at `target` or past it. */
export function hasReached(watermarks: readonly bigint[], target: readonly bigint[]): boolean {
  return target.every((wanted, shard) => watermarkOf(watermarks, shard) >= wanted);
}

export function isProbe(watermarks: readonly bigint[]): boolean {
  return watermarks.length > 0 && watermarks.every((watermark) => watermark === PROBE_WATERMARK);
}

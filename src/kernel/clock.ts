// Time as the engine last told it.

/** The access clock has 24 bits, as Redis' has: it goes round in 194 days. */
export const ACCESS_CLOCK_MASK: u32 = 0xffffff;
const US_PER_SECOND: f64 = 1000000;

export let nowMs: u64 = 0;
export let nowUs: f64 = 0;
/** Seconds, by which records remember their last use: of the monotonic clock, so that no leap makes all keys look idle. */
export let accessClock: u32 = 0;

export function setTime(wallMs: f64, monotonicUs: f64): void {
  nowMs = <u64>wallMs;
  nowUs = monotonicUs;
  accessClock = <u32>(<u64>(monotonicUs / US_PER_SECOND)) & ACCESS_CLOCK_MASK;
}

/** Seconds from a time of the access clock until now. */
export function secondsSince(access: u32): u32 {
  return (accessClock - access) & ACCESS_CLOCK_MASK;
}

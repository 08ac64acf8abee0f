// The time that the engine has set last. The kernel has no clock of its own.

/** The access clock has 24 bits, as Redis' has, and wraps round after 194 days. */
export const ACCESS_CLOCK_MASK: u32 = 0xffffff;
export const MINUTE_MASK: u32 = 0xffff;
const US_PER_SECOND: f64 = 1000000;

/** Unix ms. */
export let nowMs: u64 = 0;
/** Microseconds of the monotonic clock. */
export let nowUs: f64 = 0;
/**
 * Seconds of the monotonic clock, which records note at their last use: a leap of the wall clock makes no key
 * idle.
 */
export let accessClock: u32 = 0;
/** Minutes of the monotonic clock, in the 16 bits that Redis' LFU has for them. */
export let accessMinute: u32 = 0;

/** Sets the time from Unix ms and microseconds of the monotonic clock. */
export function setTime(wallMs: f64, monotonicUs: f64): void {
  nowMs = <u64>wallMs;
  nowUs = monotonicUs;
  const seconds = <u64>(monotonicUs / US_PER_SECOND);
  accessClock = <u32>seconds & ACCESS_CLOCK_MASK;
  accessMinute = <u32>(seconds / 60) & MINUTE_MASK;
}

/** Returns the seconds from a time of the access clock until now. */
export function secondsSince(access: u32): u32 {
  return (accessClock - access) & ACCESS_CLOCK_MASK;
}

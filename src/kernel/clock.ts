// Time as the engine last told it.

export let nowMs: u64 = 0;
export let nowUs: f64 = 0;

export function setTime(wallMs: f64, monotonicUs: f64): void {
  nowMs = <u64>wallMs;
  nowUs = monotonicUs;
}

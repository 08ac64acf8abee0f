/** Numbers and times as people read them. */

/** The last millisecond that a `Date` can hold. */
const MAX_DATE_MS = 8_640_000_000_000_000n;

/** 1234567 is `1,234,567`. */
export function formatNumber(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Unix ms as ISO 8601 with milliseconds, UTC; what no date can be, as the number it is. */
export function formatTime(timeMs: bigint): string {
  return timeMs <= MAX_DATE_MS ? new Date(Number(timeMs)).toISOString() : `${timeMs} ms`;
}

/** `1 record`, `1,204 records`. */
export function countText(count: number, one: string, many: string): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** Numbers, times and bytes as people read them. */

/** The last millisecond that a `Date` can hold. */
const MAX_DATE_MS = 8_640_000_000_000_000n;

/** Formats a number with commas: 1234567 is `1,234,567`. */
export function formatNumber(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

const SHORT_UNITS = ['', 'k', 'M', 'G', 'T', 'P'];
const BYTE_UNITS = ['b', 'kb', 'mb', 'gb', 'tb', 'pb'];

/** Formats a count in at most six columns: `99,999`, `123k`, `1.2M`. */
export function formatShort(value: number): string {
  return value < 100_000 ? formatNumber(value) : scaled(value, 1000, SHORT_UNITS);
}

/** Formats a number of bytes in at most six columns, in powers of 1024: `512b`, `1.2kb`, `64mb`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, BYTE_UNITS);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  for (; rest >= step && unit < units.length - 1; unit += 1) rest /= step;
  const text = rest < 10 && !Number.isInteger(rest) ? rest.toFixed(1) : String(Math.floor(rest));
  return `${text}${units[unit]}`;
}

/** Unix ms as ISO 8601 with milliseconds, UTC; as a number of ms where no date can be so late. */
export function formatTime(timeMs: bigint): string {
  return timeMs <= MAX_DATE_MS ? new Date(Number(timeMs)).toISOString() : `${timeMs} ms`;
}

const DURATION_UNITS = [
  ['d', 86_400_000n],
  ['h', 3_600_000n],
  ['min', 60_000n],
  ['s', 1_000n],
  ['ms', 1n],
] as const;

/** A duration by its largest unit and the next one, if it has any of that: `1 d 6 h`, `30 s`, `450 ms`. */
export function formatDuration(durationMs: bigint): string {
  const first = DURATION_UNITS.findIndex(([, unitMs]) => durationMs >= unitMs);
  if (first === -1) return '0 ms';
  const [unit, unitMs] = DURATION_UNITS[first]!;
  const [nextUnit, nextUnitMs] = DURATION_UNITS[first + 1] ?? [unit, unitMs];
  const rest = (durationMs % unitMs) / nextUnitMs;
  return `${formatNumber(durationMs / unitMs)} ${unit}${rest === 0n ? '' : ` ${rest} ${nextUnit}`}`;
}

/** A duration in a few columns, in whole seconds from the first on: `450ms`, `45s`, `4m12s`, `1d6h`. */
export function shortDuration(durationMs: number): string {
  const ms = durationMs < 1000 ? durationMs : durationMs - (durationMs % 1000);
  return formatDuration(BigInt(ms)).replace('min', 'm').replaceAll(' ', '');
}

/** The forms in which values are shown: their length alone, text where they are UTF-8, hex, Base64. */
export const valueForms = ['none', 'text', 'hex', 'base64'] as const;

/** A form in which values are shown. */
export type ValueForm = (typeof valueForms)[number];

/** A key hash as 16 hex digits. */
export function hashText(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}

/** The lines of a table: columns are aligned to the right, two spaces apart. */
export function alignRight(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padStart(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** A count with its noun: `1 record`, `1,204 records`. */
export function countText(count: number | bigint, one: string, many: string): string {
  return `${formatNumber(count)} ${count === 1 || count === 1n ? one : many}`;
}

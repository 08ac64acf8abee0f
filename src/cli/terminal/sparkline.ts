/** Counts over time as one line of bars. */

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * Returns a bar for each value, in relation to the greatest: a blank for 0, and for what is not known
 * (undefined); else at least the lowest bar.
 */
export function sparkline(values: readonly (number | undefined)[]): string {
  const most = greatest(values);
  return values.map((value) => (value ? BARS[Math.ceil((value / most) * BARS.length) - 1] : ' ')).join('');
}

/** Returns the greatest of the values that are known; 0 where none is. */
export function greatest(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

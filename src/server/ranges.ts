/** Ranges of numbers and sizes as people write and read them. */

/** The range of a number, both ends included. */
export interface Range {
  /** The least number; undefined: 0. */
  readonly min?: number;
  /** The largest number; undefined: the largest that a number represents exactly. */
  readonly max?: number;
}

/** Whether `number` is a whole number within `range`. */
export function isWithin(
  number: unknown,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Range,
): number is number {
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max;
}

/** Bytes of each unit of a size; powers of 1024. */
export const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
};

/** The shortest exact spelling of a size: 65536 is `64kb`, 1000 is `1000`. */
export function formatSize(bytes: number): string {
  for (const unit of ['gb', 'mb', 'kb']) {
    const scale = SIZE_UNITS[unit]!;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return `${bytes}`;
}

/** A range in words: `from 1 to 22`, or `from 1` where there is no upper bound. */
export function boundsText({ min = 0, max }: Range, spell: (bound: number) => string = String): string {
  return max === undefined ? `from ${spell(min)}` : `from ${spell(min)} to ${spell(max)}`;
}

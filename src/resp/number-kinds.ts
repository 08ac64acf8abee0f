/** Integers of 64 bits and long doubles, as INCREX counts in either. */
import { parseInt64 } from './arguments.js';
import {
  formatLongDouble,
  INFINITE,
  isLess,
  LARGEST,
  LONG_DOUBLE_TEXT_MAX_BYTES,
  type LongDouble,
  negated,
  parseLongDouble,
  sumOf,
  ZERO,
} from './long-double.js';
import { type Reply, SpelledDouble } from './reply.js';

/** One kind of numbers. */
export interface NumberKind<N> {
  /** The option of INCREX that is behind this kind, in lower case. */
  readonly word: string;
  readonly zero: N;
  readonly one: N;
  readonly least: N;
  readonly most: N;
  /** The longest text of a number. */
  readonly textBytesMax: number;
  /** The errors for a text that is no such number, and for a difference that is too large. */
  readonly fault: string;
  readonly overflow: string;
  parse(text: Buffer): N | undefined;
  isLess(left: N, right: N): boolean;
  /** The sum, or the bound beyond which it is. */
  sum(value: N, by: N, least: N, most: N): { readonly value: N; readonly isOutside: boolean };
  /** `left` less `right`; undefined when that is too large. */
  difference(left: N, right: N): N | undefined;
  format(value: N): string;
  reply(value: N): Reply;
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Integers with a sign and 64 bits. */
export const INTEGERS: NumberKind<bigint> = {
  word: 'byint',
  zero: 0n,
  one: 1n,
  least: INT64_MIN,
  most: INT64_MAX,
  textBytesMax: 20,
  fault: 'is not an integer or out of range',
  overflow: 'ERR increment or decrement would overflow',
  parse: parseInt64,
  isLess: (left, right) => left < right,
  sum: (value, by, least, most) => bounded(value + by, least, most, INTEGERS),
  difference: (left, right) => {
    const difference = left - right;
    return BigInt.asIntN(64, difference) === difference ? difference : undefined;
  },
  format: String,
  reply: (value) => value,
};

/** C's long doubles, without infinity. */
export const FLOATS: NumberKind<LongDouble> = {
  word: 'byfloat',
  zero: ZERO,
  one: { significand: 1n, exponent: 0 },
  least: negated(LARGEST),
  most: LARGEST,
  textBytesMax: LONG_DOUBLE_TEXT_MAX_BYTES,
  fault: 'is not a valid float',
  overflow: 'ERR increment would produce NaN or Infinity',
  parse: (text) => finite(parseLongDouble(text)),
  isLess,
  sum: (value, by, least, most) => {
    const sum = sumOf(value, by);
    if (sum !== INFINITE) return bounded(sum, least, most, FLOATS);
    return { value: by.significand < 0n ? least : most, isOutside: true };
  },
  difference: (left, right) => finite(sumOf(left, negated(right))),
  format: formatLongDouble,
  reply: (value) => new SpelledDouble(formatLongDouble(value)),
};

function bounded<N>(
  sum: N,
  least: N,
  most: N,
  kind: NumberKind<N>,
): { readonly value: N; readonly isOutside: boolean } {
  if (kind.isLess(sum, least)) return { value: least, isOutside: true };
  return kind.isLess(most, sum) ? { value: most, isOutside: true } : { value: sum, isOutside: false };
}

function finite(number: LongDouble | typeof INFINITE | undefined): LongDouble | undefined {
  return number === INFINITE ? undefined : number;
}

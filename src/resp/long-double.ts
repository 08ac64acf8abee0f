/**
 * C's `long double` as INCRBYFLOAT needs it: x87's 80 bits, of which 64 are the significand. Numbers are read
 * (strtold), added and printed (`%.17Lf`) exactly, and rounded to the nearest, ties to even, where the
 * processor would.
 */

/** A number: significand x 2^exponent; the significand has a sign and up to 64 bits. */
export interface LongDouble {
  readonly significand: bigint;
  readonly exponent: number;
}

/** A number of either sign beyond the largest. */
export const INFINITE = Symbol('infinite');

/** The number zero. */
export const ZERO: LongDouble = { significand: 0n, exponent: 0 };

/** The largest number. */
export const LARGEST: LongDouble = { significand: 2n ** 64n - 1n, exponent: 16_320 };

const SIGNIFICAND_BITS = 64;
const EXPONENT_MIN = -16_445;
const EXPONENT_MAX = LARGEST.exponent;
/** The longest text that Redis reads as a number. */
export const LONG_DOUBLE_TEXT_MAX_BYTES = 5 * 1024 - 1;
/** Powers of ten and of two beyond which a number overflows or is zero, whatever its digits are. */
const DECIMAL_MAX = 5_000;
const BINARY_MAX = 17_000;
/** Decimals of `%.17Lf`. */
const DECIMALS = 17;

const DECIMAL = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)\.?([\da-f]*)|\.([\da-f]+))(?:p([+-]?\d+))?$/i;
const INFINITY = /^[+-]?inf(?:inity)?$/i;

/**
 * The number that `bytes` spell; undefined where Redis takes them for none, even if only for their length.
 */
export function parseLongDouble(bytes: Buffer): LongDouble | typeof INFINITE | undefined {
  const text = bytes.length <= LONG_DOUBLE_TEXT_MAX_BYTES ? bytes.toString('latin1') : '';
  if (INFINITY.test(text)) return INFINITE;
  const decimal = DECIMAL.exec(text);
  const parts = decimal ?? HEXADECIMAL.exec(text);
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = '', bareFraction = '', exponent = '0'] = parts;
  const decimals = fraction + bareFraction;
  const digits = (whole + decimals).replace(/^0+/, '');
  if (digits === '') return ZERO;
  const power = decimal ? Number(exponent) - decimals.length : Number(exponent) - 4 * decimals.length;
  const magnitude = decimal ? power + digits.length : power + 4 * digits.length;
  if (Math.abs(magnitude) > (decimal ? DECIMAL_MAX : BINARY_MAX)) return undefined;
  const integer = BigInt(decimal ? digits : `0x${digits}`);
  const scale = (decimal ? 10n : 2n) ** BigInt(Math.abs(power));
  const value = power < 0 ? nearest(integer, scale) : nearest(integer * scale, 1n);
  if (value === INFINITE || value.significand === 0n) return undefined;
  return sign === '-' ? { ...value, significand: -value.significand } : value;
}

/** The sum, rounded as a long double is. */
export function sumOf(
  left: LongDouble | typeof INFINITE,
  right: LongDouble | typeof INFINITE,
): LongDouble | typeof INFINITE {
  if (left === INFINITE || right === INFINITE) return INFINITE;
  const exponent = Math.min(left.exponent, right.exponent);
  const sum =
    (left.significand << BigInt(left.exponent - exponent)) +
    (right.significand << BigInt(right.exponent - exponent));
  const size = sum < 0n ? -sum : sum;
  const scale = 1n << BigInt(Math.abs(exponent));
  const rounded = exponent < 0 ? nearest(size, scale) : nearest(size * scale, 1n);
  if (rounded === INFINITE || sum >= 0n) return rounded;
  return { ...rounded, significand: -rounded.significand };
}

/** The number with the other sign. */
export function negated({ significand, exponent }: LongDouble): LongDouble {
  return { significand: -significand, exponent };
}

/** Whether `left` is less than `right`. */
export function isLess(left: LongDouble, right: LongDouble): boolean {
  const exponent = Math.min(left.exponent, right.exponent);
  return (
    left.significand << BigInt(left.exponent - exponent) <
    right.significand << BigInt(right.exponent - exponent)
  );
}

/** Prints a number with up to 17 decimals, without zeros at the end. */
export function formatLongDouble({ significand, exponent }: LongDouble): string {
  const size = significand < 0n ? -significand : significand;
  const scaled =
    exponent >= 0
      ? (size << BigInt(exponent)) * 10n ** BigInt(DECIMALS)
      : quotient(size * 10n ** BigInt(DECIMALS), 1n << BigInt(-exponent));
  const digits = scaled.toString().padStart(DECIMALS + 1, '0');
  const decimals = digits.slice(-DECIMALS).replace(/0+$/, '');
  const sign = significand < 0n && scaled !== 0n ? '-' : '';
  return `${sign}${digits.slice(0, -DECIMALS)}${decimals === '' ? '' : `.${decimals}`}`;
}

/** The long double nearest to a fraction that is not negative. */
function nearest(numerator: bigint, denominator: bigint): LongDouble | typeof INFINITE {
  if (numerator === 0n) return ZERO;
  let exponent = bitsOf(numerator) - bitsOf(denominator) - SIGNIFICAND_BITS;
  // The quotient has 64 or 65 bits; one of 65 would be rounded a bit too low.
  if (scaledQuotient(numerator, denominator, exponent, floorOf) >> BigInt(SIGNIFICAND_BITS) !== 0n)
    exponent += 1;
  exponent = Math.max(exponent, EXPONENT_MIN);
  let significand = scaledQuotient(numerator, denominator, exponent, quotient);
  if (significand >> BigInt(SIGNIFICAND_BITS) !== 0n) {
    significand >>= 1n;
    exponent += 1;
  }
  return exponent > EXPONENT_MAX ? INFINITE : { significand, exponent };
}

/** numerator / (denominator x 2^exponent) */
function scaledQuotient(
  numerator: bigint,
  denominator: bigint,
  exponent: number,
  divide: (numerator: bigint, denominator: bigint) => bigint,
): bigint {
  return exponent < 0
    ? divide(numerator << BigInt(-exponent), denominator)
    : divide(numerator, denominator << BigInt(exponent));
}

function floorOf(numerator: bigint, denominator: bigint): bigint {
  return numerator / denominator;
}

/** The quotient rounded to the nearest, ties to even. */
function quotient(numerator: bigint, denominator: bigint): bigint {
  const floor = numerator / denominator;
  const twiceRest = 2n * (numerator - floor * denominator);
  const roundsUp = twiceRest > denominator || (twiceRest === denominator && floor % 2n === 1n);
  return roundsUp ? floor + 1n : floor;
}

function bitsOf(positive: bigint): number {
  const hex = positive.toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}

/** How Lua 5.1 reads and writes numbers, which are doubles: C's strtod, and printf's `%g`. */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?$/i;
const NAMED = /^([+-]?)(inf|infinity|nan)$/i;

/** The number that a text spells, blanks around it allowed; undefined when it spells none. */
export function parseNumber(text: string): number | undefined {
  const spelled = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
  if (DECIMAL.test(spelled)) return Number(spelled);
  const [, sign, whole, fraction = '', power = '0'] = HEXADECIMAL.exec(spelled) ?? [];
  if (whole !== undefined) {
    const magnitude = Number(`0x${whole}${fraction}`) * 2 ** (Number(power) - 4 * fraction.length);
    return sign === '-' ? -magnitude : magnitude;
  }
  const [, namedSign, name] = NAMED.exec(spelled) ?? [];
  if (name === undefined) return undefined;
  const value = name.toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
  return namedSign === '-' ? -value : value;
}

/** A number in C's `%.<digits>g`. */
export function numberText(value: number, digits: number): string {
  return infiniteText(value) ?? generalText(value, digits);
}

/** `inf`, `-inf` or `-nan`, as C writes the NaN of 0/0; undefined of a finite number. */
export function infiniteText(value: number): string | undefined {
  if (Number.isNaN(value)) return '-nan';
  if (Number.isFinite(value)) return undefined;
  return value > 0 ? 'inf' : '-inf';
}

function generalText(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = exponentialText(value, digits - 1);
  const exponent = Number(text.slice(text.indexOf('e') + 1));
  if (exponent >= -4 && exponent < digits) return withoutZeros(fixedText(value, digits - 1 - exponent));
  const [mantissa, shownExponent] = text.split('e') as [string, string];
  return `${withoutZeros(mantissa)}e${shownExponent}`;
}

/** A finite number in C's `%.<digits>e`. */
export function exponentialText(value: number, digits: number): string {
  const text = evenTie(value.toExponential(digits + 1), value) ?? value.toExponential(digits);
  const [mantissa, exponent] = text.split('e') as [string, string];
  return `${mantissa}e${exponentOf(Number(exponent))}`;
}

/** A finite number in C's `%.<digits>f`. */
export function fixedText(value: number, digits: number): string {
  // toFixed has no more than 21 digits before the point, and such numbers are whole.
  if (Math.abs(value) >= 1e21)
    return BigInt(value).toString() + (digits === 0 ? '' : `.${'0'.repeat(digits)}`);
  return evenTie(value.toFixed(Math.min(digits + 1, 100)), value) ?? value.toFixed(digits);
}

/**
 * Decimal digits behind the point that no double has more of than a few hundred; enough to recognise a tie.
 */
const TIE_DIGITS = 60;

/** Whether a number lies exactly between two of one digit less: C rounds to the even one, JavaScript up. */
function isTie(longer: string, value: number): boolean {
  const [mantissa, exponent] = longer.split('e') as [string, string?];
  if (!mantissa.endsWith('5')) return false;
  const exact = exponent === undefined ? value.toFixed(TIE_DIGITS) : value.toExponential(TIE_DIGITS);
  return exact.startsWith(mantissa) && /^0*$/.test(exact.split('e')[0]!.slice(mantissa.length));
}

/** A number that C rounds down where JavaScript rounds up: it lies between two, and the lower one is even. */
function evenTie(longer: string, value: number): string | undefined {
  if (!isTie(longer, value)) return undefined;
  const [, even, exponent = ''] = /^(.*[02468]\.?)5(e.*)?$/.exec(longer) ?? [];
  return even === undefined ? undefined : `${even.replace(/\.$/, '')}${exponent}`;
}

/** An exponent as C writes it: a sign, and two digits at least. */
function exponentOf(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** How Lua 5.1 reads and writes numbers, which are doubles: C's strtod, and printf's `%g`. */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([0-9a-f]+)$/i;
const NAMED = /^([+-]?)(inf|infinity|nan)$/i;

/** The number that a text spells, blanks around it allowed; undefined when it spells none. */
export function parseNumber(text: string): number | undefined {
  const spelled = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
  if (DECIMAL.test(spelled)) return Number(spelled);
  const [, sign, digits] = HEXADECIMAL.exec(spelled) ?? [];
  if (digits !== undefined) return Number(`0x${digits}`) * (sign === '-' ? -1 : 1);
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
  const [mantissa, exponentText] = value.toExponential(digits - 1).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= digits) {
    return `${withoutZeros(mantissa)}e${exponentOf(exponent)}`;
  }
  return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
}

/** An exponent as C writes it: a sign, and two digits at least. */
export function exponentOf(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

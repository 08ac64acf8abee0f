/** Lua 5.1's `string`, where it is not that of Lua 5.3: `rep` and `format`. */

import { allocation } from './allocation.js';
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import { exponentialText, fixedText, infiniteText, numberText } from './numbers.js';
import { bytesArgument, integerArgument, named, pushBytes, raise } from './stack.js';

/** The functions of `string` that replace those of Lua 5.3. */
export const stringFunctions: Readonly<Record<string, HostFunction>> = { format, rep };

function rep(L: LuaState): number {
  const bytes = bytesArgument(L, 1);
  const count = Math.max(0, integerArgument(L, 2));
  if (bytes.length * count > 2 ** 31) raise(L, 'resulting string too large');
  allocation.grant(L, bytes.length * count);
  pushBytes(L, bytes.length === 0 ? bytes : Buffer.alloc(bytes.length * count, bytes));
  return 1;
}

/** Flags, width and precision of one item of a format. */
interface Item {
  readonly flags: string;
  readonly width: number;
  /** undefined: none is given. */
  readonly precision: number | undefined;
}

const SPECIFICATION = /^([-+ #0]*)(\d{0,3})(?:(\.)(\d{0,3}))?/;
const FLAGS_MAX = 5;

function format(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const text = bytesArgument(L, 1).toString('latin1');
  const parts: Buffer[] = [];
  let argument = 1;
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    if (percent === -1) break;
    parts.push(Buffer.from(text.slice(at, percent), 'latin1'));
    at = percent + 1;
    if (text[at] === '%') {
      parts.push(Buffer.from('%'));
      at += 1;
      continue;
    }
    const [spelled, flags, width, dot, precision] = SPECIFICATION.exec(text.slice(at, at + 16))!;
    if (flags!.length > FLAGS_MAX) raise(L, 'invalid format (repeated flags)');
    if (width!.length > 2 || (precision?.length ?? 0) > 2) {
      raise(L, 'invalid format (width or precision too long)');
    }
    at += spelled.length;
    const conversion = text[at] ?? '';
    argument += 1;
    if (argument > lua.lua_gettop(L)) lauxlib.luaL_argerror(L, argument, named('no value'));
    const item = {
      flags: flags!,
      width: Number(width),
      precision: dot === undefined ? undefined : Number(precision),
    };
    parts.push(formatOne(L, argument, conversion, item));
    at += 1;
  }
  parts.push(Buffer.from(text.slice(at), 'latin1'));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  allocation.grant(L, bytes);
  pushBytes(L, Buffer.concat(parts, bytes));
  return 1;
}

function formatOne(L: LuaState, argument: number, conversion: string, item: Item): Buffer {
  const { lauxlib } = fengari();
  switch (conversion) {
    case 'c':
      return padded(String.fromCharCode(integerArgument(L, argument) & 0xff), item);
    case 'd':
    case 'i':
      return integer(int64(lauxlib.luaL_checknumber(L, argument)), item, 10);
    case 'u':
      return integer(BigInt.asUintN(64, int64(lauxlib.luaL_checknumber(L, argument))), item, 10);
    case 'o':
    case 'x':
    case 'X':
      return unsigned(L, argument, conversion, item);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return real(lauxlib.luaL_checknumber(L, argument), conversion, item);
    case 'q':
      return quoted(bytesArgument(L, argument));
    case 's':
      return string(bytesArgument(L, argument), item);
    default:
      return raise(L, `invalid option '%${conversion}' to 'format'`);
  }
}

/** Converts a double to a 64-bit integer as C does. */
function int64(value: number): bigint {
  const isOutside = !(Math.abs(value) < 2 ** 63);
  return isOutside ? -(2n ** 63n) : BigInt(Math.trunc(value));
}

function unsigned(L: LuaState, argument: number, conversion: string, item: Item): Buffer {
  const value = BigInt.asUintN(64, int64(fengari().lauxlib.luaL_checknumber(L, argument)));
  const radix = conversion === 'o' ? 8 : 16;
  const isMarked = item.flags.includes('#') && value !== 0n;
  const mark = !isMarked ? '' : radix === 8 ? '0' : '0x';
  const bytes = integer(value, { ...item, flags: item.flags.replace(/[+ ]/g, '') }, radix, mark);
  return conversion === 'X' ? Buffer.from(bytes.toString('latin1').toUpperCase()) : bytes;
}

function integer(value: bigint, item: Item, radix: number, mark = ''): Buffer {
  const magnitude = value < 0n ? -value : value;
  const digits = magnitude.toString(radix).padStart(item.precision ?? 1, '0');
  // With a precision the flag for zeros does not count.
  const flags = item.precision === undefined ? item.flags : item.flags.replaceAll('0', '');
  const shown = item.precision === 0 && value === 0n ? '' : digits;
  return numeric(signOf(value < 0n, flags) + mark, shown, { ...item, flags });
}

function real(value: number, conversion: string, item: Item): Buffer {
  const isUpper = conversion < 'a';
  const isNegative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  const { precision = 6 } = item;
  const infinite = infiniteText(value)?.replace('-', '');
  let digits: string;
  if (infinite !== undefined) digits = infinite;
  else if (conversion === 'f') digits = fixedText(magnitude, precision);
  else if (conversion.toLowerCase() === 'e') digits = exponentialText(magnitude, precision);
  else digits = numberText(magnitude, Math.max(1, precision));
  const sign = signOf(isNegative || Number.isNaN(value), item.flags);
  const flags = infinite === undefined ? item.flags : item.flags.replaceAll('0', '');
  return numeric(sign, isUpper ? digits.toUpperCase() : digits, { ...item, flags });
}

function signOf(isNegative: boolean, flags: string): string {
  if (isNegative) return '-';
  if (flags.includes('+')) return '+';
  return flags.includes(' ') ? ' ' : '';
}

function numeric(sign: string, digits: string, item: Item): Buffer {
  const isZeroPadded = item.flags.includes('0') && !item.flags.includes('-');
  const shown = isZeroPadded ? digits.padStart(item.width - sign.length, '0') : digits;
  return padded(sign + shown, item);
}

function padded(text: string, { flags, width }: Item): Buffer {
  return Buffer.from(flags.includes('-') ? text.padEnd(width) : text.padStart(width), 'latin1');
}

function string(bytes: Buffer, item: Item): Buffer {
  // A long string is taken whole, zero bytes included; another one ends at its first, as in C.
  if (item.precision === undefined && bytes.length >= 100) return bytes;
  const end = bytes.indexOf(0);
  const text = (end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1');
  return padded(text.slice(0, item.precision ?? text.length), item);
}

function quoted(bytes: Buffer): Buffer {
  const text = bytes
    .toString('latin1')
    .replace(/["\\\n]/g, '\\$&')
    .replaceAll('\r', '\\r')
    .replaceAll('\0', '\\000');
  return Buffer.from(`"${text}"`, 'latin1');
}

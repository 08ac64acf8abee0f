/** The library `bit` as Redis has it (LuaBitOp 1.0.2): operations on the low 32 bits of numbers. */
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import { pushText, setField, setFunctions } from './stack.js';

/** Added to a double, it moves the low 32 bits of its whole part into the low 32 bits of the mantissa. */
const MAGIC = 2 ** 52 + 2 ** 51;
const HEX_DIGITS_MAX = 8;

const double = new DataView(new ArrayBuffer(8));

/** Adds `bit` to the table of globals, which is on top. */
export function openBit(L: LuaState): void {
  fengari().lua.lua_createtable(L, 0, 12);
  setFunctions(L, functions);
  setField(L, -2, 'bit');
}

const functions: Readonly<Record<string, HostFunction>> = {
  tobit: (L) => answer(L, argument(L, 1)),
  bnot: (L) => answer(L, ~argument(L, 1)),
  band: ofAll((left, right) => left & right),
  bor: ofAll((left, right) => left | right),
  bxor: ofAll((left, right) => left ^ right),
  lshift: shift((value, count) => value << count),
  rshift: shift((value, count) => value >>> count),
  arshift: shift((value, count) => value >> count),
  rol: shift((value, count) => (value << count) | (value >>> (32 - count))),
  ror: shift((value, count) => (value >>> count) | (value << (32 - count))),
  bswap: (L) => {
    double.setInt32(0, argument(L, 1));
    return answer(L, double.getInt32(0, true));
  },
  tohex,
};

function argument(L: LuaState, index: number): number {
  double.setFloat64(0, fengari().lauxlib.luaL_checknumber(L, index) + MAGIC);
  return double.getInt32(4);
}

function answer(L: LuaState, value: number): number {
  fengari().lua.lua_pushnumber(L, value | 0);
  return 1;
}

function ofAll(combine: (left: number, right: number) => number): HostFunction {
  return (L) => {
    let value = argument(L, 1);
    for (let at = 2; at <= fengari().lua.lua_gettop(L); at++) value = combine(value, argument(L, at));
    return answer(L, value);
  };
}

function shift(move: (value: number, count: number) => number): HostFunction {
  return (L) => answer(L, move(argument(L, 1), argument(L, 2) & 31));
}

function tohex(L: LuaState): number {
  const value = argument(L, 1) >>> 0;
  const asked = fengari().lua.lua_gettop(L) < 2 ? HEX_DIGITS_MAX : argument(L, 2);
  const digits = Math.min(Math.abs(asked), HEX_DIGITS_MAX);
  const hex = value
    .toString(16)
    .padStart(HEX_DIGITS_MAX, '0')
    .slice(HEX_DIGITS_MAX - digits);
  pushText(L, asked < 0 ? hex.toUpperCase() : hex);
  return 1;
}

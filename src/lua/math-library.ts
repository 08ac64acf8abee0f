/** Lua 5.1's `math`, with the random numbers of Redis, which go on from script to script. */
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import { raise, setField, setFunctions } from './stack.js';

/** Random numbers of drand48's recurrence, from a seed. */
class Random48 {
  #state = 0x1234abcd330en;

  /** Begins the sequence of a seed, of which 32 bits count. */
  seed(seed: number): void {
    this.#state = (BigInt.asUintN(32, BigInt(seed)) << 16n) + 0x330en;
  }

  /** The next number, of 31 bits. */
  next(): number {
    this.#state = BigInt.asUintN(48, this.#state * 0x5deece66dn + 0xbn);
    return Number(this.#state >> 17n);
  }
}

const random = new Random48();
const RANDOM_MAX = 2 ** 31 - 1;

/** Replaces the functions of `math`, whose table is on top. */
export function openMath(L: LuaState): void {
  const { lua } = fengari();
  setFunctions(L, { ...unary, ...others });
  lua.lua_pushnumber(L, Math.PI);
  setField(L, -2, 'pi');
  lua.lua_pushnumber(L, Number.POSITIVE_INFINITY);
  setField(L, -2, 'huge');
}

function ofOne(compute: (value: number) => number): HostFunction {
  return (L) => answer(L, compute(number(L, 1)));
}

function ofTwo(compute: (left: number, right: number) => number): HostFunction {
  return (L) => answer(L, compute(number(L, 1), number(L, 2)));
}

function ofAll(choose: (left: number, right: number) => number): HostFunction {
  return (L) => {
    let chosen = number(L, 1);
    for (let at = 2; at <= fengari().lua.lua_gettop(L); at++) chosen = choose(chosen, number(L, at));
    return answer(L, chosen);
  };
}

const unary = {
  abs: ofOne(Math.abs),
  acos: ofOne(Math.acos),
  asin: ofOne(Math.asin),
  atan: ofOne(Math.atan),
  ceil: ofOne(Math.ceil),
  cos: ofOne(Math.cos),
  cosh: ofOne(Math.cosh),
  deg: ofOne((value) => value / (Math.PI / 180)),
  exp: ofOne(Math.exp),
  floor: ofOne(Math.floor),
  log: ofOne(Math.log),
  log10: ofOne(Math.log10),
  rad: ofOne((value) => value * (Math.PI / 180)),
  sin: ofOne(Math.sin),
  sinh: ofOne(Math.sinh),
  sqrt: ofOne(Math.sqrt),
  tan: ofOne(Math.tan),
  tanh: ofOne(Math.tanh),
};

const others = {
  atan2: ofTwo(Math.atan2),
  fmod: ofTwo((left, right) => left % right),
  mod: ofTwo((left, right) => left % right),
  pow: ofTwo(power),
  ldexp: ofTwo((value, exponent) => value * 2 ** Math.trunc(exponent)),
  max: ofAll((left, right) => (right > left ? right : left)),
  min: ofAll((left, right) => (right < left ? right : left)),
  frexp,
  modf,
  random: randomOf,
  randomseed: (L: LuaState) => {
    const seed = number(L, 1);
    random.seed(Number.isFinite(seed) ? Math.trunc(seed) : 0);
    return 0;
  },
};

/** C's pow, in which 1 to any power is 1. */
function power(base: number, exponent: number): number {
  return base === 1 ? 1 : base ** exponent;
}

function number(L: LuaState, argument: number): number {
  return fengari().lauxlib.luaL_checknumber(L, argument);
}

function answer(L: LuaState, value: number): number {
  fengari().lua.lua_pushnumber(L, value);
  return 1;
}

function frexp(L: LuaState): number {
  const value = number(L, 1);
  if (value === 0 || !Number.isFinite(value)) return answer(L, value) + answer(L, 0);
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1);
  let mantissa = value * 2 ** -exponent;
  // The logarithm is rounded, and is of no use below the normal numbers.
  for (; Math.abs(mantissa) < 0.5; exponent--) mantissa *= 2;
  for (; Math.abs(mantissa) >= 1; exponent++) mantissa /= 2;
  return answer(L, mantissa) + answer(L, exponent);
}

function modf(L: LuaState): number {
  const value = number(L, 1);
  const whole = Math.trunc(value);
  return answer(L, whole) + answer(L, Number.isFinite(value) ? value - whole : 0);
}

function randomOf(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const drawn = (random.next() % RANDOM_MAX) / RANDOM_MAX;
  const count = lua.lua_gettop(L);
  if (count === 0) return answer(L, drawn);
  if (count > 2) raise(L, 'wrong number of arguments');
  const low = count === 1 ? 1 : Math.trunc(number(L, 1));
  const high = Math.trunc(number(L, count));
  lauxlib.luaL_argcheck(L, low <= high, count, Buffer.from('interval is empty'));
  return answer(L, Math.floor(drawn * (high - low + 1)) + low);
}

/** The library `cjson` as Redis has it (lua-cjson 2.1.0). */
import { decode } from './cjson-decode.js';
import { type CjsonSettings, encode } from './cjson-encode.js';
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import { bytesArgument, integerArgument, pushText, setField, setFunctions } from './stack.js';

const INT_MAX = 2 ** 31 - 1;
const PRECISION_MAX = 14;

/** Adds `cjson` to the table of globals, which is on top. */
export function openCjson(L: LuaState): void {
  pushModule(L);
  setField(L, -2, 'cjson');
}

function pushModule(L: LuaState): void {
  const { lua } = fengari();
  const settings: CjsonSettings = {
    sparse: { convert: false, ratio: 2, safe: 10 },
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    encodeInvalidNumbers: false,
    decodeInvalidNumbers: true,
    numberPrecision: PRECISION_MAX,
    keepBuffer: true,
  };
  lua.lua_createtable(L, 0, 13);
  setFunctions(L, functionsOf(settings));
  lua.lua_pushlightuserdata(L, null);
  setField(L, -2, 'null');
  pushText(L, 'cjson');
  setField(L, -2, '_NAME');
  pushText(L, '2.1.0');
  setField(L, -2, '_VERSION');
}

function functionsOf(settings: CjsonSettings): Readonly<Record<string, HostFunction>> {
  const { lua } = fengari();
  return {
    encode: (L) => {
      oneArgument(L);
      pushText(L, encode(L, settings));
      return 1;
    },
    decode: (L) => {
      oneArgument(L);
      decode(L, bytesArgument(L, 1).toString('latin1'), settings);
      return 1;
    },
    new: (L) => {
      pushModule(L);
      return 1;
    },
    encode_sparse_array: (L) => {
      settings.sparse = {
        convert: flag(L, 1, settings.sparse.convert),
        ratio: integer(L, 2, settings.sparse.ratio, 0, INT_MAX),
        safe: integer(L, 3, settings.sparse.safe, 0, INT_MAX),
      };
      lua.lua_pushboolean(L, settings.sparse.convert);
      lua.lua_pushnumber(L, settings.sparse.ratio);
      lua.lua_pushnumber(L, settings.sparse.safe);
      return 3;
    },
    encode_max_depth: (L) =>
      number(L, (settings.encodeMaxDepth = integer(L, 1, settings.encodeMaxDepth, 1, INT_MAX))),
    decode_max_depth: (L) =>
      number(L, (settings.decodeMaxDepth = integer(L, 1, settings.decodeMaxDepth, 1, INT_MAX))),
    encode_number_precision: (L) => {
      settings.numberPrecision = integer(L, 1, settings.numberPrecision, 1, PRECISION_MAX);
      return number(L, settings.numberPrecision);
    },
    encode_keep_buffer: (L) => boolean(L, (settings.keepBuffer = flag(L, 1, settings.keepBuffer))),
    encode_invalid_numbers: (L) => {
      settings.encodeInvalidNumbers = invalidNumbers(L, settings.encodeInvalidNumbers);
      if (settings.encodeInvalidNumbers !== 'null') return boolean(L, settings.encodeInvalidNumbers);
      pushText(L, 'null');
      return 1;
    },
    decode_invalid_numbers: (L) =>
      boolean(L, (settings.decodeInvalidNumbers = flag(L, 1, settings.decodeInvalidNumbers))),
  };
}

function oneArgument(L: LuaState): void {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_argcheck(L, lua.lua_gettop(L) === 1, 1, Buffer.from('expected 1 argument'));
}

function number(L: LuaState, value: number): number {
  fengari().lua.lua_pushnumber(L, value);
  return 1;
}

function boolean(L: LuaState, value: boolean): number {
  fengari().lua.lua_pushboolean(L, value);
  return 1;
}

function integer(L: LuaState, argument: number, present: number, min: number, max: number): number {
  const { lua, lauxlib } = fengari();
  if (lua.lua_type(L, argument) <= lua.LUA_TNIL) return present;
  const value = integerArgument(L, argument);
  const message = Buffer.from(`expected integer between ${min} and ${max}`);
  lauxlib.luaL_argcheck(L, value >= min && value <= max, argument, message);
  return value;
}

function flag(L: LuaState, argument: number, present: boolean): boolean {
  const { lua } = fengari();
  return lua.lua_type(L, argument) <= lua.LUA_TNIL ? present : lua.lua_toboolean(L, argument);
}

function invalidNumbers(L: LuaState, present: boolean | 'null'): boolean | 'null' {
  const { lua, lauxlib } = fengari();
  const type = lua.lua_type(L, 1);
  if (type <= lua.LUA_TNIL) return present;
  if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(L, 1);
  const word = bytesArgument(L, 1).toString('latin1');
  if (word === 'null') return 'null';
  if (word !== 'on' && word !== 'off') {
    lauxlib.luaL_argerror(L, 1, Buffer.from(`invalid option '${word}'`, 'latin1'));
  }
  return word === 'on';
}

/** Lua 5.1's `table`, where it is not that of Lua 5.3; and `unpack`. */

import { allocation } from './allocation.js';
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import { bytesAt, integerArgument, optionalInteger, raise, setFunctions } from './stack.js';

/** The most values that `unpack` returns. */
const UNPACKED_MAX = 8_000;

/** The functions of `table` that replace those of Lua 5.3. */
export const tableFunctions: Readonly<Record<string, HostFunction>> = {
  concat,
  getn,
  insert,
  maxn,
  remove,
  setn: (L) => raise(L, "'setn' is obsolete"),
};

/** Replaces the functions of `table`, whose table is on top. */
export function openTable(L: LuaState): void {
  setFunctions(L, tableFunctions);
}

/** Lua 5.1's global `unpack`. */
export function unpack(L: LuaState): number {
  const { lua } = fengari();
  const first = optionalInteger(L, 2, 1);
  checkTable(L);
  const last = optionalInteger(L, 3, lua.lua_type(L, 3) <= lua.LUA_TNIL ? lua.lua_rawlen(L, 1) : 0);
  if (first > last) return 0;
  const count = last - first + 1;
  if (count > UNPACKED_MAX || !lua.lua_checkstack(L, count)) raise(L, 'too many results to unpack');
  for (let at = first; at <= last; at++) lua.lua_rawgeti(L, 1, at);
  return count;
}

function checkTable(L: LuaState): void {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checktype(L, 1, lua.LUA_TTABLE);
}

function concat(L: LuaState): number {
  const { lua } = fengari();
  const separator = lua.lua_type(L, 2) <= lua.LUA_TNIL ? Buffer.alloc(0) : bytesAt(L, 2);
  if (separator === undefined) fengari().lauxlib.luaL_checkstring(L, 2);
  checkTable(L);
  const first = optionalInteger(L, 3, 1);
  const last = optionalInteger(L, 4, lua.lua_rawlen(L, 1));
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (let at = first; at <= last; at++) {
    const type = lua.lua_rawgeti(L, 1, at);
    if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) {
      const name = Buffer.from(lua.lua_typename(L, type)).toString('latin1');
      raise(L, `invalid value (${name}) at index ${at} in table for 'concat'`);
    }
    const item = bytesAt(L, -1)!;
    parts.push(item);
    bytes += item.length;
    if (at < last) parts.push(separator!);
    if (at < last) bytes += separator!.length;
    lua.lua_pop(L, 1);
  }
  allocation.grant(L, bytes);
  lua.lua_pushlstring(L, Buffer.concat(parts, bytes), bytes);
  return 1;
}

function getn(L: LuaState): number {
  checkTable(L);
  fengari().lua.lua_pushnumber(L, fengari().lua.lua_rawlen(L, 1));
  return 1;
}

function insert(L: LuaState): number {
  const { lua } = fengari();
  checkTable(L);
  let end = lua.lua_rawlen(L, 1) + 1;
  let at = end;
  const count = lua.lua_gettop(L);
  if (count === 3) {
    at = integerArgument(L, 2);
    end = Math.max(end, at);
    for (let to = end; to > at; to--) moveItem(L, to - 1, to);
  } else if (count !== 2) raise(L, "wrong number of arguments to 'insert'");
  setItem(L, at);
  return 0;
}

function moveItem(L: LuaState, from: number, to: number): void {
  fengari().lua.lua_rawgeti(L, 1, from);
  setItem(L, to);
}

/** Sets an item to what is on top; a readonly table refuses. */
function setItem(L: LuaState, at: number): void {
  const { lua } = fengari();
  lua.lua_pushnumber(L, at);
  lua.lua_insert(L, -2);
  lua.lua_rawset(L, 1);
}

function maxn(L: LuaState): number {
  const { lua } = fengari();
  checkTable(L);
  let most = 0;
  lua.lua_pushnil(L);
  while (lua.lua_next(L, 1) !== 0) {
    lua.lua_pop(L, 1);
    if (lua.lua_type(L, -1) === lua.LUA_TNUMBER) most = Math.max(most, lua.lua_tonumber(L, -1));
  }
  lua.lua_pushnumber(L, most);
  return 1;
}

function remove(L: LuaState): number {
  const { lua } = fengari();
  checkTable(L);
  const end = lua.lua_rawlen(L, 1);
  const at = optionalInteger(L, 2, end);
  if (at < 1 || at > end) return 0;
  lua.lua_rawgeti(L, 1, at);
  for (let to = at; to < end; to++) moveItem(L, to + 1, to);
  lua.lua_pushnil(L);
  setItem(L, end);
  return 1;
}

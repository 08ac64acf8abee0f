/** Lua 5.1's global functions, where they are not those of Lua 5.3. */

import { allocation } from './allocation.js';
import { compileErrorIn51 } from './error-texts.js';
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import {
  bytesArgument,
  bytesAt,
  getField,
  named,
  pushBytes,
  pushText,
  raise,
  raiseBare,
  setFunctions,
  tableAt,
} from './stack.js';
import { unpack } from './table-library.js';

/** Replaces the global functions; the table of globals is on top. */
export function openBase(L: LuaState): void {
  setFunctions(L, functions);
}

const functions: Readonly<Record<string, HostFunction>> = {
  collectgarbage,
  error,
  gcinfo: (L) => answerMemory(L),
  ipairs,
  load,
  loadstring,
  pcall,
  setmetatable,
  tostring,
  unpack,
  xpcall,
};

/**
 * Compiles a text, never bytecode, which could break the machine; pushes the function and returns undefined,
 * or returns why it does not compile.
 */
export function compile(L: LuaState, text: Uint8Array, chunkName: Uint8Array): string | undefined {
  const { lua, lauxlib } = fengari();
  const status = lauxlib.luaL_loadbufferx(L, text, text.length, chunkName, named('t'));
  if (status === lua.LUA_OK) return undefined;
  const error = bytesAt(L, -1)?.toString('latin1') ?? 'unknown error';
  lua.lua_pop(L, 1);
  return compileErrorIn51(error);
}

function compileTo(L: LuaState, text: Uint8Array, chunkName: Uint8Array): number {
  const error = compile(L, text, chunkName);
  if (error === undefined) return 1;
  fengari().lua.lua_pushnil(L);
  pushText(L, error);
  return 2;
}

function loadstring(L: LuaState): number {
  const text = Buffer.from(bytesArgument(L, 1));
  const chunkName = fengari().lua.lua_type(L, 2) <= 0 ? text : bytesArgument(L, 2);
  return compileTo(L, text, chunkName);
}

/** `load(f)`: the text is what `f` returns, piece by piece, until it returns nothing. */
function load(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checktype(L, 1, lua.LUA_TFUNCTION);
  const chunkName = lua.lua_type(L, 2) <= 0 ? named('=(load)') : bytesArgument(L, 2);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    lua.lua_pushvalue(L, 1);
    lua.lua_call(L, 0, 1);
    const type = lua.lua_type(L, -1);
    if (type === lua.LUA_TNIL) break;
    if (type !== lua.LUA_TSTRING) raise(L, 'reader function must return a string');
    const piece = bytesAt(L, -1)!;
    if (piece.length === 0) break;
    bytes += piece.length;
    allocation.grant(L, bytes);
    pieces.push(piece);
    lua.lua_pop(L, 1);
  }
  return compileTo(L, Buffer.concat(pieces, bytes), chunkName);
}

/** As Lua 5.1: an error that is a number has its place before it, too. */
function error(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const level = lua.lua_type(L, 2) <= 0 ? 1 : lauxlib.luaL_checknumber(L, 2);
  lua.lua_settop(L, 1);
  const type = lua.lua_type(L, 1);
  if (level > 0 && (type === lua.LUA_TSTRING || type === lua.LUA_TNUMBER)) {
    lauxlib.luaL_where(L, level);
    pushBytes(L, Buffer.concat([bytesAt(L, 2)!, bytesAt(L, 1)!]));
  }
  return lua.lua_error(L);
}

/** As Redis has it: an error of `redis.call`, which is a table, is returned as its text. */
function pcall(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checkany(L, 1);
  lua.lua_pushboolean(L, true);
  lua.lua_insert(L, 1);
  const count = lua.lua_gettop(L) - 2;
  return called(L, lua.lua_pcallk(L, count, lua.LUA_MULTRET, 0, 0, called));
}

/** As Lua 5.1: the function is given no arguments. */
function xpcall(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checkany(L, 2);
  lua.lua_settop(L, 2);
  lua.lua_pushboolean(L, true);
  lua.lua_pushvalue(L, 1);
  return handled(L, lua.lua_pcallk(L, 0, lua.LUA_MULTRET, 2, 0, handled));
}

function handled(L: LuaState, status: number): number {
  const { lua } = fengari();
  if (status === lua.LUA_OK || status === lua.LUA_YIELD) return lua.lua_gettop(L) - 2;
  L.allowhook = 1;
  lua.lua_pushboolean(L, false);
  lua.lua_insert(L, -2);
  return 2;
}

function called(L: LuaState, status: number): number {
  const { lua } = fengari();
  if (status === lua.LUA_OK || status === lua.LUA_YIELD) return lua.lua_gettop(L);
  L.allowhook = 1;
  if (lua.lua_type(L, -1) === lua.LUA_TTABLE) {
    if (getField(L, -1, 'err') === lua.LUA_TSTRING) lua.lua_remove(L, -2);
    else lua.lua_pop(L, 1);
  }
  lua.lua_pushboolean(L, false);
  lua.lua_insert(L, -2);
  return 2;
}

function setmetatable(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checktype(L, 1, lua.LUA_TTABLE);
  const type = lua.lua_type(L, 2);
  const isTable = type === lua.LUA_TNIL || type === lua.LUA_TTABLE;
  lauxlib.luaL_argcheck(L, isTable, 2, named('nil or table expected'));
  if (tableAt(L, 1).isReadonly) raiseBare(L, 'Attempt to modify a readonly table');
  if (lua.lua_getmetatable(L, 1)) {
    pushBytes(L, named('__metatable'));
    if (lua.lua_rawget(L, -2) !== lua.LUA_TNIL) raise(L, 'cannot change a protected metatable');
  }
  lua.lua_settop(L, 2);
  lua.lua_setmetatable(L, 1);
  return 1;
}

/** As with C, where `cjson.null` is a null pointer. */
function tostring(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checkany(L, 1);
  const isNull = lua.lua_type(L, 1) === lua.LUA_TLIGHTUSERDATA && lua.lua_touserdata(L, 1) === null;
  if (isNull) pushText(L, 'userdata: (nil)');
  else lauxlib.luaL_tolstring(L, 1);
  return 1;
}

/** As Lua 5.1: items are read without metamethods. */
function ipairs(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_checktype(L, 1, lua.LUA_TTABLE);
  lua.lua_pushcfunction(L, nextItem);
  lua.lua_pushvalue(L, 1);
  lua.lua_pushnumber(L, 0);
  return 3;
}

function nextItem(L: LuaState): number {
  const { lua } = fengari();
  const at = lua.lua_tonumber(L, 2) + 1;
  lua.lua_pushnumber(L, at);
  return lua.lua_rawgeti(L, 1, at) === lua.LUA_TNIL ? 0 : 2;
}

/** Memory is collected by the engine around; only `count` says something. */
function collectgarbage(L: LuaState): number {
  const { lua } = fengari();
  const option = lua.lua_type(L, 1) <= 0 ? 'collect' : bytesArgument(L, 1).toString('latin1');
  if (option === 'count') return answerMemory(L);
  const options = ['collect', 'stop', 'restart', 'step', 'setpause', 'setstepmul'];
  if (!options.includes(option)) {
    return fengari().lauxlib.luaL_argerror(L, 1, Buffer.from(`invalid option '${option}'`, 'latin1'));
  }
  lua.lua_pushnumber(L, 0);
  return 1;
}

/** Pushes the kilobytes of strings that were made. */
function answerMemory(L: LuaState): number {
  fengari().lua.lua_pushnumber(L, allocation.stringBytes / 1024);
  return 1;
}

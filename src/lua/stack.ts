/** Small steps on Lua's stack that all libraries take. */
import { fengari, type HostFunction, type LuaState } from './fengari.js';
import type { LuaTable } from './lua-5-1.js';

const names = new Map<string, Uint8Array>();

/** A name of ours as Lua's string, made once; for names in the code, not for content. */
export function named(name: string): Uint8Array {
  let bytes = names.get(name);
  if (bytes === undefined) names.set(name, (bytes = Buffer.from(name, 'latin1')));
  return bytes;
}

/** Pushes a string whose characters are bytes. */
export function pushText(L: LuaState, text: string): void {
  pushBytes(L, Buffer.from(text, 'latin1'));
}

/** Pushes a string with a copy of the bytes. */
export function pushBytes(L: LuaState, bytes: Uint8Array): void {
  fengari().lua.lua_pushlstring(L, bytes, bytes.length);
}

/** Sets a field of the table at `index` (negative: before the push) to what is on top, and pops that. */
export function setField(L: LuaState, index: number, name: string): void {
  const { lua } = fengari();
  pushBytes(L, named(name));
  lua.lua_insert(L, -2);
  lua.lua_rawset(L, index < 0 ? index - 1 : index);
}

/** Pushes a field of the table at `index`, without metamethods; returns its type. */
export function getField(L: LuaState, index: number, name: string): number {
  const { lua } = fengari();
  pushBytes(L, named(name));
  return lua.lua_rawget(L, index < 0 ? index - 1 : index);
}

/** Adds functions to the table on top. */
export function setFunctions(L: LuaState, functions: Readonly<Record<string, HostFunction>>): void {
  const { lua } = fengari();
  for (const [name, run] of Object.entries(functions)) {
    lua.lua_pushcfunction(L, run);
    setField(L, -2, name);
  }
}

/** The bytes of the string or number at `index`, which are Lua's own memory; undefined of other values. */
export function bytesAt(L: LuaState, index: number): Buffer | undefined {
  const bytes = fengari().lua.lua_tostring(L, index);
  return bytes === null ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The table at `index` as fengari keeps it. */
export function tableAt(L: LuaState, index: number): LuaTable {
  return fengari().lua.lua_topointer(L, index) as LuaTable;
}

/** Raises an error whose text names the line that called the running function. */
export function raise(L: LuaState, text: string): never {
  const { lua, lauxlib } = fengari();
  lauxlib.luaL_where(L, 1);
  const where = bytesAt(L, -1)!.toString('latin1');
  lua.lua_pop(L, 1);
  return raiseBare(L, where + text);
}

/** Raises an error whose text names no line, as the virtual machine does in a function of the host. */
export function raiseBare(L: LuaState, text: string): never {
  pushText(L, text);
  fengari().lua.lua_error(L);
  throw new Error('lua_error returned');
}

/** An argument that must be a whole number; a fraction is cut off, as Lua 5.1 does. */
export function integerArgument(L: LuaState, argument: number): number {
  const value = fengari().lauxlib.luaL_checknumber(L, argument);
  return Number.isNaN(value) ? 0 : Math.trunc(value);
}

/** As `integerArgument`, with a value for an argument that is missing or nil. */
export function optionalInteger(L: LuaState, argument: number, otherwise: number): number {
  const value = fengari().lauxlib.luaL_optnumber(L, argument, otherwise);
  return Number.isNaN(value) ? 0 : Math.trunc(value);
}

/** An argument that must be a string or a number, as bytes in Lua's own memory. */
export function bytesArgument(L: LuaState, argument: number): Buffer {
  const bytes = fengari().lauxlib.luaL_checkstring(L, argument);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

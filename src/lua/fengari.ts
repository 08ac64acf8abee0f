/**
 * Loads fengari, a Lua in JavaScript, and makes it the Lua 5.1 that Redis has (docs/architecture.md,
 * "Scripts"). fengari is Lua 5.3 with whole numbers of 32 bits; here every number is a double. Its modules
 * take functions from one another while they load, so some parts are replaced before the others load.
 */
import { createRequire } from 'node:module';
import { typeErrorIn51 } from './error-texts.js';
import { numberText, parseNumber } from './numbers.js';

/** A Lua thread. Its fields are fengari's own. */
export interface LuaState {
  readonly l_G: object;
}

/** A function of the host that Lua calls: it takes its arguments from the stack, returns how many it left. */
export type HostFunction = (L: LuaState) => number;

/** What is left to do when a thread that was suspended inside of a host function goes on. */
export type Continuation = (L: LuaState, status: number, context: unknown) => number;

/** A table as fengari keeps it; `isReadonly` is ours. */
export interface LuaTable {
  isReadonly?: boolean;
  metatable: LuaTable | null;
}

/** The functions of Lua's C interface that are used here, by their names there. */
export interface LuaApi {
  readonly LUA_REGISTRYINDEX: number;
  readonly LUA_MULTRET: number;
  readonly LUA_MASKCOUNT: number;
  readonly LUA_OK: number;
  readonly LUA_YIELD: number;
  readonly LUA_TNIL: number;
  readonly LUA_TBOOLEAN: number;
  readonly LUA_TLIGHTUSERDATA: number;
  readonly LUA_TNUMBER: number;
  readonly LUA_TSTRING: number;
  readonly LUA_TTABLE: number;
  readonly LUA_TFUNCTION: number;
  readonly lua_Debug: new () => DebugInfo;
  lua_atnativeerror(L: LuaState, run: HostFunction): void;
  lua_call(L: LuaState, count: number, results: number): void;
  lua_checkstack(L: LuaState, count: number): boolean;
  lua_createtable(L: LuaState, items: number, fields: number): void;
  lua_error(L: LuaState): number;
  lua_getinfo(L: LuaState, what: Uint8Array, info: DebugInfo): number;
  lua_getmetatable(L: LuaState, index: number): boolean;
  lua_getstack(L: LuaState, level: number, info: DebugInfo): number;
  lua_gettop(L: LuaState): number;
  lua_insert(L: LuaState, index: number): void;
  lua_isyieldable(L: LuaState): boolean;
  lua_newthread(L: LuaState): LuaState;
  lua_next(L: LuaState, index: number): number;
  lua_pop(L: LuaState, count: number): void;
  lua_pushboolean(L: LuaState, value: boolean): void;
  lua_pushcclosure(L: LuaState, run: HostFunction, upvalues: number): void;
  lua_pushcfunction(L: LuaState, run: HostFunction): void;
  lua_pushlightuserdata(L: LuaState, value: unknown): void;
  lua_pushlstring(L: LuaState, bytes: Uint8Array, length: number): void;
  lua_pushnil(L: LuaState): void;
  lua_pushnumber(L: LuaState, value: number): void;
  lua_pushthread(L: LuaState): boolean;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rawequal(L: LuaState, left: number, right: number): boolean;
  lua_rawget(L: LuaState, index: number): number;
  lua_rawgeti(L: LuaState, index: number, item: number): number;
  lua_rawlen(L: LuaState, index: number): number;
  lua_rawset(L: LuaState, index: number): void;
  lua_rawseti(L: LuaState, index: number, item: number): void;
  lua_remove(L: LuaState, index: number): void;
  lua_resume(L: LuaState, from: LuaState | null, count: number): number;
  lua_sethook(L: LuaState, hook: (L: LuaState) => void, mask: number, count: number): void;
  lua_setmetatable(L: LuaState, index: number): boolean;
  lua_settop(L: LuaState, index: number): void;
  lua_status(L: LuaState): number;
  lua_toboolean(L: LuaState, index: number): boolean;
  lua_tonumber(L: LuaState, index: number): number;
  lua_topointer(L: LuaState, index: number): unknown;
  lua_tostring(L: LuaState, index: number): Uint8Array | null;
  lua_tothread(L: LuaState, index: number): LuaState;
  lua_touserdata(L: LuaState, index: number): unknown;
  lua_type(L: LuaState, index: number): number;
  lua_typename(L: LuaState, type: number): Uint8Array;
  lua_upvalueindex(index: number): number;
  lua_xmove(from: LuaState, to: LuaState, count: number): void;
  lua_yield(L: LuaState, count: number): number;
  lua_yieldk(L: LuaState, count: number, context: unknown, next: Continuation): number;
}

/** What Lua knows of a function that is being run. */
export interface DebugInfo {
  /** The chunk's name, `@user_script`. */
  source: Uint8Array;
  what: Uint8Array;
  /** The line that runs; -1 in a host function. */
  currentline: number;
}

/** The functions of Lua's auxiliary library that are used here. */
export interface LuaLibrary {
  luaL_argcheck(L: LuaState, condition: boolean, argument: number, message: Uint8Array): void;
  luaL_argerror(L: LuaState, argument: number, message: Uint8Array): never;
  luaL_checkany(L: LuaState, argument: number): void;
  luaL_checknumber(L: LuaState, argument: number): number;
  luaL_checkstring(L: LuaState, argument: number): Uint8Array;
  luaL_checktype(L: LuaState, argument: number, type: number): void;
  luaL_loadbufferx(L: LuaState, text: Uint8Array, length: number, name: Uint8Array, mode: Uint8Array): number;
  luaL_newstate(): LuaState;
  luaL_optnumber(L: LuaState, argument: number, otherwise: number): number;
  luaL_ref(L: LuaState, index: number): number;
  luaL_requiref(L: LuaState, name: Uint8Array, open: HostFunction, isGlobal: number): void;
  luaL_tolstring(L: LuaState, index: number): Uint8Array;
  luaL_unref(L: LuaState, index: number, reference: number): void;
  luaL_where(L: LuaState, level: number): void;
}

/** fengari as it is used here. */
export interface Fengari {
  readonly lua: LuaApi;
  readonly lauxlib: LuaLibrary;
  /** The functions that open Lua's own libraries, by their names. */
  readonly libraries: Readonly<Record<string, HostFunction>>;
}

/** What is counted of the strings that scripts make. */
export interface Allocation {
  /** Bytes of all strings that were made, and are perhaps gone again. */
  stringBytes: number;
  /** Called before `bytes` are allocated at once; throws Lua's error when they are too many. */
  grant(L: LuaState, bytes: number): void;
}

/** Bytes that a string takes besides its own. */
const STRING_BYTES = 96;
/** The shortest length, in bytes, that is asked for before it is allocated. */
const LARGE_BYTES = 64 * 1024;

/** Counts for the one copy of fengari that a process has. */
export const allocation: Allocation = { stringBytes: 0, grant: () => {} };

let loaded: Fengari | undefined;

/** fengari with all its parts replaced that differ from Lua 5.1; it is loaded at the first call. */
export function fengari(): Fengari {
  loaded ??= load(createRequire(import.meta.url));
  return loaded;
}

type Module = Record<string, (...args: never[]) => unknown>;

function load(require: NodeJS.Require): Fengari {
  replaceNumbers(require);
  replaceStrings(require);
  replaceBuffers(require);
  const { lua, lauxlib } = require('fengari') as { lua: LuaApi; lauxlib: LuaLibrary };
  const part = (name: string) => require(`fengari/src/${name}.js`);
  replaceRest(part);
  const libraries = {
    base: part('lbaselib').luaopen_base,
    coroutine: part('lcorolib').luaopen_coroutine,
    math: part('lmathlib').luaopen_math,
    string: part('lstrlib').luaopen_string,
    table: part('ltablib').luaopen_table,
  } as Record<string, HostFunction>;
  return { lua, lauxlib, libraries };
}

/** Numbers are doubles of one kind, written as C's `%.14g`. */
function replaceNumbers(require: NodeJS.Require): void {
  const { constant_types: types } = require('fengari/src/defs.js');
  types.LUA_TNUMINT = types.LUA_TNUMFLT;
  const conf = require('fengari/src/luaconf.js');
  conf.LUA_COMPAT_FLOATSTRING = true;
  conf.lua_number2str = (value: number) => numberText(value, 14);
  conf.lua_numbertointeger = (value: number) => (Number.isNaN(value) ? 0 : Math.trunc(value));
}

interface LuaString {
  /** The name of the string in tables' maps, made when it is first a key. */
  hash: string | null;
  readonly realstring: Uint8Array;
}

/**
 * Strings are counted, and have their bytes as their name in tables; fengari's names, of hexadecimal digits
 * without leading zeros, are the same for different strings.
 */
function replaceStrings(require: NodeJS.Require): void {
  const strings = require('fengari/src/lstring.js');
  const make = strings.luaS_bless as (L: LuaState, bytes: Uint8Array) => LuaString;
  const nameOf = (bytes: Uint8Array) => `|${latin1(bytes)}`;
  strings.luaS_hash = nameOf;
  strings.luaS_hashlongstr = (string: LuaString) => (string.hash ??= nameOf(string.realstring));
  strings.luaS_bless = (L: LuaState, bytes: Uint8Array) => {
    allocation.stringBytes += bytes.length + STRING_BYTES;
    if (bytes.length > LARGE_BYTES) allocation.grant(L, 0);
    return make(L, bytes);
  };
  // fengari calls it with `new` in places, so it is no arrow function.
  strings.luaS_new = function copied(L: LuaState, bytes: Uint8Array) {
    return strings.luaS_bless(L, Uint8Array.from(bytes));
  };
}

/** The buffer in which libraries make a string. */
interface GrowingBuffer {
  readonly L: LuaState;
  readonly b: Uint8Array;
  readonly n: number;
}

/** Buffers ask before they grow beyond what is little. */
function replaceBuffers(require: NodeJS.Require): void {
  const library = require('fengari/src/lauxlib.js') as Module;
  const ask = (buffer: GrowingBuffer, more: number) => {
    const bytes = buffer.n + more;
    if (bytes > LARGE_BYTES && bytes > buffer.b.length) allocation.grant(buffer.L, 2 * bytes);
  };
  const wrap = (name: string, moreOf: (...args: never[]) => number) => {
    const before = library[name] as (...args: unknown[]) => unknown;
    library[name] = (...args: never[]) => {
      ask(args[0]!, moreOf(...args));
      return before(...args);
    };
  };
  wrap('luaL_prepbuffsize', (_: GrowingBuffer, bytes: number) => bytes);
  wrap('luaL_addlstring', (_: GrowingBuffer, _bytes: Uint8Array, length: number) => length);
  wrap('luaL_addstring', (_: GrowingBuffer, bytes: Uint8Array) => bytes.length);
}

/** The parts that others ask for by name each time. */
function replaceRest(part: (name: string) => Record<string, never>): void {
  const objects = part('lobject') as unknown as Objects;
  objects.TValue.prototype.ttisinteger = () => false;
  objects.luaO_str2num = (text, target) => {
    const value = parseNumber(latin1(text));
    if (value === undefined) return 0;
    target.setfltvalue(value);
    return text.length + 1;
  };
  const format = objects.luaO_pushvfstring;
  objects.luaO_pushvfstring = (L, text, args) => format(L, ...typeErrorIn51(text, args));
  const tables = part('ltable') as unknown as Tables;
  const debug = part('ldebug') as unknown as { luaG_runerror(L: LuaState, text: Uint8Array): never };
  const set = tables.luaH_setfrom;
  tables.luaH_setfrom = (L, table, key, value) => {
    if (table.isReadonly) debug.luaG_runerror(L, READONLY_TABLE);
    set(L, table, key, value);
  };
  const machine = part('lvm') as unknown as {
    tointeger(value: LuaValue): number | false;
    tonumber: ToNumber;
  };
  machine.tointeger = (value) => {
    const number = machine.tonumber(value);
    return number === false ? false : Number.isNaN(number) ? 0 : Math.trunc(number);
  };
}

const READONLY_TABLE = Buffer.from('Attempt to modify a readonly table');

interface LuaValue {
  setfltvalue(value: number): void;
}
type ToNumber = (value: LuaValue) => number | false;

interface Objects {
  TValue: { prototype: { ttisinteger(): boolean } };
  luaO_str2num(text: Uint8Array, target: LuaValue): number;
  luaO_pushvfstring(L: LuaState, format: Uint8Array, args: readonly unknown[]): Uint8Array;
}

interface Tables {
  luaH_setfrom(L: LuaState, table: LuaTable, key: LuaValue, value: LuaValue): void;
}

/** The bytes as a text of as many characters. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The functions of Lua's C interface that are used here, as fengari has them. */

/** A Lua thread. Its fields are fengari's own. */
export interface LuaState {
  readonly l_G: object;
  /** 1 while hooks are called. fengari leaves 0 behind an error that was caught, so it is set again there. */
  allowhook: number;
}

/** A function of the host that Lua calls: it takes its arguments from the stack, returns how many it left. */
export type HostFunction = (L: LuaState) => number;

/** The work that is left when a thread that was suspended inside of a host function goes on. */
export type Continuation = (L: LuaState, status: number, context: unknown) => number;

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
  lua_pcallk(
    L: LuaState,
    count: number,
    results: number,
    handler: number,
    context: unknown,
    next: Continuation,
  ): number;
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

/** Lua's facts about a function that is being run. */
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

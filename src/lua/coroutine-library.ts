/**
 * Lua's coroutines within a script that may be suspended as a whole: the script itself is a thread, and when
 * it is suspended inside of a coroutine, all threads around that one are suspended with it.
 */
import { fengari, type LuaState } from './fengari.js';
import { bytesAt, pushText, raise, raiseBare, setFunctions } from './stack.js';

/** The state of the script around its coroutines. */
export interface Suspension {
  /** The thread that just stopped did so because the script is suspended, not by `coroutine.yield`. */
  isSuspending: boolean;
  /** How many calls are open that cannot be suspended. */
  pinned: number;
  /** The thread of the script that runs. */
  readonly thread: LuaState | undefined;
}

/** Replaces the functions of `coroutine`, whose table is on top. */
export function openCoroutine(L: LuaState, suspension: Suspension): void {
  const { lua, lauxlib } = fengari();

  /**
   * Moves the values that `co` returned or yielded to `L`, and returns their number; -1: its error is on top.
   */
  function results(L: LuaState, co: LuaState, status: number): number {
    if (status !== lua.LUA_OK && status !== lua.LUA_YIELD) {
      lua.lua_xmove(co, L, 1);
      return -1;
    }
    const count = lua.lua_gettop(co);
    if (!lua.lua_checkstack(L, count + 1)) {
      lua.lua_pop(co, count);
      pushText(L, 'too many results to resume');
      return -1;
    }
    lua.lua_xmove(co, L, count);
    return count;
  }

  /** Runs `co` until it ends or yields; `finish` gets the number of its values, which are on top of `L`. */
  function run(L: LuaState, co: LuaState, count: number, finish: (count: number) => number): number {
    const isPinned = !lua.lua_isyieldable(L);
    if (isPinned) suspension.pinned += 1;
    const status = lua.lua_resume(co, L, count);
    if (isPinned) suspension.pinned -= 1;
    if (status === lua.LUA_YIELD && suspension.isSuspending) {
      return lua.lua_yieldk(L, 0, 0, (again) => run(again, co, 0, finish));
    }
    return finish(results(L, co, status));
  }

  function start(L: LuaState, co: LuaState, count: number, finish: (count: number) => number): number {
    if (lua.lua_status(co) === lua.LUA_OK && lua.lua_gettop(co) === 0) {
      pushText(L, 'cannot resume dead coroutine');
      return finish(-1);
    }
    if (co === suspension.thread) {
      pushText(L, 'cannot resume running coroutine');
      return finish(-1);
    }
    if (!lua.lua_checkstack(co, count)) raise(L, 'too many arguments to resume');
    lua.lua_xmove(L, co, count);
    return run(L, co, count, finish);
  }

  function resume(L: LuaState): number {
    const co = lua.lua_tothread(L, 1);
    lauxlib.luaL_argcheck(L, Boolean(co), 1, Buffer.from('coroutine expected'));
    return start(L, co, lua.lua_gettop(L) - 1, (count) => {
      const values = count < 0 ? 1 : count;
      lua.lua_pushboolean(L, count >= 0);
      lua.lua_insert(L, -(values + 1));
      return values + 1;
    });
  }

  function create(L: LuaState): number {
    lauxlib.luaL_checktype(L, 1, lua.LUA_TFUNCTION);
    const co = lua.lua_newthread(L);
    lua.lua_pushvalue(L, 1);
    lua.lua_xmove(L, co, 1);
    return 1;
  }

  function wrapped(L: LuaState): number {
    const co = lua.lua_tothread(L, lua.lua_upvalueindex(1));
    return start(L, co, lua.lua_gettop(L), (count) => {
      if (count >= 0) return count;
      if (lua.lua_type(L, -1) === lua.LUA_TSTRING) {
        // As Lua 5.1 does: the place of the call goes before the error.
        const text = bytesAt(L, -1)!.toString('latin1');
        raise(L, text);
      }
      return lua.lua_error(L);
    });
  }

  setFunctions(L, {
    create,
    resume,
    wrap: (L) => {
      create(L);
      lua.lua_pushcclosure(L, wrapped, 1);
      return 1;
    },
    running: (L) => {
      if (L === suspension.thread) lua.lua_pushnil(L);
      else lua.lua_pushthread(L);
      return 1;
    },
    yield: (L) => {
      if (L === suspension.thread) raiseBare(L, 'attempt to yield across metamethod/C-call boundary');
      return lua.lua_yield(L, lua.lua_gettop(L));
    },
  });
}

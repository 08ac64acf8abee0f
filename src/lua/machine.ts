/**
 * One Lua machine: the globals that all scripts share and cannot change, the functions that were compiled,
 * and the script that runs. A script runs in a thread of its own, and can be suspended after any
 * instruction, so that the event loop has its turn; then it goes on where it was.
 */
import { openBase, compile as push } from './base-library.js';
import { openBit } from './bit.js';
import { openCjson } from './cjson.js';
import { openCmsgpack } from './cmsgpack.js';
import { openCoroutine, type Suspension } from './coroutine-library.js';
import { fengari, type LuaState } from './fengari.js';
import { latin1 } from './latin1.js';
import { openMath } from './math-library.js';
import { ScriptMemory } from './memory.js';
import { PRELUDE } from './prelude.js';
import { bytesAt, getField, named, pushText, raise, setField, setFunctions, tableAt } from './stack.js';
import { stringFunctions } from './string-library.js';
import { openStruct } from './struct.js';
import { openTable } from './table-library.js';

/** Instructions between two looks at the clock. */
const LOOK_INSTRUCTIONS = 5_000;
/** Where Lua keeps the table of globals in the registry. */
const GLOBALS = 2;

/** Lua's name for functions of the host. */
const HOST = 'J';

/** The chunk's name of the library's functions that are in Lua. */
const LIBRARY = '@library';

/** The decision about a script that runs: it goes on, is suspended if it can be, or ends with this error. */
export type Verdict = 'go-on' | 'suspend' | { readonly error: string };

/** The options of the machine. */
export interface MachineOptions {
  /** Adds what the host offers to the table of globals, which is on top. */
  open(L: LuaState): void;
  /** Decides about the running script; `canSuspend` is false inside of a callback of a library. */
  judge(canSuspend: boolean): Verdict;
  /** Returns the time, Unix milliseconds. */
  nowMs(): number;
  /** Returns the CPU time of the process, in seconds. */
  cpuSeconds(): number;
}

/** A function that was compiled. */
export type CompiledScript = number;

/** How a step of the running script ended; values and errors are on top of `thread`. */
export type Outcome = 'ended' | 'failed' | 'suspended';

/** The machine in which all scripts of a server run, one at a time. */
export class LuaMachine {
  readonly #options: MachineOptions;
  readonly #main: LuaState;
  readonly #memory = new ScriptMemory();
  readonly #suspension: Suspension & { thread: LuaState | undefined };
  /** A thread whose script has ended well. */
  #idle: LuaState | undefined;
  /** A fault of ours that came through Lua. */
  #fault: unknown;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#main = fengari().lauxlib.luaL_newstate();
    this.#suspension = { isSuspending: false, pinned: 0, thread: undefined };
    fengari().lua.lua_atnativeerror(this.#main, (L) => this.#nativeError(L));
    this.#open();
  }

  /** The thread of the script that runs. */
  get thread(): LuaState {
    return this.#suspension.thread!;
  }

  /** Compiles a script; a string is why it does not compile. */
  compile(text: Uint8Array): CompiledScript | string {
    const { lua, lauxlib } = fengari();
    return (
      push(this.#main, text, named('@user_script')) ?? lauxlib.luaL_ref(this.#main, lua.LUA_REGISTRYINDEX)
    );
  }

  /** Forgets a compiled script. */
  release(script: CompiledScript): void {
    fengari().lauxlib.luaL_unref(this.#main, fengari().lua.LUA_REGISTRYINDEX, script);
  }

  /** Sets a global to a list of strings. */
  setList(name: string, items: readonly Uint8Array[]): void {
    const { lua } = fengari();
    const L = this.#main;
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, GLOBALS);
    lua.lua_createtable(L, items.length, 0);
    for (let at = 0; at < items.length; at++) {
      lua.lua_pushlstring(L, items[at]!, items[at]!.length);
      lua.lua_rawseti(L, -2, at + 1);
    }
    const globals = tableAt(L, -2);
    globals.isReadonly = false;
    setField(L, -2, name);
    globals.isReadonly = true;
    lua.lua_settop(L, 0);
  }

  /** Begins to run a script, and runs its first step. */
  start(script: CompiledScript): Outcome {
    const { lua } = fengari();
    const thread = this.#idle ?? this.#newThread();
    this.#idle = undefined;
    this.#suspension.thread = thread;
    this.#suspension.pinned = 0;
    this.#memory.begin();
    lua.lua_rawgeti(thread, lua.LUA_REGISTRYINDEX, script);
    return this.step();
  }

  /** Runs the script until it ends or is suspended. Throws what our own functions threw. */
  step(): Outcome {
    const { lua } = fengari();
    const suspension = this.#suspension;
    suspension.isSuspending = false;
    const status = lua.lua_resume(suspension.thread!, null, 0);
    if (this.#fault !== undefined) {
      const fault = this.#fault;
      this.#fault = undefined;
      throw fault;
    }
    if (status === lua.LUA_YIELD) return 'suspended';
    return status === lua.LUA_OK ? 'ended' : 'failed';
  }

  /** The thread with what the script returned on top: its first value, or nil. */
  result(): LuaState {
    fengari().lua.lua_settop(this.thread, 1);
    return this.thread;
  }

  /** Lets go of the thread and its values; a thread that has not ended well is not used again. */
  finish(outcome: Outcome): void {
    const { thread } = this.#suspension;
    this.#suspension.thread = undefined;
    if (outcome !== 'ended' || thread === undefined) return;
    fengari().lua.lua_settop(thread, 0);
    this.#idle = thread;
  }

  /** Where the script failed: the chunk and line of its own function that ran; undefined if there is none. */
  failedAt(): { source: string; line: number } | undefined {
    const { lua } = fengari();
    const info = new lua.lua_Debug();
    for (let level = 0; lua.lua_getstack(this.thread, level, info) !== 0; level++) {
      lua.lua_getinfo(this.thread, named('Sl'), info);
      const source = latin1(info.source);
      const isOwn = latin1(info.what) !== HOST && source !== LIBRARY;
      if (isOwn) return { source, line: info.currentline };
    }
    return undefined;
  }

  #newThread(): LuaState {
    const { lua } = fengari();
    const thread = lua.lua_newthread(this.#main);
    lua.lua_settop(this.#main, 0);
    lua.lua_sethook(thread, (L) => this.#look(L), lua.LUA_MASKCOUNT, LOOK_INSTRUCTIONS);
    return thread;
  }

  #look(L: LuaState): void {
    const { lua } = fengari();
    this.#memory.check(L);
    const canSuspend = this.#suspension.pinned === 0 && lua.lua_isyieldable(L);
    const verdict = this.#options.judge(canSuspend);
    if (verdict === 'go-on') return;
    if (verdict === 'suspend') {
      this.#suspension.isSuspending = true;
      lua.lua_yield(L, 0);
      return;
    }
    // From now on every instruction fails, so that the script cannot catch the error and go on.
    lua.lua_sethook(L, (again) => this.#look(again), lua.LUA_MASKCOUNT, 1);
    // A handler of xpcall runs before this hook is left, and must not run without hooks.
    L.allowhook = 1;
    pushError(L, verdict.error);
    lua.lua_error(L);
  }

  /** A fault in a function of the host: one of the engine's limits is the script's error, others are ours. */
  #nativeError(L: LuaState): number {
    const error = fengari().lua.lua_touserdata(L, 1);
    if (!(error instanceof RangeError)) this.#fault ??= error;
    pushText(L, 'not enough memory');
    return 1;
  }

  #open(): void {
    const { lua, lauxlib, libraries } = fengari();
    const L = this.#main;
    for (const [name, open] of Object.entries(libraries)) {
      lauxlib.luaL_requiref(L, named(name === 'base' ? '_G' : name), open, 1);
    }
    lua.lua_settop(L, 0);
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, GLOBALS);
    openBase(L);
    this.#replace('string', () => setFunctions(L, stringFunctions), ['pack', 'packsize', 'unpack']);
    this.#replace('table', openTable, ['pack', 'unpack', 'move']);
    this.#replace('math', openMath, ['maxinteger', 'mininteger', 'tointeger', 'type', 'ult']);
    this.#replace('coroutine', (state) => openCoroutine(state, this.#suspension), ['isyieldable']);
    this.#runPrelude();
    openBit(L);
    openCjson(L);
    openCmsgpack(L);
    openStruct(L);
    this.#addClock();
    this.#options.open(L);
    pushText(L, 'Lua 5.1');
    setField(L, -2, '_VERSION');
    for (const name of ['dofile', 'loadfile', 'print', 'rawlen', 'utf8']) this.#remove(name);
    this.#protect();
    lua.lua_settop(L, 0);
  }

  /** Replaces functions of a library, and removes those that Lua 5.1 has not. */
  #replace(name: string, open: (L: LuaState) => void, removed: readonly string[]): void {
    const L = this.#main;
    getField(L, 1, name);
    for (const one of removed) this.#remove(one);
    open(L);
    fengari().lua.lua_settop(L, 1);
  }

  #remove(name: string): void {
    fengari().lua.lua_pushnil(this.#main);
    setField(this.#main, -2, name);
  }

  #runPrelude(): void {
    const { lua } = fengari();
    const L = this.#main;
    const error = push(L, Buffer.from(PRELUDE), named(LIBRARY));
    if (error !== undefined) throw new Error(error);
    const needed = [
      'table.sort',
      'string.gsub',
      'string.find',
      'string.sub',
      'table.concat',
      'type',
      'error',
      'pairs',
      'select',
    ];
    for (const name of needed) pushGlobal(L, name);
    lua.lua_call(L, needed.length, 4);
    pushGlobal(L, 'string.gmatch');
    for (const name of ['string.gfind', 'table.foreachi', 'table.foreach', 'string.gsub', 'table.sort'])
      setGlobal(L, name);
  }

  /** `os` has the clocks, and nothing of the machine around. */
  #addClock(): void {
    const { lua } = fengari();
    const L = this.#main;
    lua.lua_createtable(L, 0, 2);
    setFunctions(L, {
      clock: (state) => {
        lua.lua_pushnumber(state, this.#options.cpuSeconds());
        return 1;
      },
      time: (state) => {
        lua.lua_pushnumber(state, Math.floor(this.#options.nowMs() / 1000));
        return 1;
      },
    });
    setField(L, 1, 'os');
  }

  /** From now on no table of the machine can be changed, and a global that is not there is an error. */
  #protect(): void {
    const { lua } = fengari();
    const L = this.#main;
    lua.lua_pushnil(L);
    while (lua.lua_next(L, 1) !== 0) {
      if (lua.lua_type(L, -1) === lua.LUA_TTABLE) tableAt(L, -1).isReadonly = true;
      lua.lua_pop(L, 1);
    }
    pushText(L, '');
    lua.lua_getmetatable(L, -1);
    tableAt(L, -1).isReadonly = true;
    lua.lua_createtable(L, 0, 1);
    setFunctions(L, {
      __index: (state) =>
        raise(
          state,
          `Script attempted to access nonexistent global variable '${bytesAt(state, 2)?.toString('latin1') ?? '?'}'`,
        ),
    });
    tableAt(L, -1).isReadonly = true;
    lua.lua_setmetatable(L, 1);
    tableAt(L, 1).isReadonly = true;
  }
}

/** Pushes an error as Redis' functions raise them: a table whose field `err` is the text, with its code. */
export function pushError(L: LuaState, text: string): void {
  fengari().lua.lua_createtable(L, 0, 1);
  pushText(L, text);
  setField(L, -2, 'err');
}

function pushGlobal(L: LuaState, path: string): void {
  const { lua } = fengari();
  const [first, second] = path.split('.') as [string, string?];
  getField(L, 1, first);
  if (second === undefined) return;
  getField(L, -1, second);
  lua.lua_remove(L, -2);
}

function setGlobal(L: LuaState, path: string): void {
  const { lua } = fengari();
  const [library, name] = path.split('.') as [string, string];
  getField(L, 1, library);
  lua.lua_insert(L, -2);
  setField(L, -2, name);
  lua.lua_pop(L, 1);
}

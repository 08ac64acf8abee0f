/**
 * Loads fengari, a Lua in JavaScript (docs/architecture.md, "Scripts"), and says which of its functions are
 * used; lua-5-1.ts makes it the Lua that Redis has.
 */
import { createRequire } from 'node:module';
import { replaceBefore, replaceBehind } from './lua-5-1.js';
import type { Fengari, HostFunction, LuaApi, LuaLibrary } from './lua-api.js';

export type {
  HostFunction,
  LuaState,
} from './lua-api.js';

let loaded: Fengari | undefined;

/** fengari with all its parts replaced that differ from Lua 5.1; it is loaded at the first call. */
export function fengari(): Fengari {
  loaded ??= load(createRequire(import.meta.url));
  return loaded;
}

function load(require: NodeJS.Require): Fengari {
  replaceBefore(require);
  const { lua, lauxlib } = require('fengari') as { lua: LuaApi; lauxlib: LuaLibrary };
  const part = (name: string) => require(`fengari/src/${name}.js`);
  replaceBehind(part);
  const libraries = {
    base: part('lbaselib').luaopen_base,
    coroutine: part('lcorolib').luaopen_coroutine,
    math: part('lmathlib').luaopen_math,
    string: part('lstrlib').luaopen_string,
    table: part('ltablib').luaopen_table,
  } as Record<string, HostFunction>;
  return { lua, lauxlib, libraries };
}

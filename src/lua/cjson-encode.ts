/** cjson's encoder (lua-cjson 2.1.0). */

import { allocation } from './allocation.js';
import { fengari, type LuaState } from './fengari.js';
import { latin1 } from './latin1.js';
import { numberText } from './numbers.js';
import { bytesAt, raise } from './stack.js';

/** The settings of cjson that a script may change. */
export interface CjsonSettings {
  /** A list with more gaps than these allow is an object (`convert`) or an error. */
  sparse: { convert: boolean; ratio: number; safe: number };
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  encodeInvalidNumbers: boolean | 'null';
  decodeInvalidNumbers: boolean;
  numberPrecision: number;
  keepBuffer: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** The JSON text, of characters that are bytes, of the value on top of the stack. */
export function encode(L: LuaState, settings: CjsonSettings): string {
  return new Encoder(L, settings).encode();
}

class Encoder {
  readonly #L: LuaState;
  readonly #settings: CjsonSettings;
  #text = '';

  constructor(L: LuaState, settings: CjsonSettings) {
    this.#L = L;
    this.#settings = settings;
  }

  encode(): string {
    this.#add(0);
    return this.#text;
  }

  #put(text: string): void {
    this.#text += text;
    allocation.grant(this.#L, this.#text.length);
  }

  /** Adds the value on top. */
  #add(depth: number): void {
    const L = this.#L;
    const { lua } = fengari();
    const type = lua.lua_type(L, -1);
    if (type === lua.LUA_TSTRING) this.#put(quoted(bytesAt(L, -1)!));
    else if (type === lua.LUA_TNUMBER) this.#put(this.#number(lua.lua_tonumber(L, -1)));
    else if (type === lua.LUA_TBOOLEAN) this.#put(lua.lua_toboolean(L, -1) ? 'true' : 'false');
    else if (type === lua.LUA_TTABLE) this.#addTable(depth + 1);
    else if (type === lua.LUA_TNIL) this.#put('null');
    else if (type === lua.LUA_TLIGHTUSERDATA && lua.lua_touserdata(L, -1) === null) this.#put('null');
    else this.#refuse(type, 'type not supported');
  }

  #number(value: number): string {
    const { encodeInvalidNumbers, numberPrecision } = this.#settings;
    if (!Number.isFinite(value)) {
      if (encodeInvalidNumbers === 'null') return 'null';
      if (!encodeInvalidNumbers) this.#refuse(fengari().lua.LUA_TNUMBER, 'must not be NaN or Inf');
      return Number.isNaN(value) ? 'nan' : numberText(value, numberPrecision);
    }
    return numberText(value, numberPrecision);
  }

  #addTable(depth: number): void {
    const L = this.#L;
    const { lua } = fengari();
    if (depth > this.#settings.encodeMaxDepth || !lua.lua_checkstack(L, 3)) {
      raise(L, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#listLength();
    if (length > 0) this.#addList(length, depth);
    else this.#addObject(depth);
  }

  /** The length of the list on top; -1: it is an object. */
  #listLength(): number {
    const L = this.#L;
    const { lua } = fengari();
    let last = 0;
    let count = 0;
    lua.lua_pushnil(L);
    while (lua.lua_next(L, -2) !== 0) {
      lua.lua_pop(L, 1);
      const key = lua.lua_type(L, -1) === lua.LUA_TNUMBER ? lua.lua_tonumber(L, -1) : 0;
      if (key < 1 || !Number.isInteger(key)) {
        lua.lua_pop(L, 1);
        return -1;
      }
      last = Math.max(last, key);
      count += 1;
    }
    const { convert, ratio, safe } = this.#settings.sparse;
    if (ratio > 0 && last > count * ratio && last > safe) {
      if (!convert) this.#refuse(lua.LUA_TTABLE, 'excessively sparse array');
      return -1;
    }
    return last;
  }

  #addList(length: number, depth: number): void {
    const { lua } = fengari();
    this.#put('[');
    for (let at = 1; at <= length; at++) {
      if (at > 1) this.#put(',');
      lua.lua_rawgeti(this.#L, -1, at);
      this.#add(depth);
      lua.lua_pop(this.#L, 1);
    }
    this.#put(']');
  }

  #addObject(depth: number): void {
    const L = this.#L;
    const { lua } = fengari();
    this.#put('{');
    let isFirst = true;
    lua.lua_pushnil(L);
    while (lua.lua_next(L, -2) !== 0) {
      if (!isFirst) this.#put(',');
      isFirst = false;
      const type = lua.lua_type(L, -2);
      if (type === lua.LUA_TNUMBER) this.#put(`"${this.#number(lua.lua_tonumber(L, -2))}":`);
      else if (type === lua.LUA_TSTRING) this.#put(`${quoted(bytesAt(L, -2)!)}:`);
      else this.#refuse(type, 'table key must be a number or string');
      this.#add(depth);
      lua.lua_pop(L, 1);
    }
    this.#put('}');
  }

  #refuse(type: number, reason: string): never {
    const name = latin1(fengari().lua.lua_typename(this.#L, type));
    return raise(this.#L, `Cannot serialise ${name}: ${reason}`);
  }
}

function quoted(bytes: Buffer): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes that are escaped
  const escaped = bytes.toString('latin1').replace(/["\\/\x00-\x1f\x7f]/g, (char) => {
    return ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

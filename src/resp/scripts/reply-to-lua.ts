/** The replies of commands as the Lua values that `redis.call` returns. */
import { fengari, type LuaState } from '../../lua/fengari.js';
import { parseNumber } from '../../lua/numbers.js';
import { pushBytes, raise, setField } from '../../lua/stack.js';

const CR = 0x0d;

/** Pushes the value of a reply, encoded in the protocol that the script has chosen. */
export function pushReply(L: LuaState, bytes: Buffer): void {
  new ReplyReader(L, bytes).push();
}

class ReplyReader {
  readonly #L: LuaState;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(L: LuaState, bytes: Buffer) {
    this.#L = L;
    this.#bytes = bytes;
  }

  push(): void {
    const { lua } = fengari();
    const L = this.#L;
    if (!lua.lua_checkstack(L, 4)) raise(L, 'reached lua stack limit');
    const mark = String.fromCharCode(this.#bytes[this.#at]!);
    const line = this.#line();
    const text = line.toString('latin1');
    if (mark === ':') lua.lua_pushnumber(L, Number(text));
    else if (mark === '$') this.#pushBulk(Number(text));
    else if (mark === '+') this.#pushField('ok', line);
    else if (mark === '-') this.#pushField('err', line);
    else if (mark === '*') this.#pushList(Number(text));
    else if (mark === '_') lua.lua_pushnil(L);
    else if (mark === '#') lua.lua_pushboolean(L, text === 't');
    else if (mark === ',') this.#pushDouble(parseNumber(text) ?? 0);
    else if (mark === '(') this.#pushField('big_number', line);
    else if (mark === '=') this.#pushVerbatim(Number(text));
    else if (mark === '%') this.#pushMap(Number(text));
    else if (mark === '~') this.#pushSet(Number(text));
    else throw new Error(`no reply begins with ${mark}`);
  }

  #line(): Buffer {
    const end = this.#bytes.indexOf(CR, this.#at);
    const line = this.#bytes.subarray(this.#at + 1, end);
    this.#at = end + 2;
    return line;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length + 2;
    return taken;
  }

  #pushBulk(length: number): void {
    if (length < 0) fengari().lua.lua_pushboolean(this.#L, false);
    else pushBytes(this.#L, this.#take(length));
  }

  /** Pushes a table with one field. */
  #pushField(name: string, bytes: Buffer): void {
    fengari().lua.lua_createtable(this.#L, 0, 1);
    pushBytes(this.#L, bytes);
    setField(this.#L, -2, name);
  }

  #pushList(count: number): void {
    const { lua } = fengari();
    if (count < 0) {
      lua.lua_pushboolean(this.#L, false);
      return;
    }
    lua.lua_createtable(this.#L, count, 0);
    for (let at = 1; at <= count; at++) {
      this.push();
      lua.lua_rawseti(this.#L, -2, at);
    }
  }

  #pushDouble(value: number): void {
    const { lua } = fengari();
    lua.lua_createtable(this.#L, 0, 1);
    lua.lua_pushnumber(this.#L, value);
    setField(this.#L, -2, 'double');
  }

  #pushVerbatim(length: number): void {
    const bytes = this.#take(length);
    fengari().lua.lua_createtable(this.#L, 0, 1);
    this.#pushField('format', bytes.subarray(0, 3));
    pushBytes(this.#L, bytes.subarray(4));
    setField(this.#L, -2, 'string');
    setField(this.#L, -2, 'verbatim_string');
  }

  #pushMap(count: number): void {
    const { lua } = fengari();
    lua.lua_createtable(this.#L, 0, 1);
    lua.lua_createtable(this.#L, 0, count);
    for (let at = 0; at < count; at++) {
      this.push();
      this.push();
      lua.lua_rawset(this.#L, -3);
    }
    setField(this.#L, -2, 'map');
  }

  #pushSet(count: number): void {
    const { lua } = fengari();
    lua.lua_createtable(this.#L, 0, 1);
    lua.lua_createtable(this.#L, 0, count);
    for (let at = 0; at < count; at++) {
      this.push();
      lua.lua_pushboolean(this.#L, true);
      lua.lua_rawset(this.#L, -3);
    }
    setField(this.#L, -2, 'set');
  }
}

/** The value that a script returns, as a reply (Redis' conversions). */
import { fengari, type LuaState } from '../../lua/fengari.js';
import { bytesAt, getField } from '../../lua/stack.js';
import {
  BigNumber,
  BooleanReply,
  Double,
  Failure,
  MapReply,
  type Protocol,
  Raw,
  REPLY_BYTES_MAX,
  type Reply,
  SetReply,
  Verbatim,
} from '../reply.js';

/**
 * Tables are nested so deep at most. In Redis it is 7,995; here JavaScript's stack, of which each level takes
 * several calls, is full at some 1,600 before this code is compiled.
 */
const NESTING_MAX = 800;
/** The most values of a reply, each of which is an object until it is encoded. */
const VALUES_MAX = 4 * 1024 * 1024;

const STACK_LIMIT = new Failure('ERR reached lua stack limit');

/** Converts the value on top of the stack, and pops it; `protocol` is what the script has set. */
export function popReply(L: LuaState, protocol: Protocol): Reply {
  return new Conversion(L, protocol).whole();
}

class Conversion {
  readonly #L: LuaState;
  readonly #protocol: Protocol;
  #values = 0;
  #bytes = 0;

  constructor(L: LuaState, protocol: Protocol) {
    this.#L = L;
    this.#protocol = protocol;
  }

  whole(): Reply {
    const reply = this.#pop(0);
    const isTooMuch = this.#values > VALUES_MAX || this.#bytes > REPLY_BYTES_MAX;
    return isTooMuch ? new Failure('ERR the reply of the script is too large') : reply;
  }

  #pop(depth: number): Reply {
    const { lua } = fengari();
    const L = this.#L;
    this.#values += 1;
    const reply = lua.lua_checkstack(L, 4) && depth < NESTING_MAX ? this.#at(depth) : STACK_LIMIT;
    lua.lua_pop(L, 1);
    return reply;
  }

  #at(depth: number): Reply {
    const { lua } = fengari();
    const L = this.#L;
    const type = lua.lua_type(L, -1);
    if (type === lua.LUA_TSTRING) return this.#string(-1);
    if (type === lua.LUA_TNUMBER) return integerOf(lua.lua_tonumber(L, -1));
    if (type === lua.LUA_TBOOLEAN) {
      const isTrue = lua.lua_toboolean(L, -1);
      if (this.#protocol === 3) return new BooleanReply(isTrue);
      return isTrue ? 1 : null;
    }
    return type === lua.LUA_TTABLE ? this.#table(depth) : null;
  }

  /** A copy of a string, for Lua's own may go. */
  #string(index: number): Buffer {
    const bytes = Buffer.from(bytesAt(this.#L, index)!);
    this.#bytes += bytes.length;
    return bytes;
  }

  #table(depth: number): Reply {
    const { lua } = fengari();
    const error = this.#field('err', lua.LUA_TSTRING, () => this.#string(-1));
    if (error !== undefined) return new Failure(error.toString('latin1'));
    const status = this.#field('ok', lua.LUA_TSTRING, () => this.#string(-1));
    if (status !== undefined) return statusOf(status);
    const double = this.#field('double', lua.LUA_TNUMBER, () => lua.lua_tonumber(this.#L, -1));
    if (double !== undefined) return new Double(double);
    return (
      this.#field('map', lua.LUA_TTABLE, () => new MapReply(this.#pairs(depth))) ??
      this.#field('set', lua.LUA_TTABLE, () => new SetReply(this.#pairs(depth).map(([key]) => key))) ??
      this.#field('big_number', lua.LUA_TSTRING, () => new BigNumber(this.#string(-1).toString('latin1'))) ??
      this.#field('verbatim_string', lua.LUA_TTABLE, () => this.#verbatim()) ??
      this.#list(depth)
    );
  }

  /** The field of the table on top, if it has this type. */
  #field<Value>(name: string, type: number, read: () => Value): Value | undefined {
    const found = getField(this.#L, -1, name) === type ? read() : undefined;
    fengari().lua.lua_pop(this.#L, 1);
    return found;
  }

  #verbatim(): Verbatim | undefined {
    const { lua } = fengari();
    const format = this.#field('format', lua.LUA_TSTRING, () => this.#string(-1));
    const text = this.#field('string', lua.LUA_TSTRING, () => this.#string(-1));
    return format && text && new Verbatim(text, format.toString('latin1', 0, 3));
  }

  #pairs(depth: number): (readonly [Reply, Reply])[] {
    const { lua } = fengari();
    const pairs: (readonly [Reply, Reply])[] = [];
    lua.lua_pushnil(this.#L);
    while (this.#values <= VALUES_MAX && lua.lua_next(this.#L, -2) !== 0) {
      lua.lua_pushvalue(this.#L, -2);
      const key = this.#pop(depth + 1);
      const value = this.#pop(depth + 1);
      pairs.push([key, value]);
    }
    if (this.#values > VALUES_MAX) lua.lua_pop(this.#L, 1);
    return pairs;
  }

  #list(depth: number): Reply {
    const { lua } = fengari();
    const items: Reply[] = [];
    while (this.#values <= VALUES_MAX) {
      if (lua.lua_rawgeti(this.#L, -1, items.length + 1) === lua.LUA_TNIL) {
        lua.lua_pop(this.#L, 1);
        break;
      }
      items.push(this.#pop(depth + 1));
    }
    return items;
  }
}

/** C's conversion of a double to 64 bits, which has one value for all that do not fit. */
function integerOf(value: number): number | bigint {
  if (!(Math.abs(value) < 2 ** 63)) return -(2n ** 63n);
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole);
}

/** A status may have any bytes but line breaks. */
function statusOf(text: Buffer): Raw {
  const line = text.toString('latin1').replace(/[\r\n]/g, ' ');
  return new Raw(Buffer.from(`+${line}\r\n`, 'latin1'));
}

/** The library `struct` as Redis has it (Roberto Ierusalimschy's, version 0.2): C structures in strings. */

import { allocation } from './allocation.js';
import { fengari, type LuaState } from './fengari.js';
import { bytesArgument, optionalInteger, pushBytes, raise, setField, setFunctions } from './stack.js';

const INTEGER_BYTES_MAX = 32;
const ALIGNMENT_DEFAULT = 8;
const INT_MAX = 2n ** 31n - 1n;
const INTEGERS = 'bBhHlLTiI';
/** Bytes of the types of C that an option stands for. */
const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

/** Adds `struct` to the table of globals, which is on top. */
export function openStruct(L: LuaState): void {
  fengari().lua.lua_createtable(L, 0, 3);
  setFunctions(L, { pack, size, unpack });
  setField(L, -2, 'struct');
}

/** A format, read option by option. */
class Format {
  readonly #L: LuaState;
  readonly #text: string;
  #at = 0;
  #alignment = 1;
  isLittle = true;
  /** The option that was read last, and the bytes of its value; 0 where the value decides. */
  option = '';
  size = 0;

  constructor(L: LuaState) {
    this.#L = L;
    const text = bytesArgument(L, 1).toString('latin1');
    const end = text.indexOf('\0');
    this.#text = end === -1 ? text : text.slice(0, end);
  }

  /** Reads the next option; false: there is none. */
  next(): boolean {
    if (this.#at >= this.#text.length) return false;
    this.option = this.#text[this.#at++]!;
    this.size = this.#size();
    return true;
  }

  /** Bytes that must come before the value when it stands at `position`. */
  padding(position: number): number {
    if (this.size === 0 || this.option === 'c') return 0;
    const size = Math.min(this.size, this.#alignment);
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** Does what an option asks for that has no value. */
  control(): void {
    switch (this.option) {
      case ' ':
        return;
      case '>':
        this.isLittle = false;
        return;
      case '<':
        this.isLittle = true;
        return;
      case '!': {
        const alignment = this.#number(ALIGNMENT_DEFAULT);
        const isPowerOf2 = alignment > 0 && (alignment & (alignment - 1)) === 0;
        if (!isPowerOf2) raise(this.#L, `alignment ${alignment} is not a power of 2`);
        this.#alignment = alignment;
        return;
      }
      default:
        fengari().lauxlib.luaL_argerror(
          this.#L,
          1,
          Buffer.from(`invalid format option '${this.option}'`, 'latin1'),
        );
    }
  }

  #size(): number {
    if (this.option === 'c') return this.#number(1);
    if (this.option !== 'i' && this.option !== 'I') return SIZES[this.option] ?? 0;
    const size = this.#number(4);
    if (size > INTEGER_BYTES_MAX) {
      raise(this.#L, `integral size ${size} is larger than limit of ${INTEGER_BYTES_MAX}`);
    }
    return size;
  }

  #number(otherwise: number): number {
    const digits = /^\d+/.exec(this.#text.slice(this.#at))?.[0];
    if (digits === undefined) return otherwise;
    this.#at += digits.length;
    if (BigInt(digits) > INT_MAX) raise(this.#L, 'integral size overflow');
    return Number(digits);
  }
}

function pack(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  // A missing argument is nil, as where C has pushed one to stand before its buffer.
  lua.lua_pushnil(L);
  const format = new Format(L);
  const parts: Buffer[] = [];
  let argument = 2;
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    allocation.grant(L, bytes);
    parts.push(part);
  };
  while (format.next()) {
    add(Buffer.alloc(format.padding(bytes)));
    const { option } = format;
    if (INTEGERS.includes(option)) add(integerBytes(lauxlib.luaL_checknumber(L, argument++), format));
    else if (option === 'x') add(Buffer.alloc(1));
    else if (option === 'f' || option === 'd')
      add(realBytes(lauxlib.luaL_checknumber(L, argument++), format));
    else if (option === 'c' || option === 's') {
      const text = bytesArgument(L, argument++);
      const length = format.size === 0 ? text.length : format.size;
      lauxlib.luaL_argcheck(L, text.length >= length, argument, Buffer.from('string too short'));
      add(Buffer.from(text.subarray(0, length)));
      if (option === 's') add(Buffer.alloc(1));
    } else format.control();
  }
  pushBytes(L, Buffer.concat(parts, bytes));
  return 1;
}

function unpack(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const format = new Format(L);
  const data = bytesArgument(L, 2);
  let at = optionalInteger(L, 3, 1) - 1;
  lauxlib.luaL_argcheck(L, at >= 0, 3, Buffer.from('offset must be 1 or greater'));
  const need = (size: number) => {
    lauxlib.luaL_argcheck(L, at + size <= data.length, 2, Buffer.from('data string too short'));
  };
  let count = 0;
  while (format.next()) {
    const { option } = format;
    let { size } = format;
    at += format.padding(at);
    need(size);
    if (!lua.lua_checkstack(L, 2)) raise(L, 'stack overflow (too many results)');
    count += 1;
    if (INTEGERS.includes(option)) lua.lua_pushnumber(L, integerAt(data, at, format));
    else if (option === 'f')
      lua.lua_pushnumber(L, format.isLittle ? data.readFloatLE(at) : data.readFloatBE(at));
    else if (option === 'd')
      lua.lua_pushnumber(L, format.isLittle ? data.readDoubleLE(at) : data.readDoubleBE(at));
    else if (option === 'c') {
      if (size === 0) {
        if (count === 1 || lua.lua_type(L, -1) !== lua.LUA_TNUMBER)
          raise(L, "format 'c0' needs a previous size");
        size = Math.trunc(lua.lua_tonumber(L, -1));
        lua.lua_pop(L, 1);
        count -= 1;
        need(size < 0 ? Number.POSITIVE_INFINITY : size);
      }
      pushBytes(L, data.subarray(at, at + size));
    } else if (option === 's') {
      const end = data.indexOf(0, at);
      if (end === -1) raise(L, 'unfinished string in data');
      size = end - at + 1;
      pushBytes(L, data.subarray(at, end));
    } else {
      count -= 1;
      if (option !== 'x') format.control();
    }
    at += size;
  }
  lua.lua_pushnumber(L, at + 1);
  return count + 1;
}

function size(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const format = new Format(L);
  let at = 0;
  while (format.next()) {
    const { option } = format;
    at += format.padding(at);
    if (option === 's') lauxlib.luaL_argerror(L, 1, Buffer.from("option 's' has no fixed size"));
    if (option === 'c' && format.size === 0) {
      lauxlib.luaL_argerror(L, 1, Buffer.from("option 'c0' has no fixed size"));
    }
    if (!/[0-9A-Za-z]/.test(option)) format.control();
    at += format.size;
  }
  lua.lua_pushnumber(L, at);
  return 1;
}

/** The low bytes of a number's whole part, which C keeps in 64 bits. */
function integerBytes(value: number, { size: length, isLittle }: Format): Buffer {
  const isOutside = !(Math.abs(value) < 2 ** 64);
  const whole = BigInt.asUintN(64, isOutside ? 0n : BigInt(Math.trunc(value)));
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < Math.min(length, 8); at++) bytes[at] = Number((whole >> BigInt(8 * at)) & 0xffn);
  return isLittle ? bytes : bytes.reverse();
}

function integerAt(data: Buffer, at: number, { size: length, isLittle, option }: Format): number {
  const bytes = Buffer.from(data.subarray(at, at + length));
  if (isLittle) bytes.reverse();
  const whole = BigInt.asUintN(64, BigInt(`0x${bytes.toString('hex') || '0'}`));
  const isSigned = option >= 'a';
  return Number(isSigned ? BigInt.asIntN(Math.min(8 * length, 64), whole) : whole);
}

function realBytes(value: number, { option, isLittle }: Format): Buffer {
  const bytes = Buffer.alloc(option === 'f' ? 4 : 8);
  if (option === 'f') bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return isLittle ? bytes : bytes.reverse();
}

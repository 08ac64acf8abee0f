/** The library `cmsgpack` as Redis has it (lua-cmsgpack 0.4.0): Lua values as MessagePack and back. */

import { allocation } from './allocation.js';
import { fengari, type LuaState } from './fengari.js';
import {
  bytesArgument,
  bytesAt,
  integerArgument,
  optionalInteger,
  pushBytes,
  pushText,
  raise,
  setField,
  setFunctions,
} from './stack.js';

/** Tables are packed so deep; one that is deeper is nil, so that a circle has an end. */
const NESTING_MAX = 16;
/** Values are unpacked so deep; Lua's own stack has this limit. */
const UNPACKED_NESTING_MAX = 2_000;

/** Adds `cmsgpack` to the table of globals, which is on top. */
export function openCmsgpack(L: LuaState): void {
  fengari().lua.lua_createtable(L, 0, 8);
  setFunctions(L, { pack, unpack, unpack_limit: unpackLimit, unpack_one: unpackOne });
  const texts = {
    _NAME: 'cmsgpack',
    _VERSION: 'lua-cmsgpack 0.4.0',
    _COPYRIGHT: 'Copyright (C) 2012, Salvatore Sanfilippo',
    _DESCRIPTION: 'MessagePack C implementation for Lua',
  };
  for (const [name, text] of Object.entries(texts)) {
    pushText(L, text);
    setField(L, -2, name);
  }
  setField(L, -2, 'cmsgpack');
}

function pack(L: LuaState): number {
  const { lua, lauxlib } = fengari();
  const count = lua.lua_gettop(L);
  if (count === 0) lauxlib.luaL_argerror(L, 0, Buffer.from('MessagePack pack needs input.'));
  if (!lua.lua_checkstack(L, count)) raise(L, 'Too many arguments for MessagePack pack.');
  const packer = new Packer(L);
  for (let at = 1; at <= count; at++) {
    lua.lua_pushvalue(L, at);
    packer.add(0);
  }
  pushBytes(L, packer.bytes());
  return 1;
}

/** Packs values, each of which is on top of the stack and is popped. */
class Packer {
  readonly #L: LuaState;
  readonly #parts: Buffer[] = [];
  #length = 0;

  constructor(L: LuaState) {
    this.#L = L;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  add(level: number): void {
    const L = this.#L;
    const { lua } = fengari();
    const type = lua.lua_type(L, -1);
    if (type === lua.LUA_TSTRING) this.#addString(bytesAt(L, -1)!);
    else if (type === lua.LUA_TBOOLEAN) this.#put(Buffer.of(lua.lua_toboolean(L, -1) ? 0xc3 : 0xc2));
    else if (type === lua.LUA_TNUMBER) this.#put(numberBytes(lua.lua_tonumber(L, -1)));
    else if (type === lua.LUA_TTABLE && level < NESTING_MAX) this.#addTable(level);
    else this.#put(Buffer.of(0xc0));
    lua.lua_pop(L, 1);
  }

  #put(bytes: Buffer): void {
    this.#length += bytes.length;
    allocation.grant(this.#L, this.#length);
    this.#parts.push(bytes);
  }

  #addString(bytes: Buffer): void {
    const { length } = bytes;
    if (length <= 31) this.#put(Buffer.of(0xa0 | length));
    else if (length <= 0xff) this.#put(Buffer.of(0xd9, length));
    else this.#put(counted(0xda, length));
    this.#put(Buffer.from(bytes));
  }

  #addTable(level: number): void {
    const L = this.#L;
    const { lua } = fengari();
    if (!lua.lua_checkstack(L, 4)) raise(L, 'stack overflow');
    const { isList, count } = shapeOf(L);
    if (isList) {
      this.#put(count <= 15 ? Buffer.of(0x90 | count) : counted(0xdc, count));
      for (let at = 1; at <= count; at++) {
        lua.lua_rawgeti(L, -1, at);
        this.add(level + 1);
      }
      return;
    }
    this.#put(count <= 15 ? Buffer.of(0x80 | count) : counted(0xde, count));
    lua.lua_pushnil(L);
    while (lua.lua_next(L, -2) !== 0) {
      lua.lua_pushvalue(L, -2);
      this.add(level + 1);
      this.add(level + 1);
    }
  }
}

/** A mark and a count of 16 bits, or the next mark and one of 32. */
function counted(mark: number, count: number): Buffer {
  const bytes = Buffer.alloc(count <= 0xffff ? 3 : 5);
  bytes[0] = count <= 0xffff ? mark : mark + 1;
  if (count <= 0xffff) bytes.writeUInt16BE(count, 1);
  else bytes.writeUInt32BE(count, 1);
  return bytes;
}

/** Whether the table on top has the items 1 to `count` and nothing else. */
function shapeOf(L: LuaState): { isList: boolean; count: number } {
  const { lua } = fengari();
  let isList = true;
  let count = 0;
  let last = 0;
  lua.lua_pushnil(L);
  while (lua.lua_next(L, -2) !== 0) {
    lua.lua_pop(L, 1);
    count += 1;
    const key = lua.lua_type(L, -1) === lua.LUA_TNUMBER ? lua.lua_tonumber(L, -1) : 0;
    if (key <= 0 || !Number.isInteger(key)) isList = false;
    last = Math.max(last, key);
  }
  return { isList: isList && last === count, count };
}

function numberBytes(value: number): Buffer {
  const isInteger = Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
  if (isInteger) return integerBytes(value);
  const isSingle = Math.fround(value) === value;
  const bytes = Buffer.alloc(isSingle ? 5 : 9);
  bytes[0] = isSingle ? 0xca : 0xcb;
  if (isSingle) bytes.writeFloatBE(value, 1);
  else bytes.writeDoubleBE(value, 1);
  return bytes;
}

function integerBytes(value: number): Buffer {
  if (value >= -32 && value <= 127) return Buffer.of(value & 0xff);
  const isNegative = value < 0;
  const magnitude = isNegative ? -value - 1 : value;
  const bits = isNegative ? 1 : 0;
  const power = [8, 16, 32].findIndex((size) => magnitude < 2 ** (size - bits));
  const size = power === -1 ? 8 : 2 ** power;
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = (isNegative ? 0xd0 : 0xcc) + (power === -1 ? 3 : power);
  let whole = BigInt.asUintN(64, BigInt(value));
  for (let at = size; at > 0; at--, whole >>= 8n) bytes[at] = Number(whole & 0xffn);
  return bytes;
}

function unpack(L: LuaState): number {
  return unpackFrom(L, 0, 0);
}

function unpackOne(L: LuaState): number {
  const offset = optionalInteger(L, 2, 0);
  return unpackFrom(L, 1, offset);
}

function unpackLimit(L: LuaState): number {
  const limit = integerArgument(L, 2);
  return unpackFrom(L, limit, optionalInteger(L, 3, 0));
}

/** Unpacks up to `limit` values from `offset` on; all of them, and only them, when both are 0. */
function unpackFrom(L: LuaState, limit: number, offset: number): number {
  const { lua } = fengari();
  const data = bytesArgument(L, 1);
  const { length } = data;
  if (offset < 0 || limit < 0) {
    raise(L, `Invalid request to unpack with offset of ${offset} and limit of ${length}.`);
  }
  if (offset > length) raise(L, `Start offset ${offset} greater than input length ${length}.`);
  const isAll = limit === 0 && offset === 0;
  const unpacker = new Unpacker(L, data, offset);
  lua.lua_settop(L, 1);
  let count = 0;
  while (unpacker.left > 0 && (isAll || count < limit)) {
    unpacker.push(0);
    count += 1;
  }
  if (isAll) return count;
  lua.lua_pushnumber(L, unpacker.left === 0 ? -1 : length - unpacker.left);
  lua.lua_insert(L, 2);
  return count + 1;
}

/** Unpacks values and pushes them. */
class Unpacker {
  readonly #L: LuaState;
  readonly #data: Buffer;
  #at: number;

  constructor(L: LuaState, data: Buffer, at: number) {
    this.#L = L;
    this.#data = data;
    this.#at = at;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  push(level: number): void {
    const { lua } = fengari();
    const L = this.#L;
    if (level > UNPACKED_NESTING_MAX || !lua.lua_checkstack(L, 4)) raise(L, 'too many nested values');
    const mark = this.#take(1)[0]!;
    if (mark <= 0x7f) lua.lua_pushnumber(L, mark);
    else if (mark <= 0x8f) this.#pushMap(mark & 0x0f, level);
    else if (mark <= 0x9f) this.#pushList(mark & 0x0f, level);
    else if (mark <= 0xbf) pushBytes(L, this.#take(mark & 0x1f));
    else if (mark >= 0xe0) lua.lua_pushnumber(L, mark - 0x100);
    else this.#pushMarked(mark, level);
  }

  #pushMarked(mark: number, level: number): void {
    const { lua } = fengari();
    const L = this.#L;
    if (mark === 0xc0) lua.lua_pushnil(L);
    else if (mark === 0xc2 || mark === 0xc3) lua.lua_pushboolean(L, mark === 0xc3);
    else if (mark === 0xca) lua.lua_pushnumber(L, this.#take(4).readFloatBE());
    else if (mark === 0xcb) lua.lua_pushnumber(L, this.#take(8).readDoubleBE());
    else if (mark >= 0xcc && mark <= 0xce) lua.lua_pushnumber(L, this.#unsigned(2 ** (mark - 0xcc)));
    // 64 bits without a sign are taken for some with one, as cmsgpack does with Lua 5.1.
    else if (mark === 0xcf) lua.lua_pushnumber(L, this.#signed(8));
    else if (mark >= 0xd0 && mark <= 0xd3) lua.lua_pushnumber(L, this.#signed(2 ** (mark - 0xd0)));
    else if (mark >= 0xd9 && mark <= 0xdb) pushBytes(L, this.#take(this.#unsigned(2 ** (mark - 0xd9))));
    else if (mark === 0xdc || mark === 0xdd) this.#pushList(this.#unsigned(mark === 0xdc ? 2 : 4), level);
    else if (mark === 0xde || mark === 0xdf) this.#pushMap(this.#unsigned(mark === 0xde ? 2 : 4), level);
    else raise(L, 'Bad data format in input.');
  }

  #take(bytes: number): Buffer {
    if (bytes > this.left) raise(this.#L, 'Missing bytes in input.');
    this.#at += bytes;
    return this.#data.subarray(this.#at - bytes, this.#at);
  }

  #unsigned(bytes: number): number {
    return Number(BigInt(`0x${this.#take(bytes).toString('hex')}`));
  }

  #signed(bytes: number): number {
    return Number(BigInt.asIntN(8 * bytes, BigInt(`0x${this.#take(bytes).toString('hex')}`)));
  }

  #pushList(count: number, level: number): void {
    const { lua } = fengari();
    lua.lua_createtable(this.#L, 0, 0);
    for (let at = 1; at <= count; at++) {
      this.push(level + 1);
      lua.lua_rawseti(this.#L, -2, at);
    }
  }

  #pushMap(count: number, level: number): void {
    const { lua } = fengari();
    lua.lua_createtable(this.#L, 0, 0);
    for (let at = 0; at < count; at++) {
      this.push(level + 1);
      this.push(level + 1);
      lua.lua_rawset(this.#L, -3);
    }
  }
}

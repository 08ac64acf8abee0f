/**
 * Makes fengari, which is Lua 5.3 with whole numbers of 32 bits, the Lua 5.1 that Redis has: every number is
 * a double, errors have the words of 5.1, and tables are walked in its order. fengari's modules take
 * functions from one another while they load, so some parts are replaced before the others load.
 */
import { allocation, LARGE_BYTES, STRING_BYTES } from './allocation.js';
import { typeErrorIn51 } from './error-texts.js';
import { latin1 } from './latin1.js';
import type { LuaState } from './lua-api.js';
import { numberText, parseNumber } from './numbers.js';
import { type OrderedTable, type TableEntry, TableOrder } from './table-order.js';

/** Replaces parts that others take while they load; to be called before fengari is loaded. */
export function replaceBefore(require: NodeJS.Require): void {
  replaceNumbers(require);
  replaceStrings(require);
  replaceBuffers(require);
}

type Module = Record<string, (...args: never[]) => unknown>;

/** Numbers are doubles of one kind, written as C's `%.14g`. */
function replaceNumbers(require: NodeJS.Require): void {
  const { constant_types: types } = require('fengari/src/defs.js');
  types.LUA_TNUMINT = types.LUA_TNUMFLT;
  const limits = require('fengari/src/llimits.js');
  // Lua 5.1's definition; 5.3 has C's fmod, which has other digits.
  limits.luai_nummod = (_: LuaState, left: number, right: number) => left - Math.floor(left / right) * right;
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
  // By this one alone the lexer knows reserved words, of which Lua 5.1 has one less.
  strings.luaS_hash = (bytes: Uint8Array) => {
    const text = latin1(bytes);
    return text === 'goto' ? '' : `|${text}`;
  };
  strings.luaS_hashlongstr = nameOf;
  strings.luaS_bless = (L: LuaState, bytes: Uint8Array) => {
    allocation.stringBytes += bytes.length + STRING_BYTES;
    if (bytes.length > LARGE_BYTES) allocation.grant(L, 0);
    return make(L, bytes);
  };
  // fengari calls it with `new` in places, so it is no arrow function.
  strings.luaS_new = function copied(L: LuaState, bytes: Uint8Array) {
    return strings.luaS_bless(L, new Uint8Array(bytes));
  };
}

/** The name of a string in tables' maps. */
function nameOf(string: LuaString): string {
  return (string.hash ??= `|${latin1(string.realstring)}`);
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

/** Replaces parts that others ask for by name each time; `part` loads one of fengari's modules. */
export function replaceBehind(part: (name: string) => Record<string, never>): void {
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
  const debug = part('ldebug') as unknown as DebugLibrary;
  const set = tables.luaH_setfrom;
  tables.luaH_setfrom = (L, table, key, value) => {
    if ((table as LuaTable).isReadonly) debug.luaG_runerror(L, READONLY_TABLE);
    set(L, table, key, value);
  };
  replaceOrder(tables, debug, (part('lopcodes') as unknown as OpCodes).OpCodesI.OP_NEWTABLE);
  const methods = part('ltm') as unknown as Methods;
  const fast = methods.fasttm;
  // In Lua 5.1 a table has no length but its own.
  methods.fasttm = (L, table, event) => (event === methods.TMS.TM_LEN ? null : fast(L, table, event));
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

/** A table as fengari keeps it; `isReadonly` is ours. */
export interface LuaTable {
  isReadonly?: boolean;
  metatable: LuaTable | null;
}

interface LuaValue {
  readonly value: unknown;
  setfltvalue(value: number): void;
  setfrom(value: unknown): void;
  ttisnil(): boolean;
}
type ToNumber = (value: LuaValue) => number | false;

interface Objects {
  TValue: { prototype: { ttisinteger(): boolean } };
  luaO_str2num(text: Uint8Array, target: LuaValue): number;
  luaO_pushvfstring(L: LuaState, format: Uint8Array, args: readonly unknown[]): Uint8Array;
}

interface Methods {
  readonly TMS: { readonly TM_LEN: number };
  fasttm(L: LuaState, table: LuaTable | null, event: number): unknown;
}

interface DebugLibrary {
  luaG_runerror(L: LuaState, text: Uint8Array): never;
}

interface OpCodes {
  readonly OpCodesI: { readonly OP_NEWTABLE: number };
}

interface Tables {
  luaH_new(L: RunningState): FengariTable;
  luaH_next(L: RunningState, table: FengariTable, at: number): boolean;
  luaH_setfrom(L: LuaState, table: LuaTable, key: LuaValue, value: LuaValue): void;
}

interface Instruction {
  readonly opcode: number;
  readonly B: number;
  readonly C: number;
}

/** A thread with the call that it is in. */
interface RunningState extends LuaState {
  readonly stack: readonly LuaValue[];
  readonly ci: {
    readonly callstatus: number;
    readonly l_code: readonly Instruction[] | null;
    readonly l_savedpc: number;
  };
}

/** A table with its items that are gone, which a walk may still stand at. */
interface FengariTable extends OrderedTable {
  readonly dead_strong: ReadonlyMap<unknown, TableEntry>;
  readonly dead_weak: WeakMap<object, TableEntry> | undefined;
}

/** The mark of a call of a Lua function. */
const CALLS_LUA = 2;

/** Tables are walked in the order of Lua 5.1, which depends on the sizes that a constructor asks for. */
function replaceOrder(tables: Tables, { luaG_runerror: fail }: DebugLibrary, newTable: number): void {
  const make = tables.luaH_new;
  tables.luaH_new = (L) => {
    const table = make(L);
    const { callstatus, l_code: code, l_savedpc: next } = L.ci ?? NO_CALL;
    const instruction = (callstatus & CALLS_LUA) !== 0 ? code?.[next - 1] : undefined;
    if (instruction?.opcode === newTable) table.sizes = [sizeOf(instruction.B), sizeOf(instruction.C)];
    return table;
  };
  tables.luaH_next = (L, table, at) => {
    const key = L.stack[at]!;
    const before = key.ttisnil() ? undefined : (entryOf(table, key) ?? fail(L, INVALID_KEY));
    const isKept = before !== undefined && table.order?.has(before);
    const order = isKept ? table.order! : TableOrder.of(table);
    const entry = order.after(before);
    if (entry === undefined) return false;
    key.setfrom(entry.key);
    L.stack[at + 1]!.setfrom(entry.value);
    return true;
  };
}

const NO_CALL = { callstatus: 0, l_code: null, l_savedpc: 0 };
const INVALID_KEY = Buffer.from("invalid key to 'next'");

/** The item of a key, which may have been deleted since a walk came to it. */
function entryOf(table: FengariTable, { value }: LuaValue): TableEntry | undefined {
  const name =
    (value as Partial<LuaString> | null)?.realstring === undefined ? value : nameOf(value as LuaString);
  const isObject = typeof name === 'object' && name !== null;
  return (
    table.strong.get(name) ??
    (isObject ? table.dead_weak?.get(name) : undefined) ??
    table.dead_strong.get(name)
  );
}

/** The size that an instruction names: `eeeeexxx` stands for `1xxx` shifted by e - 1. */
function sizeOf(coded: number): number {
  const exponent = coded >> 3;
  return exponent === 0 ? coded : ((coded & 7) + 8) << (exponent - 1);
}

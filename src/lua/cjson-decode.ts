/** cjson's decoder (lua-cjson 2.1.0), with its errors. */
import type { CjsonSettings } from './cjson-encode.js';
import { fengari, type LuaState } from './fengari.js';
import { parseNumber } from './numbers.js';
import { pushBytes, raise } from './stack.js';

type TokenType =
  | 'T_OBJ_BEGIN'
  | 'T_OBJ_END'
  | 'T_ARR_BEGIN'
  | 'T_ARR_END'
  | 'T_STRING'
  | 'T_NUMBER'
  | 'T_BOOLEAN'
  | 'T_NULL'
  | 'T_COLON'
  | 'T_COMMA'
  | 'T_END'
  | 'T_ERROR';

interface Token {
  readonly type: TokenType;
  /** Where it begins, or, of an error, where that is. */
  readonly at: number;
  readonly text?: string;
  readonly number?: number;
  readonly isTrue?: boolean;
}

const SIGNS: Readonly<Record<string, TokenType>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ':': 'T_COLON',
  ',': 'T_COMMA',
};
const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
};
/** The texts that strtod takes at the beginning of a text. */
const NUMBER = /[+-]?(0x[0-9a-f]+|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)/iy;
/** Numbers that JSON has not. */
const INVALID_NUMBER = /[+-]?(0x|0\d|inf|nan)/iy;

/** Pushes the value that a JSON text, of characters that are bytes, spells. */
export function decode(L: LuaState, text: string, settings: CjsonSettings): void {
  if (text.length >= 2 && (text[0] === '\0' || text[1] === '\0')) {
    raise(L, 'JSON parser does not support UTF-16 or UTF-32');
  }
  new Decoder(L, text, settings).decode();
}

class Decoder {
  readonly #L: LuaState;
  readonly #text: string;
  readonly #settings: CjsonSettings;
  #at = 0;
  #depth = 0;

  constructor(L: LuaState, text: string, settings: CjsonSettings) {
    this.#L = L;
    this.#text = text;
    this.#settings = settings;
  }

  decode(): void {
    this.#push(this.#next());
    const end = this.#next();
    if (end.type !== 'T_END') this.#expected('the end', end);
  }

  #push(token: Token): void {
    const { lua } = fengari();
    const L = this.#L;
    if (token.type === 'T_STRING') pushBytes(L, Buffer.from(token.text!, 'latin1'));
    else if (token.type === 'T_NUMBER') lua.lua_pushnumber(L, token.number!);
    else if (token.type === 'T_BOOLEAN') lua.lua_pushboolean(L, token.isTrue!);
    else if (token.type === 'T_OBJ_BEGIN') this.#pushObject();
    else if (token.type === 'T_ARR_BEGIN') this.#pushList();
    else if (token.type === 'T_NULL') lua.lua_pushlightuserdata(L, null);
    else this.#expected('value', token);
  }

  #pushObject(): void {
    const { lua } = fengari();
    this.#descend();
    lua.lua_createtable(this.#L, 0, 0);
    this.#fillObject();
    this.#depth -= 1;
  }

  #fillObject(): void {
    const { lua } = fengari();
    let token = this.#next();
    if (token.type === 'T_OBJ_END') return;
    for (;;) {
      if (token.type !== 'T_STRING') this.#expected('object key string', token);
      pushBytes(this.#L, Buffer.from(token.text!, 'latin1'));
      token = this.#next();
      if (token.type !== 'T_COLON') this.#expected('colon', token);
      this.#push(this.#next());
      lua.lua_rawset(this.#L, -3);
      token = this.#next();
      if (token.type === 'T_OBJ_END') return;
      if (token.type !== 'T_COMMA') this.#expected('comma or object end', token);
      token = this.#next();
    }
  }

  #pushList(): void {
    const { lua } = fengari();
    this.#descend();
    lua.lua_createtable(this.#L, 0, 0);
    this.#fillList();
    this.#depth -= 1;
  }

  #fillList(): void {
    const { lua } = fengari();
    let token = this.#next();
    if (token.type === 'T_ARR_END') return;
    for (let at = 1; ; at++) {
      this.#push(token);
      lua.lua_rawseti(this.#L, -2, at);
      token = this.#next();
      if (token.type === 'T_ARR_END') return;
      if (token.type !== 'T_COMMA') this.#expected('comma or array end', token);
      token = this.#next();
    }
  }

  #descend(): void {
    this.#depth += 1;
    if (this.#depth <= this.#settings.decodeMaxDepth && fengari().lua.lua_checkstack(this.#L, 3)) return;
    raise(this.#L, `Found too many nested data structures (${this.#depth}) at character ${this.#at}`);
  }

  #expected(what: string, token: Token): never {
    const found = token.type === 'T_ERROR' ? token.text! : token.type;
    return raise(this.#L, `Expected ${what} but found ${found} at character ${token.at + 1}`);
  }

  #next(): Token {
    const text = this.#text;
    while (' \t\n\r'.includes(text[this.#at] ?? '-')) this.#at += 1;
    const at = this.#at;
    const char = text[at];
    if (char === undefined || char === '\0') return { type: 'T_END', at };
    const sign = SIGNS[char];
    if (sign !== undefined) {
      this.#at += 1;
      return { type: sign, at };
    }
    if (char === '"') return this.#string(at);
    if ('-+'.includes(char) || (char >= '0' && char <= '9')) {
      if (!this.#settings.decodeInvalidNumbers && this.#isInvalidNumber())
        return this.#error('invalid number');
      return this.#number(at);
    }
    return this.#word(at);
  }

  #word(at: number): Token {
    const rest = this.#text.slice(at, at + 5);
    if (rest.startsWith('true')) return this.#skip(4, { type: 'T_BOOLEAN', at, isTrue: true });
    if (rest === 'false') return this.#skip(5, { type: 'T_BOOLEAN', at, isTrue: false });
    if (rest.startsWith('null')) return this.#skip(4, { type: 'T_NULL', at });
    const mayBeNumber = 'iInN'.includes(this.#text[at]!);
    if (mayBeNumber && this.#settings.decodeInvalidNumbers && this.#isInvalidNumber())
      return this.#number(at);
    return this.#error('invalid token');
  }

  #skip(length: number, token: Token): Token {
    this.#at += length;
    return token;
  }

  #isInvalidNumber(): boolean {
    INVALID_NUMBER.lastIndex = this.#at;
    return INVALID_NUMBER.test(this.#text);
  }

  #number(at: number): Token {
    NUMBER.lastIndex = at;
    const spelled = NUMBER.exec(this.#text)?.[0];
    if (spelled === undefined) return this.#error('invalid number');
    this.#at += spelled.length;
    return { type: 'T_NUMBER', at, number: parseNumber(spelled)! };
  }

  #error(text: string): Token {
    return { type: 'T_ERROR', at: this.#at, text };
  }

  #string(start: number): Token {
    const parts: string[] = [];
    this.#at += 1;
    for (;;) {
      let end = this.#at;
      while (end < this.#text.length && !'"\\\0'.includes(this.#text[end]!)) end += 1;
      parts.push(this.#text.slice(this.#at, end));
      this.#at = end;
      const char = this.#text[end];
      if (char === undefined || char === '\0') return this.#error('unexpected end of string');
      if (char === '"') {
        this.#at += 1;
        return { type: 'T_STRING', at: start, text: parts.join('') };
      }
      const letter = this.#text[end + 1] ?? '';
      if (letter === 'u') {
        const bytes = this.#unicode();
        if (bytes === undefined) return this.#error('invalid unicode escape code');
        parts.push(bytes);
        continue;
      }
      const meant = ESCAPED[letter];
      if (meant === undefined) return this.#error('invalid escape code');
      parts.push(meant);
      this.#at += 2;
    }
  }

  /** The UTF-8 of the escape here, as characters that are bytes; undefined when it is none. */
  #unicode(): string | undefined {
    const first = this.#codeUnit(this.#at);
    if (first === undefined) return undefined;
    if ((first & 0xf800) !== 0xd800) {
      this.#at += 6;
      return Buffer.from(String.fromCharCode(first)).toString('latin1');
    }
    const second = this.#codeUnit(this.#at + 6);
    if ((first & 0x400) !== 0 || second === undefined || (second & 0xfc00) !== 0xdc00) return undefined;
    this.#at += 12;
    return Buffer.from(String.fromCharCode(first, second)).toString('latin1');
  }

  #codeUnit(at: number): number | undefined {
    const hex = /^\\u([0-9a-f]{4})$/i.exec(this.#text.slice(at, at + 6))?.[1];
    return hex === undefined ? undefined : Number.parseInt(hex, 16);
  }
}

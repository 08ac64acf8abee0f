/** The table `redis` of scripts: commands, replies, and what Redis offers besides. */
import { createHash } from 'node:crypto';
import { fengari, type HostFunction, type LuaState } from '../../lua/fengari.js';
import { pushError } from '../../lua/machine.js';
import { numberText } from '../../lua/numbers.js';
import { bytesAt, getField, pushText, setField, setFunctions } from '../../lua/stack.js';
import type { Log } from '../../replication/log.js';
import { REDIS_VERSION } from '../redis-version.js';
import { encodeReply, type Protocol, Raw, type Reply } from '../reply.js';
import { pushReply } from './reply-to-lua.js';

const MINUS = '-'.charCodeAt(0);
const LEVELS = ['LOG_DEBUG', 'LOG_VERBOSE', 'LOG_NOTICE', 'LOG_WARNING'];
const REPLICATION = { REPL_NONE: 0, REPL_AOF: 1, REPL_SLAVE: 2, REPL_REPLICA: 2, REPL_ALL: 3 };

/** The parts of the server that the library uses. */
export interface RedisLibraryHost {
  readonly log: Log;
  /** The protocol in which the running script is given replies, which it may set. */
  protocol: Protocol;
  /** Runs a command of the running script. */
  call(args: readonly Buffer[]): Reply;
  /** Whether these words are a command that a client could send. */
  isCommand(args: readonly Buffer[]): boolean;
}

/** Adds `redis` to the table of globals, which is on top. */
export function openRedis(L: LuaState, host: RedisLibraryHost): void {
  const { lua } = fengari();
  lua.lua_createtable(L, 0, 32);
  setFunctions(L, { ...calls(host), ...replies, ...settings(host) });
  const [major, minor, patch] = REDIS_VERSION.split('.').map(Number) as [number, number, number];
  const numbers = {
    ...Object.fromEntries(LEVELS.map((name, level) => [name, level])),
    ...REPLICATION,
    REDIS_VERSION_NUM: (major << 16) | (minor << 8) | patch,
  };
  for (const [name, value] of Object.entries(numbers)) {
    lua.lua_pushnumber(L, value);
    setField(L, -2, name);
  }
  pushText(L, REDIS_VERSION);
  setField(L, -2, 'REDIS_VERSION');
  setField(L, -2, 'redis');
}

function calls(host: RedisLibraryHost): Record<string, HostFunction> {
  return {
    call: (L) => call(L, host, true),
    pcall: (L) => call(L, host, false),
    acl_check_cmd: (L) => {
      const args = argumentsOf(L);
      if (typeof args === 'string') return raiseError(L, args);
      if (!host.isCommand(args)) {
        return raiseError(L, 'ERR Invalid command passed to redis.acl_check_cmd()');
      }
      fengari().lua.lua_pushboolean(L, true);
      return 1;
    },
  };
}

const replies: Readonly<Record<string, HostFunction>> = {
  error_reply: (L) => {
    const text = onlyString(L);
    if (text === undefined) pushError(L, 'ERR wrong number or type of arguments');
    else pushError(L, errorReplyText(text));
    return 1;
  },
  status_reply: (L) => {
    const text = onlyString(L);
    if (text === undefined) {
      pushError(L, 'ERR wrong number or type of arguments');
      return 1;
    }
    fengari().lua.lua_createtable(L, 0, 1);
    pushText(L, text);
    setField(L, -2, 'ok');
    return 1;
  },
  sha1hex: (L) => {
    if (fengari().lua.lua_gettop(L) !== 1) return raiseError(L, 'ERR wrong number of arguments');
    const bytes = bytesAt(L, 1) ?? Buffer.alloc(0);
    pushText(L, createHash('sha1').update(bytes).digest('hex'));
    return 1;
  },
};

function settings(host: RedisLibraryHost): Record<string, HostFunction> {
  const { lua } = fengari();
  return {
    log: (L) => log(L, host.log),
    setresp: (L) => {
      if (lua.lua_gettop(L) !== 1) return raiseError(L, 'ERR redis.setresp() requires one argument.');
      const version = lua.lua_tonumber(L, 1);
      if (version !== 2 && version !== 3) return raiseError(L, 'ERR RESP version must be 2 or 3.');
      host.protocol = version;
      return 0;
    },
    // Effects are replicated, always and to all.
    replicate_commands: (L) => {
      lua.lua_pushboolean(L, true);
      return 1;
    },
    set_repl: (L) => {
      if (lua.lua_gettop(L) !== 1) return raiseError(L, 'ERR redis.set_repl() requires two arguments.');
      if (lua.lua_tonumber(L, 1) >>> 0 > REPLICATION.REPL_ALL) {
        const names = 'REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE';
        return raiseError(L, `ERR Invalid replication flags. Use ${names}.`);
      }
      return 0;
    },
    // There is no debugger.
    breakpoint: (L) => {
      lua.lua_pushboolean(L, false);
      return 1;
    },
    debug: () => 0,
  };
}

/** An error that a script names: the first word is its code, and one word alone has the code ERR. */
function errorReplyText(text: string): string {
  const named = text.replace(/^-/, '');
  const space = named.indexOf(' ');
  const code = space === -1 ? 'ERR' : named.slice(0, space);
  return `${code} ${named.slice(space + 1).replace(/^[\r\n]+|[\r\n]+$/g, '')}`;
}

function call(L: LuaState, host: RedisLibraryHost, raises: boolean): number {
  const { lua } = fengari();
  const args = argumentsOf(L);
  if (typeof args === 'string') {
    pushError(L, args);
    return raises ? lua.lua_error(L) : 1;
  }
  const reply = host.call(args);
  const bytes = reply instanceof Raw ? reply.bytes : encodeReply(reply, host.protocol);
  pushReply(L, bytes);
  return raises && bytes[0] === MINUS ? lua.lua_error(L) : 1;
}

/** The arguments as a command's; a text is what is wrong with them. */
function argumentsOf(L: LuaState): Buffer[] | string {
  const { lua } = fengari();
  const count = lua.lua_gettop(L);
  if (count === 0) return 'ERR Please specify at least one argument for this redis lib call';
  const args: Buffer[] = [];
  for (let at = 1; at <= count; at++) {
    const type = lua.lua_type(L, at);
    if (type === lua.LUA_TSTRING) args.push(bytesAt(L, at)!);
    else if (type === lua.LUA_TNUMBER) args.push(Buffer.from(numberText(lua.lua_tonumber(L, at), 17)));
    else return 'ERR Lua redis lib command arguments must be strings or integers';
  }
  return args;
}

function log(L: LuaState, target: Log): number {
  const { lua } = fengari();
  const count = lua.lua_gettop(L);
  if (count < 2) return raiseError(L, 'ERR redis.log() requires two arguments or more.');
  if (lua.lua_type(L, 1) !== lua.LUA_TNUMBER) {
    return raiseError(L, 'ERR First argument must be a number (log level).');
  }
  const level = Math.trunc(lua.lua_tonumber(L, 1));
  if (level < 0 || level >= LEVELS.length) return raiseError(L, 'ERR Invalid debug level.');
  const words: string[] = [];
  for (let at = 2; at <= count; at++) words.push(bytesAt(L, at)?.toString() ?? '');
  const text = `script: ${words.join(' ')}`;
  if (level === LEVELS.indexOf('LOG_WARNING')) target.warn(text);
  else if (level === LEVELS.indexOf('LOG_NOTICE')) target.info(text);
  return 0;
}

function onlyString(L: LuaState): string | undefined {
  const { lua } = fengari();
  if (lua.lua_gettop(L) !== 1 || lua.lua_type(L, 1) !== lua.LUA_TSTRING) return undefined;
  return bytesAt(L, 1)!.toString('latin1');
}

function raiseError(L: LuaState, text: string): number {
  pushError(L, text);
  return fengari().lua.lua_error(L);
}

/** The text of an error on top of the stack, as a client is sent it. */
export function errorText(L: LuaState): string {
  const { lua } = fengari();
  lua.lua_checkstack(L, 4);
  if (lua.lua_type(L, -1) !== lua.LUA_TTABLE) {
    return `ERR ${bytesAt(L, -1)?.toString('latin1') ?? plainName(L)}`;
  }
  getField(L, -1, 'err');
  return bytesAt(L, -1)?.toString('latin1') ?? 'ERR unknown error';
}

/** `nil`, `true`, …: the text that Lua's `tostring` makes of a value that is no string, number or table. */
function plainName(L: LuaState): string {
  const bytes = fengari().lauxlib.luaL_tolstring(L, -1);
  return Buffer.from(bytes).toString('latin1');
}

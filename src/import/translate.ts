/**
 * Translates the commands of a Redis primary's stream for a server that holds strings of one database. A
 * primary sends only commands that have changed something, so that conditions (NX, XX) are fulfilled.
 */
import { STRING_TYPE } from '../rdb/string-object.js';

/** The translation of a command. */
export type Translation =
  /** Commands to send. */
  | { readonly kind: 'send'; readonly commands: readonly (readonly Uint8Array[])[] }
  /** Nothing is to be sent. */
  | { readonly kind: 'nothing' }
  /** It is about another type or database; `commands` take away what it replaced. */
  | { readonly kind: 'foreign'; readonly commands: readonly (readonly Uint8Array[])[] }
  /** It brings content that only the primary has: all is to be taken anew. */
  | { readonly kind: 'resync' };

const NOTHING: Translation = { kind: 'nothing' };
const RESYNC: Translation = { kind: 'resync' };
const DEL = Buffer.from('DEL');
const SET = Buffer.from('SET');
const MSET = Buffer.from('MSET');
const COPY = Buffer.from('COPY');

/** Commands that do the same there. */
const SAME = new Set(
  (
    'APPEND SETRANGE SETBIT SETEX PSETEX GETSET GETDEL GETEX MSET INCR DECR INCRBY DECRBY INCRBYFLOAT ' +
    'BITFIELD BITOP DEL UNLINK EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST RENAMENX FLUSHDB MSETEX DELEX DELIFEQ ' +
    'INCREX'
  ).split(' '),
);
/** Commands that are taken from every database, because they are about none. */
const OF_ALL = new Set(['FLUSHALL', 'PUBLISH', 'SPUBLISH', 'MULTI', 'EXEC']);
/** Commands that do not concern content. */
const SILENT = new Set(['PING', 'REPLCONF', 'SELECT', 'SCRIPT']);
/** Commands of other types whose first key they replace, whatever it was. */
const REPLACING = new Set(
  (
    'SUNIONSTORE SINTERSTORE SDIFFSTORE ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZRANGESTORE GEOSEARCHSTORE PFADD ' +
    'PFMERGE'
  ).split(' '),
);

/** The translation of a stream for one database. */
export class Translator {
  readonly #database: number;
  #selected = 0;

  /** `database` is the one that is taken. */
  constructor(database: number) {
    this.#database = database;
  }

  /** A stream begins anew, in database 0 until it selects another one. */
  begin(): void {
    this.#selected = 0;
  }

  /** Translates a command, `name` in capitals. */
  translate(name: string, args: readonly Buffer[]): Translation {
    if (name === 'SELECT') this.#selected = Number(args[1]);
    if (SILENT.has(name)) return NOTHING;
    if (OF_ALL.has(name)) return { kind: 'send', commands: [args] };
    if (name === 'SWAPDB') return this.#isOurs(args[1]) || this.#isOurs(args[2]) ? RESYNC : NOTHING;
    if (this.#selected !== this.#database) return this.#elsewhere(name, args);
    return SAME.has(name) ? { kind: 'send', commands: [args] } : this.#changed(name, args);
  }

  #isOurs(database: Buffer | undefined): boolean {
    return Number(database) === this.#database;
  }

  #elsewhere(name: string, args: readonly Buffer[]): Translation {
    if (name === 'MOVE' && this.#isOurs(args[2])) return RESYNC;
    if (name === 'COPY' && this.#isOurs(databaseOfCopy(args))) return RESYNC;
    return { kind: 'foreign', commands: [] };
  }

  #changed(name: string, args: readonly Buffer[]): Translation {
    const [, first, second] = args;
    if (first === undefined) return { kind: 'foreign', commands: [] };
    switch (name) {
      case 'SET':
        return send(withoutConditions(args));
      case 'SETNX':
        return send([SET, ...args.slice(1)]);
      case 'MSETNX':
        return send([MSET, ...args.slice(1)]);
      case 'RENAME':
        // A value of another type is not there, and has replaced the other key all the same.
        return first.equals(second!) ? NOTHING : send([DEL, second!], args);
      case 'COPY': {
        const database = databaseOfCopy(args);
        if (database !== undefined && !this.#isOurs(database)) return { kind: 'foreign', commands: [] };
        return send([DEL, second!], [COPY, first, second!]);
      }
      case 'MOVE':
        return { kind: 'foreign', commands: [[DEL, first]] };
      case 'RESTORE':
        if (args[3]?.[0] === STRING_TYPE) return send([DEL, first], args);
        return { kind: 'foreign', commands: [[DEL, first]] };
      case 'SORT':
      case 'GEORADIUS':
      case 'GEORADIUSBYMEMBER':
        return { kind: 'foreign', commands: stored(args) };
      default:
        return { kind: 'foreign', commands: REPLACING.has(name) ? [[DEL, first]] : [] };
    }
  }
}

function send(...commands: (readonly Uint8Array[])[]): Translation {
  return { kind: 'send', commands };
}

/** SET without what asks for a condition or for the old value. */
function withoutConditions(args: readonly Buffer[]): readonly Buffer[] {
  const [command, key, value, ...options] = args;
  const kept: Buffer[] = [];
  for (let index = 0; index < options.length; index += 1) {
    const option = options[index]!.toString('latin1').toUpperCase();
    if (option.startsWith('IF')) index += 1;
    else if (!['NX', 'XX', 'GET'].includes(option)) kept.push(options[index]!);
  }
  return [command!, key!, value!, ...kept];
}

function databaseOfCopy(args: readonly Buffer[]): Buffer | undefined {
  const at = args.findIndex((arg, index) => index > 2 && arg.toString('latin1').toUpperCase() === 'DB');
  return at === -1 ? undefined : args[at + 1];
}

/** The deletion of the key behind STORE or STOREDIST. */
function stored(args: readonly Buffer[]): (readonly Uint8Array[])[] {
  const at = args.findIndex((arg, index) => index > 1 && /^STORE(DIST)?$/i.test(arg.toString('latin1')));
  const key = at === -1 ? undefined : args[at + 1];
  return key === undefined ? [] : [[DEL, key]];
}

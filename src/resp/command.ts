/**
 * A command is a row of data. The row of a command that the kernel does not run in place has the function
 * that runs it. The rows of all families together are the command table (commands/index.ts), from which
 * COMMAND, HELP, arity and the gate's decisions come. Names, arities, flags and texts are those of Redis
 * 7.0.15.
 */
import { shownText } from './arguments.js';
import type { ClientState } from './client-state.js';
import type { CommandHost } from './command-host.js';
import type { Later } from './later.js';
import { Failure, type Reply } from './reply.js';

/**
 * Redis' flags, as COMMAND INFO shows them, each with its bit: the gate asks for several of them before every
 * command.
 */
export const flagBits = {
  write: 1 << 0,
  readonly: 1 << 1,
  denyoom: 1 << 2,
  fast: 1 << 3,
  admin: 1 << 4,
  noscript: 1 << 5,
  loading: 1 << 6,
  stale: 1 << 7,
  no_auth: 1 << 8,
  no_multi: 1 << 9,
  blocking: 1 << 10,
  skip_monitor: 1 << 11,
  skip_slowlog: 1 << 12,
  allow_busy: 1 << 13,
  no_async_loading: 1 << 14,
  movablekeys: 1 << 15,
  pubsub: 1 << 16,
  no_mandatory_keys: 1 << 17,
} as const;

/** The bit of a command that is no write and yet goes to replicas: Redis' `may_replicate`, never shown. */
export const MAY_REPLICATE = 1 << 18;

/** A flag by its name in Redis. */
export type CommandFlag = keyof typeof flagBits;

/**
 * Positions of a command's keys: the first and the last argument (negative: from the end), and the step; 0,
 * 0, 0 for none.
 */
export type KeyPositions = readonly [first: number, last: number, step: number];

/** One command, or one subcommand of a container. */
export interface Command {
  /** The name in lower case; a subcommand's is without its container (`getname`). */
  readonly name: string;
  /** Redis' arity: the exact count of arguments including the name, or the least count when negative. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  /** Redis' ACL categories without the at sign, as COMMAND INFO shows them. */
  readonly categories: readonly string[];
  /** A subcommand's lines in the container's HELP (container-help.ts); absent on other commands. */
  readonly help?: readonly string[];
  readonly tips?: readonly string[];
  readonly keySpecs?: readonly KeySpec[];
  /**
   * Finds the keys, and what is done with each, where the arguments decide that; undefined where they are
   * none that the command takes.
   */
  readonly findKeys?: (args: readonly Buffer[]) => readonly FoundKey[] | undefined;
  /** The version of Redis that introduced the command. */
  readonly since: string;
  /** The version since which another command is recommended, and that one in Redis' words. */
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  readonly group:
    | 'string'
    | 'generic'
    | 'connection'
    | 'server'
    | 'transactions'
    | 'bitmap'
    | 'scripting'
    | 'pubsub';
  /** Redis' text, such as `O(1)`; absent where Redis gives none (MONITOR). */
  readonly complexity?: string;
  readonly summary: string;
  /** Versions that changed it, and what they changed. */
  readonly history?: readonly (readonly [version: string, change: string])[];
  /** Whether a call may send something to replicas although the command is no write; absent: none does. */
  readonly mayReplicate?: (args: readonly Buffer[], host: CommandHost) => boolean;
  /** A container's subcommands; absent on other commands. */
  readonly subcommands?: readonly Command[];
  /** The error with which the command is refused whatever the circumstances; absent when it may run. */
  readonly forbidden?: Failure;
  /** Runs the command. Absent: the kernel runs it, or (for a container) its subcommands do. */
  readonly run?: (call: Call) => Reply | Later;
}

/** A key among the arguments of a command. */
export interface FoundKey {
  readonly key: Buffer;
  /** Redis' words for what the command does with the key (`RO`, `access`, …). */
  readonly flags: readonly string[];
}

/** COMMAND INFO's key specification: the keys, and the use that is made of them. */
export type KeySpec = RangeSpec | KeyNumberSpec | KeywordSpec | UnknownSpec;

interface SpecOfKeys {
  readonly notes?: string;
  /** Redis' words: `RW`, `access`, `update`, … */
  readonly flags: readonly string[];
  readonly index: number;
}

/** Keys from `index` on. */
export interface RangeSpec extends SpecOfKeys {
  /** `lastkey`, `keystep` and `limit` of Redis' `range`. */
  readonly range: readonly [lastKey: number, step: number, limit: number];
}

/** As many keys as an argument says. */
export interface KeyNumberSpec extends SpecOfKeys {
  /** `keynumidx`, `firstkey` and `keystep` of Redis' `keynum`, counted from `index`. */
  readonly keyNumber: readonly [index: number, first: number, step: number];
}

/** Keys behind a word. */
export interface KeywordSpec extends Omit<RangeSpec, 'index'> {
  readonly keyword: string;
  /** Where the word is sought from on; negative: from the end, backwards. */
  readonly startFrom: number;
}

/** Keys that a specification cannot find; the row's `findKeys` does where they are among the arguments. */
export interface UnknownSpec extends Omit<SpecOfKeys, 'index'> {
  readonly isUnknown: true;
}

/** The key positions of a command without keys. */
export const NO_KEYS: KeyPositions = [0, 0, 0];

/** One command of a client. */
export interface Call {
  /** The arguments, with the name first and a container's subcommand second. */
  readonly args: readonly Buffer[];
  readonly client: ClientState;
  readonly host: CommandHost;
}

/** Redis' answer to too few or too many arguments. */
export function wrongArity(name: string): Failure {
  return new Failure(`ERR wrong number of arguments for '${name}' command`);
}

/** Redis' answer to too many arguments of a subcommand whose arity does not say how many those are. */
export function subcommandSyntaxError([container, subcommand]: readonly Buffer[]): Failure {
  const help = `Try ${shownText(container!).toUpperCase()} HELP.`;
  const name = shownText(subcommand!, 128);
  return new Failure(`ERR unknown subcommand or wrong number of arguments for '${name}'. ${help}`);
}

/** Redis' answer to arguments that do not go together. */
export const SYNTAX_ERROR = new Failure('ERR syntax error');
/** Redis' answer to a text that is no integer where one is expected. */
export const NOT_AN_INTEGER = new Failure('ERR value is not an integer or out of range');

/** The answer of a replica as long as it holds nothing that could be read. */
export const LOADING = new Failure('LOADING Redis is loading the dataset in memory');
/** The answer of a primary that has come back without its data. */
export const NO_DATA = new Failure(
  'NODATA This server was the primary and has come back without its data. Promote a replica, or begin anew with CONFIG SET fresh-history yes.',
);

/** Redis' answer to a write when its memory is full. */
export const OUT_OF_MEMORY = new Failure("OOM command not allowed when used memory > 'maxmemory'.");
/** Redis' answer to a write that would make a value too long. */
export const VALUE_TOO_LONG = new Failure('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
/** Redis' answer to a write on a replica. */
export const READONLY = new Failure("READONLY You can't write against a read only replica.");
/** Redis' answer to a write when fewer good replicas are connected than writes need. */
export const TOO_FEW_REPLICAS = new Failure('NOREPLICAS Not enough good replicas to write.');
/** Returns Redis' answer to a write when its file of commands cannot be written, for `reason`. */
export function diskFailure(reason: string): Failure {
  return new Failure(`MISCONF Errors writing to the AOF file: ${reason}`);
}
/** Redis' answer on a replica whose link is down and whose content must not be read then. */
export const STALE = new Failure(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
/** Redis' answer while a script runs for longer than `busy-reply-threshold`. */
export const BUSY = new Failure(
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
);

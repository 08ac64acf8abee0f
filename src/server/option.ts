/** The kinds of options that servers have, and what each kind accepts (docs/architecture.md, "Options"). */
import { isShardCount, SHARD_COUNTS } from '../limits.js';
import { parseEventClasses } from '../resp/keyspace-event-classes.js';
import { isHost, parseAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { boundsText, formatSize, isWithin, type Range } from './ranges.js';

/** The most addresses of other nodes that an option takes. */
const MAX_ADDRESSES = 64;

/**
 * How a server begins: by leading (`primary start`), by following (`replica follow`), or as its options and
 * its role file say (`serve`).
 */
export type Role = 'primary' | 'replica' | 'server';

/** How CONFIG shows an option. */
export interface ConfigNames {
  /** The name in Redis, and behind it its older names. */
  readonly names: readonly string[];
  /**
   * `settable`: CONFIG SET changes it. `fixed`: CONFIG SET accepts the present value only. `immutable`:
   * CONFIG SET refuses every value, as Redis does.
   */
  readonly change: 'settable' | 'fixed' | 'immutable';
}

/** The fields that the row of every option has. */
export interface Row<On extends Role> {
  /** The beginnings whose library options include it and, where it has a flag, whose commands do. */
  readonly on: readonly On[];
  /** The flag without its dashes; undefined where only programs can give the option. */
  readonly flag?: string;
  /** The help's text for the flag. */
  readonly summary?: string;
  /** How CONFIG shows the option; undefined where it does not. */
  readonly config?: ConfigNames;
}

/** An option: `Given` is the type that programs give, `Value` the one that the server is made from. */
export interface Option<Given, Value, On extends Role = Role> extends Row<On> {
  /** The accepted values, in words that follow "must be". */
  readonly expected: string;
  accepts(given: unknown, role: Role): boolean;
  /** Describes the given value, in words that follow "it" in a refusal: `is 0`. It never shows a secret. */
  found(given: unknown): string;
  /** The value that an accepted one resolves to; undefined where none is given and there is no default. */
  resolve(given: Given | undefined): Value;
  /** The default for programs; undefined when there is none. */
  defaultOf(role: Role): Given | undefined;
}

/** A whole number of something; the name of the option ends in its unit. */
export interface CountOption<On extends Role = Role> extends Option<number, number, On>, Range {
  readonly kind: 'count';
}

/** A number of bytes. On the command line it is also spelled `64kb`, `1mb`, `2gb`. */
export interface SizeOption<On extends Role = Role> extends Option<number, number, On>, Range {
  readonly kind: 'size';
}

/** A number of shards. */
export interface ShardsOption<On extends Role = Role> extends Option<number, number, On> {
  readonly kind: 'shards';
}

/** One of several words. */
export interface ChoiceOption<Choice extends string = string, On extends Role = Role>
  extends Option<Choice, Choice, On> {
  readonly kind: 'choice';
  readonly choices: readonly Choice[];
  /**
   * The word that the help shows for the value where the choices are too many for that and its text has them.
   */
  readonly helpValue?: string;
}

/** The classes of keyspace events that are published, a letter for each. */
export interface EventsOption<On extends Role = Role> extends Option<string, string, On> {
  readonly kind: 'events';
}

/** An address to listen on or to connect to, or false for none. */
export interface AddressOption<On extends Role = Role, Needed extends Role = Role>
  extends Option<string | false, Address | undefined, On> {
  readonly kind: 'address';
  /** The roles that always have such a port, and so do not accept false. */
  readonly neededBy: readonly Needed[];
  /** Defaults of the commands, where they differ from the library's. */
  readonly commandDefaults: { readonly [role in Role]?: string };
  /** The help's text for the flag that gives false; undefined where there is none. */
  readonly noSummary: string | undefined;
}

/** An address as others are to know it. */
export interface Place {
  /** Empty: the address that they see. */
  readonly host: string;
  /** From 1 to 65535; 0: the port that is listened on. */
  readonly port: number;
}

/** Where others are to reach the server. */
export interface PlaceOption<On extends Role = Role> extends Option<string, Place, On> {
  readonly kind: 'place';
}

/** A list of addresses of other nodes. */
export interface AddressListOption<On extends Role = Role>
  extends Option<readonly string[], readonly Address[], On> {
  readonly kind: 'addresses';
}

/** The name of a file. */
export interface FileOption<On extends Role = Role> extends Option<string, string | undefined, On> {
  readonly kind: 'file';
  /** The file is written to, and so cannot be `-`. */
  readonly isWritten: boolean;
}

/** A text of a certain form. */
export interface TextOption<On extends Role = Role> extends Option<string, string | undefined, On> {
  readonly kind: 'text';
  readonly pattern: RegExp;
  /** The word that the help shows for the value. */
  readonly helpValue: string;
}

/**
 * A text that nobody else may see. Its flag names a file that contains it, and `FASTCACHE_<NAME>` contains it
 * itself.
 */
export interface SecretOption<On extends Role = Role> extends Option<string, string | undefined, On> {
  readonly kind: 'secret';
  readonly maxBytes: number;
}

/** A boolean. */
export interface BooleanOption<On extends Role = Role> extends Option<boolean, boolean, On> {
  readonly kind: 'boolean';
  /** The flag gives false. */
  readonly isFlagNegative: boolean;
  /** The flag takes `on` or `off`. */
  readonly isSwitch: boolean;
}

/**
 * A function, or an object that has one, which only programs can give; where it has a flag, the command makes
 * one.
 */
export interface CallbackOption<Given, On extends Role = Role> extends Option<Given, Given | undefined, On> {
  readonly kind: 'callback';
}

/** The row of any option. */
export type AnyOption =
  | CountOption
  | SizeOption
  | ShardsOption
  | ChoiceOption
  | EventsOption
  | AddressOption
  | AddressListOption
  | PlaceOption
  | FileOption
  | TextOption
  | SecretOption
  | BooleanOption
  | CallbackOption<unknown>;

/** A whole number within `min` and `max`. */
export function count<On extends Role>(row: Row<On> & Range & { default: number }): CountOption<On> {
  return { kind: 'count', ...row, ...number(row.default), ...within(row, 'a whole number', String) };
}

/** A number of bytes within `min` and `max`. */
export function size<On extends Role>(row: Row<On> & Range & { default: number }): SizeOption<On> {
  return { kind: 'size', ...row, ...number(row.default), ...within(row, 'a number of bytes', formatSize) };
}

/** A number of shards. */
export function shardCount<On extends Role>(row: Row<On> & { default: number }): ShardsOption<On> {
  return { kind: 'shards', ...row, ...number(row.default), expected: SHARD_COUNTS, accepts: isShardCount };
}

/** One of `choices`; the first is the default. */
export function choice<const Choice extends string, On extends Role>(
  row: Row<On> & { choices: readonly Choice[]; helpValue?: string },
): ChoiceOption<Choice, On> {
  const { choices } = row;
  return {
    kind: 'choice',
    ...row,
    expected: `one of ${choices.join(', ')}`,
    accepts: (given) => choices.some((word) => word === given),
    found,
    resolve: (given) => given ?? choices[0]!,
    defaultOf: () => choices[0]!,
  };
}

/** Letters for classes of keyspace events; none by default. */
export function events<On extends Role>(row: Row<On>): EventsOption<On> {
  return {
    kind: 'events',
    ...row,
    expected: 'letters of Ag$lshzxeKEtmdn, such as KEA',
    accepts: (given) => typeof given === 'string' && parseEventClasses(given) !== undefined,
    found,
    resolve: (given = '') => given,
    defaultOf: () => '',
  };
}

interface AddressRow<Needed extends Role> {
  neededBy: readonly Needed[];
  /** The address of each role by default; absent: no port is opened unless an address is given. */
  defaults?: { readonly [role in Role]?: string };
  commandDefaults?: { readonly [role in Role]?: string };
  noSummary?: string;
}

/** An address, or false. */
export function address<On extends Role, Needed extends Role>(
  row: Row<On> & AddressRow<Needed>,
): AddressOption<On, Needed> {
  const { defaults = {}, commandDefaults = {}, noSummary, neededBy } = row;
  return {
    kind: 'address',
    ...row,
    commandDefaults,
    noSummary,
    expected: 'host:port, [v6]:port or :port',
    accepts: (given, role) =>
      given === false ? !neededBy.some((other) => other === role) : isAddress(given),
    found,
    resolve: (given = false) => (given === false ? undefined : parseAddress(given)),
    defaultOf: (role) => defaults[role],
  };
}

/** An address as others are to know it; by default the one that they see. */
export function announcedPlace<On extends Role>(row: Row<On>): PlaceOption<On> {
  return {
    kind: 'place',
    ...row,
    expected: 'host:port, [v6]:port or :port, with a port from 1 on',
    accepts: (given) => isAddress(given) && isPlace(parsePlace(String(given))),
    found,
    resolve: (given) => (given === undefined ? { host: '', port: 0 } : parsePlace(given)),
    defaultOf: () => undefined,
  };
}

/** Up to `MAX_ADDRESSES` addresses; by default none. */
export function addresses<On extends Role>(row: Row<On>): AddressListOption<On> {
  return {
    kind: 'addresses',
    ...row,
    expected: `a list of 1 to ${MAX_ADDRESSES} addresses, each host:port, [v6]:port or :port`,
    accepts: (given) =>
      Array.isArray(given) && given.length > 0 && given.length <= MAX_ADDRESSES && given.every(isAddress),
    found: (given) => (Array.isArray(given) ? `is [${given.join()}]` : found(given)),
    resolve: (given = []) => given.map(parseAddress),
    defaultOf: () => undefined,
  };
}

/** The name of a file. */
export function file<On extends Role>(row: Row<On> & { isWritten: boolean }): FileOption<On> {
  const { isWritten } = row;
  return {
    kind: 'file',
    ...row,
    ...optional<string>(),
    expected: 'the name of a file',
    accepts: (given) => typeof given === 'string' && given !== '' && !(isWritten && given === '-'),
    found,
  };
}

/** A text that `pattern` matches; `expected` says so in words that follow "must be". */
export function text<On extends Role>(
  row: Row<On> & { pattern: RegExp; expected: string; helpValue: string; default?: string },
): TextOption<On> {
  return {
    kind: 'text',
    ...row,
    resolve: (given = row.default) => given,
    defaultOf: () => row.default,
    accepts: (given) => typeof given === 'string' && row.pattern.test(given),
    found,
  };
}

/** A text of 1 to `maxBytes` bytes. */
export function secret<On extends Role>(row: Row<On> & { maxBytes: number }): SecretOption<On> {
  const { maxBytes } = row;
  const bytesOf = (given: unknown) => (typeof given === 'string' ? Buffer.byteLength(given) : 0);
  return {
    kind: 'secret',
    ...row,
    ...optional<string>(),
    expected: `a text of 1 to ${maxBytes} bytes`,
    accepts: (given) => bytesOf(given) > 0 && bytesOf(given) <= maxBytes,
    found: (given) => (typeof given === 'string' ? `has ${bytesOf(given)}` : `is ${typeOf(given)}`),
  };
}

/** A boolean. */
export function boolean<On extends Role>(
  row: Row<On> & { default: boolean; isFlagNegative?: boolean; isSwitch?: boolean },
): BooleanOption<On> {
  return {
    kind: 'boolean',
    isFlagNegative: false,
    isSwitch: false,
    ...row,
    expected: 'true or false',
    accepts: (given) => typeof given === 'boolean',
    found,
    resolve: (given) => given ?? row.default,
    defaultOf: () => row.default,
  };
}

/** A function, or an object that has a function of this name. */
export function callback<Given, On extends Role>(
  row: Row<On> & { method?: string },
): CallbackOption<Given, On> {
  const { method } = row;
  return {
    kind: 'callback',
    ...row,
    ...optional<Given>(),
    expected: method === undefined ? 'a function' : `a function, or an object with ${method}()`,
    accepts: (given) => typeof given === 'function' || (method !== undefined && hasMethod(given, method)),
    found,
  };
}

function number(fallback: number) {
  return { found, resolve: (given = fallback) => given, defaultOf: () => fallback };
}

function optional<Given>() {
  return { resolve: (given: Given | undefined) => given, defaultOf: () => undefined };
}

function within(range: Range, what: string, spell: (bound: number) => string) {
  return {
    expected: `${what} ${boundsText(range, spell)}`,
    accepts: (given: unknown) => isWithin(given, range),
  };
}

function isAddress(given: unknown): boolean {
  try {
    return typeof given === 'string' && parseAddress(given) !== undefined;
  } catch {
    return false;
  }
}

function parsePlace(text: string): Place {
  const { host, port } = parseAddress(text);
  return { host: text.startsWith(':') ? '' : host, port };
}

function isPlace({ host, port }: Place): boolean {
  return port > 0 && (host === '' || isHost(host));
}

function hasMethod(given: unknown, name: string): boolean {
  return typeof given === 'object' && given !== null && typeof Reflect.get(given, name) === 'function';
}

function found(given: unknown): string {
  const isShown = ['string', 'number', 'boolean', 'bigint'].includes(typeof given);
  return `is ${isShown ? JSON.stringify(String(given)).slice(1, -1) || 'empty' : typeOf(given)}`;
}

function typeOf(given: unknown): string {
  if (given === null) return 'null';
  return /^[aeiou]/.test(typeof given) ? `an ${typeof given}` : `a ${typeof given}`;
}

/**
 * The flags of `serve`, `primary start` and `replica follow`, made from the rows of the options, and the
 * options that they give.
 */
import * as Flags from '@oclif/core/flags';
import type { FlagInput } from '@oclif/core/interfaces';
import { checkedOptions } from '../../server/config.js';
import type { AnyOption, Role } from '../../server/option.js';
import type {
  GivenOptions,
  OptionName,
  PrimaryOptions,
  ReplicaOptions,
  ServerOptions,
} from '../../server/option-types.js';
import { optionRows, serverOptions } from '../../server/options.js';
import {
  addressFlag,
  choiceFlag,
  countFlag,
  fileFlag,
  type Listed,
  listed,
  listFlag,
  type RawTokens,
  sizeFlag,
  textFlag,
  typedFlags,
} from '../command/flags.js';
import { namingFlags } from '../command/option-flags.js';
import { readSecret, type Secret } from '../command/secret.js';
import { parseHostPort, parseOutputFile, parseShards, UsageError } from '../command/values.js';

/** The values of a flag that turns something on or off. */
const SWITCH = ['on', 'off'] as const;

/** The flags and tokens that oclif has parsed. */
export interface ParsedFlags {
  flags: Readonly<Record<string, unknown>>;
  raw: RawTokens;
}

/** The options of a server by the role in which it begins. */
export interface RoleOptions {
  primary: PrimaryOptions;
  replica: ReplicaOptions;
  server: ServerOptions;
}

/** One flag for each option that a server of this role has, in the order of the rows. */
export function optionFlags(role: Role): FlagInput {
  const flags: FlagInput = {};
  for (const [, option] of rowsOf(role)) {
    flags[option.flag!] = flagOf(option, role);
    if (option.kind === 'address' && option.noSummary !== undefined) {
      flags[`no-${option.flag}`] = Flags.boolean({ summary: option.noSummary, default: false });
    }
  }
  return flags;
}

/**
 * The options that the flags of a server give, together with those that the command has `made`. A refusal
 * names flags. Throws `UsageError`, BAD_OPTION, INSECURE_ADDRESS, and NO_INPUT for the file of a secret.
 */
export function optionsFrom<On extends Role>(
  role: On,
  parsed: ParsedFlags,
  made: RoleOptions[On],
  warn: (message: string) => void,
): RoleOptions[On] {
  const options: { [name in OptionName]?: unknown } = { ...made };
  for (const [name, option] of rowsOf(role)) {
    if (option.kind !== 'callback') options[name] = givenBy(parsed, name, option, warn);
  }
  if (options.state !== undefined) leaveOutPorts(options, typedFlags(parsed));
  namingFlags(() => checkedOptions(role, options as GivenOptions), serverFlagOf);
  return options as RoleOptions[On];
}

/** The flag of an option of servers; undefined where there is none. */
export function serverFlagOf(name: string): string | undefined {
  return (serverOptions as { readonly [name: string]: AnyOption | undefined })[name]?.flag;
}

function rowsOf(role: Role): readonly (readonly [OptionName, AnyOption])[] {
  return optionRows.filter(([, { on, flag }]) => flag !== undefined && on.some((other) => other === role));
}

function flagOf(option: AnyOption, role: Role): FlagInput[string] {
  const summary = option.summary!;
  switch (option.kind) {
    case 'count':
      return countFlag({ summary, ...option, default: option.defaultOf(role)! });
    case 'size':
      return sizeFlag({ summary, ...option, default: option.defaultOf(role)! });
    case 'shards':
      return Flags.custom<number>({
        summary,
        helpValue: '<number>',
        parse: async (text) => parseShards(text),
      })({ default: option.defaultOf(role)! });
    case 'choice':
      return choiceFlag(summary, option.choices, option.defaultOf(role)!, option.helpValue);
    case 'address':
      return addressFlag(summary, option.commandDefaults[role] ?? (option.defaultOf(role) || undefined));
    case 'place':
      return Flags.string({ summary, helpValue: '<host:port>' });
    case 'addresses':
      return listFlag<string>({ summary, helpValue: '<host:port,…>', parse: parseHostPort });
    case 'file':
      if (!option.isWritten) return fileFlag(summary);
      return Flags.custom<string>({
        summary,
        helpValue: '<file>',
        parse: async (text) => parseOutputFile(text),
      })();
    case 'events':
      return Flags.string({ summary, helpValue: '<letters>' });
    case 'text':
      return textFlag(summary, option.helpValue, option.defaultOf(role));
    case 'secret':
      return fileFlag(summary);
    case 'boolean':
      if (option.isSwitch) return choiceFlag(summary, SWITCH, option.defaultOf(role) ? 'on' : 'off');
      return Flags.boolean({ summary, default: false });
    case 'callback':
      return Flags.boolean({ summary, default: false });
  }
}

function givenBy(
  parsed: ParsedFlags,
  name: OptionName,
  option: AnyOption,
  warn: (message: string) => void,
): unknown {
  const given = parsed.flags[option.flag!];
  switch (option.kind) {
    case 'address':
      return option.noSummary === undefined ? given : addressOrNone(parsed, option.flag!);
    case 'addresses':
      return listed(given as Listed<string> | undefined);
    case 'secret':
      return readSecret(name as Secret, given as string | undefined, warn);
    case 'boolean':
      if (option.isSwitch) return given === 'on';
      return option.isFlagNegative ? !given : given;
    default:
      return given;
  }
}

/** The address to listen on, or false; the command line has precedence over the environment. */
function addressOrNone(parsed: ParsedFlags, flag: string): unknown {
  const typed = typedFlags(parsed);
  const [isGiven, isRefused] = [typed.has(flag), typed.has(`no-${flag}`)];
  if (isGiven && isRefused) throw new UsageError(`--${flag} and --no-${flag} exclude each other`);
  return parsed.flags[`no-${flag}`] === true && !isGiven ? false : parsed.flags[flag];
}

/**
 * With a state no content is kept that could be served, so ports that were not asked for on the command line
 * are left out.
 */
function leaveOutPorts(options: { [name in OptionName]?: unknown }, typed: ReadonlySet<string>): void {
  for (const name of ['listen', 'listenTls', 'bind'] as const) {
    if (!typed.has(serverOptions[name].flag!)) options[name] = false;
  }
}

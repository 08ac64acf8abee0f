/**
 * Faults of the library name options, in backquotes (`sinceMs`). The user of a command knows flags (--since),
 * so these functions put the flags in their place.
 */
import { FastcacheError } from '../../errors.js';
import { UsageError } from './values.js';

/** The flags of the tools that are not spelled as their options are. */
const flagNames: Record<string, string> = {
  sinceMs: 'since',
  untilMs: 'until',
  endSequence: 'end',
  shards: 'shard',
  kinds: 'kind',
  ops: 'op',
  keys: 'key',
  stateFile: 'state',
  skipOthers: 'skip-others',
};

/** The name of the flag, without its dashes, that sets an option; undefined: it is no option that has one. */
type FlagOf = (option: string) => string | undefined;

/** `message` with a flag wherever it names an option in backquotes; without `flagOf` they are the tools'. */
export function inFlags(message: string, flagOf: FlagOf = toolFlagOf): string {
  return message.replace(/`(\w+)`/g, (named, option: string) => {
    const flag = flagOf(option);
    return flag === undefined ? named : `--${flag}`;
  });
}

/** Returns what `make` returns. A fault that it throws names the flags of `flagOf`, and else is the same. */
export function namingFlags<T>(make: () => T, flagOf: FlagOf): T {
  try {
    return make();
  } catch (error) {
    throw faultInFlags(error, flagOf);
  }
}

/** Returns `error`; as a fault of the library it then names the flags of `flagOf`. */
export function faultInFlags(error: unknown, flagOf: FlagOf): unknown {
  if (error instanceof FastcacheError) error.message = inFlags(error.message, flagOf);
  return error;
}

/** Returns what `make` returns; a `BAD_OPTION` that it throws becomes a `UsageError`. */
export function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof FastcacheError) || error.code !== 'BAD_OPTION') throw error;
    const message = inFlags(error.message).replace(/\.$/, '');
    throw new UsageError(message.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()));
  }
}

function toolFlagOf(option: string): string {
  return flagNames[option] ?? option;
}

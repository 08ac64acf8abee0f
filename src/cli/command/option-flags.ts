/**
 * Faults of the library name options, in backquotes (`sinceMs`). The user of a command knows flags (--since),
 * so these functions put the flags in their place.
 */
import { FastcacheError } from '../../errors.js';
import { UsageError } from './values.js';

/** Flags that are not spelled as their options are. */
const flagNames: Record<string, string> = {
  sinceMs: 'since',
  untilMs: 'until',
  endSequence: 'end',
  shards: 'shard',
  kinds: 'kind',
  ops: 'op',
  keys: 'key',
  stateFile: 'state',
};

/** `message` with a flag wherever it names an option in backquotes. */
export function inFlags(message: string): string {
  return message.replace(/`(\w+)`/g, (_, option: string) => `--${flagNames[option] ?? option}`);
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

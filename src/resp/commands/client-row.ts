/** The fields that the rows of CLIENT's subcommands have in common. */
import { NO_KEYS } from '../command.js';

const shared = { keys: NO_KEYS, group: 'connection', complexity: 'O(1)' } as const;

/** A subcommand that concerns the client's own connection. */
export const own = {
  ...shared,
  flags: ['noscript', 'loading', 'stale'],
  categories: ['slow', 'connection'],
} as const;

/** A subcommand that concerns other clients. */
export const admin = {
  ...shared,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  categories: ['admin', 'slow', 'dangerous', 'connection'],
} as const;

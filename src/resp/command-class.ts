/** The classes of commands by which the metrics divide their latencies. */
import type { FoundCommand } from './command-table.js';

/** The classes; `other` are those that neither read nor write keys. */
export const commandClasses = ['read', 'write', 'script', 'pubsub', 'other'] as const;
/** A class of commands. */
export type CommandClass = (typeof commandClasses)[number];

/** Returns the class of a command, by its flags and group. */
export function commandClass({ command: { flags, group } }: FoundCommand): CommandClass {
  if (group === 'scripting') return 'script';
  if (group === 'pubsub') return 'pubsub';
  if (flags.includes('write')) return 'write';
  return flags.includes('readonly') ? 'read' : 'other';
}

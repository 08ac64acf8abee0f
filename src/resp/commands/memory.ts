/** MEMORY USAGE. Redis' reports on its allocator are left out: nothing here corresponds to their fields. */

import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { withHelp } from '../container-help.js';
import type { Reply } from '../reply.js';

/** MEMORY and its subcommands. */
export const memoryCommands: readonly Command[] = [
  {
    name: 'memory',
    arity: -2,
    flags: [],
    keys: [0, 0, 0],
    categories: ['slow'],
    since: '4.0.0',
    group: 'server',
    complexity: 'Depends on subcommand.',
    summary: 'A container for memory diagnostics commands',
    subcommands: withHelp({ container: 'memory', since: '4.0.0', group: 'server', categories: ['slow'] }, [
      {
        name: 'usage',
        arity: -3,
        flags: ['readonly'],
        keys: [2, 2, 1],
        categories: ['read', 'slow'],
        keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
        since: '4.0.0',
        group: 'server',
        complexity: 'O(N) where N is the number of samples.',
        summary: 'Estimate the memory usage of a key',
        help: [
          'USAGE <key> [SAMPLES <count>]',
          '    Return memory in bytes used by <key> and its value. Nested values are',
          '    sampled up to <count> times (default: 5, 0 means sample all).',
        ],
        run: usage,
      },
    ]),
  },
];

/** Answers a key's bytes. SAMPLES is for values of many elements: it is read, and changes nothing. */
function usage({ args, host }: Call): Reply {
  for (let index = 3; index < args.length; index += 2) {
    if (wordOf(args, index) !== 'samples' || index + 1 === args.length) return SYNTAX_ERROR;
    const samples = parseInt64(args[index + 1]!);
    if (samples === undefined) return NOT_AN_INTEGER;
    if (samples < 0n) return SYNTAX_ERROR;
  }
  return host.engine().recordBytes(args[2]!) ?? null;
}

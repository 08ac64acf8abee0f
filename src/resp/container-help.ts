/** HELP of a container (CLIENT HELP, CONFIG HELP, …) in Redis' shape, from the rows of its subcommands. */
import { type Command, NO_KEYS } from './command.js';
import { Status } from './reply.js';

/** The parts in which the HELP of one container differs from that of another. */
export interface HelpOptions {
  readonly container: string;
  readonly since: string;
  readonly group: Command['group'];
  readonly categories: readonly string[];
  /** Lines before those of the subcommands; none when absent. */
  readonly ownLines?: readonly string[];
  readonly summary?: string;
}

/** The subcommands with HELP as their last. */
export function withHelp(options: HelpOptions, subcommands: readonly Command[]): readonly Command[] {
  const { container, since, group, categories, ownLines = [] } = options;
  const { summary = 'Show helpful text about the different subcommands' } = options;
  const lines = [
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...ownLines,
    ...subcommands.flatMap(({ help = [] }) => help),
    'HELP',
    '    Prints this help.',
  ].map((line) => new Status(line));
  const help: Command = {
    name: 'help',
    arity: 2,
    flags: ['loading', 'stale'],
    keys: NO_KEYS,
    categories,
    since,
    group,
    complexity: 'O(1)',
    summary,
    run: () => lines,
  };
  return [...subcommands, help];
}

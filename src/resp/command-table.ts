/** The command table: the families' rows by name, and how a command of a client is looked up in it. */
import { type Command, wordOf } from './command.js';
import { Failure } from './reply.js';

/** As much of an unknown name, and of all its arguments together, is shown. */
const SHOWN_BYTES = 128;

export class CommandTable {
  readonly #rows: ReadonlyMap<string, Command>;

  constructor(rows: Iterable<Command>) {
    this.#rows = new Map(Array.from(rows, (row) => [row.name, row]));
  }

  /** All rows, in the order of their names. */
  rows(): readonly Command[] {
    return [...this.#rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By name: `get`, `client|list`. */
  byName(name: string): Command | undefined {
    const [container = '', sub] = name.split('|', 2);
    const row = this.#rows.get(container);
    return sub === undefined ? row : row?.subcommands?.find((command) => command.name === sub);
  }

  /** The row of a client's command, of the subcommand where there are any; or Redis' error. */
  find(args: readonly Buffer[]): Command | Failure {
    const row = this.#rows.get(wordOf(args, 0));
    if (row === undefined) return unknownCommand(args);
    if (row.subcommands === undefined || args.length < 2) return row;
    const sub = wordOf(args, 1);
    const found = row.subcommands.find(({ name }) => name === sub);
    return found ?? unknownSubcommand(args, row.name);
  }
}

/** `get`, `client|list`. */
export function commandName(command: Command, args: readonly Buffer[]): string {
  const name = wordOf(args, 0);
  return command.name === name ? name : `${name}|${command.name}`;
}

export function unknownSubcommand(args: readonly Buffer[], container: string): Failure {
  const name = args[1]!.toString('latin1', 0, SHOWN_BYTES);
  return new Failure(`ERR unknown subcommand '${name}'. Try ${container.toUpperCase()} HELP.`);
}

function unknownCommand(args: readonly Buffer[]): Failure {
  let shown = '';
  for (const arg of args.slice(1)) {
    if (shown.length >= SHOWN_BYTES) break;
    shown += `'${arg.toString('latin1', 0, SHOWN_BYTES - shown.length)}' `;
  }
  const name = args[0]!.toString('latin1', 0, SHOWN_BYTES);
  return new Failure(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}

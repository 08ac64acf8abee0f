/**
 * The command table: every family's rows by name, and how a client's words find their row. The errors for an
 * unknown command, and for too few or too many arguments, have Redis' words.
 */

import { shownText } from './arguments.js';
import { type Command, flagBits, MAY_REPLICATE, wrongArity } from './command.js';
import { Failure } from './reply.js';

/** The longest name, in bytes; a longer one is not looked up. */
const NAME_BYTES_MAX = 64;
/** Bytes that an error shows of a name, and of all arguments together. */
const SHOWN_BYTES_MAX = 128;

/** A command of the table. */
export interface FoundCommand {
  /** The full name: `get`, `client|list`. */
  readonly fullName: string;
  readonly command: Command;
  /** The command's flags, as `flagBits` has them, and MAY_REPLICATE. */
  readonly flags: number;
}

/** All commands by their names. */
export class CommandTable {
  readonly #rows = new Map<string, FoundCommand>();
  /** Subcommands by their full name. */
  readonly #subcommands = new Map<string, FoundCommand>();

  constructor(rows: readonly Command[]) {
    for (const command of rows) {
      const row = foundCommand(command.name, command);
      this.#rows.set(row.fullName, row);
      for (const subcommand of subcommandsOf(row)) this.#subcommands.set(subcommand.fullName, subcommand);
    }
  }

  /** Every command, without subcommands. */
  get rows(): readonly FoundCommand[] {
    return [...this.#rows.values()];
  }

  /** The row of `get`, `client` or `client|list`, in any case; undefined when there is none. */
  named(name: Buffer): FoundCommand | undefined {
    const word = nameOf(name);
    return this.#rows.get(word) ?? this.#subcommands.get(word);
  }

  /** The row that a client's command means: a container with a second word means its subcommand. */
  find(args: readonly Buffer[]): FoundCommand | undefined {
    const row = this.#rows.get(nameOf(args[0]));
    if (row?.command.subcommands === undefined || args.length === 1) return row;
    return this.#subcommands.get(`${row.fullName}|${nameOf(args[1])}`);
  }

  /** Finds the row as `find` does; returns the error where it is missing or takes other arguments. */
  resolve(args: readonly Buffer[]): FoundCommand | Failure {
    const found = this.find(args);
    if (found === undefined) return this.#unknown(args);
    return fitsArity(found.command, args.length) ? found : wrongArity(found.fullName);
  }

  #unknown(args: readonly Buffer[]): Failure {
    if (this.#rows.has(nameOf(args[0]))) return unknownSubcommand(args);
    let shown = '';
    for (const arg of args.slice(1)) {
      if (shown.length >= SHOWN_BYTES_MAX) break;
      shown += `'${shownText(arg, SHOWN_BYTES_MAX - shown.length)}' `;
    }
    const name = shownText(args[0]!, SHOWN_BYTES_MAX);
    return new Failure(`ERR unknown command '${name}', with args beginning with: ${shown}`);
  }
}

/** The commands of a container, each with its full name; none of any other command. */
export function subcommandsOf({
  fullName,
  command: { subcommands = [] },
}: FoundCommand): readonly FoundCommand[] {
  return subcommands.map((command) => foundCommand(`${fullName}|${command.name}`, command));
}

function foundCommand(fullName: string, command: Command): FoundCommand {
  const flags = command.flags.reduce((bits, flag) => bits | flagBits[flag], 0);
  return { fullName, command, flags: command.mayReplicate !== undefined ? flags | MAY_REPLICATE : flags };
}

/** Whether a command takes so many arguments, its name among them. */
export function fitsArity({ arity }: Command, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}

function unknownSubcommand([container, subcommand]: readonly Buffer[]): Failure {
  const name = shownText(subcommand!, SHOWN_BYTES_MAX);
  return new Failure(`ERR unknown subcommand '${name}'. Try ${shownText(container!).toUpperCase()} HELP.`);
}

function nameOf(arg: Buffer | undefined): string {
  if (arg === undefined || arg.length > NAME_BYTES_MAX) return '';
  return arg.toString('latin1').toLowerCase();
}

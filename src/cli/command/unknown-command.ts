/** The error of a command line whose words are no command, or go on behind one that takes no arguments. */
import { CLIError } from '@oclif/core/errors';

/** The most letters of a command that may be wrong, missing or too many for it to be suggested. */
const SLIPS_MAX = 2;
/** A longer text of a caller is cut. */
const SHOWN_LETTERS = 80;
const USAGE_STATUS = 2;

/** Returns the error of `argv`, of which no command in `commands` (`frames stats`) can be made. */
export function unknownCommand(argv: readonly string[], commands: readonly string[]): CLIError {
  const firstFlag = argv.findIndex((word) => word.startsWith('-'));
  const words = (firstFlag === -1 ? argv : argv.slice(0, firstFlag)).slice(argv[0] === 'help' ? 1 : 0);
  const isCommand = (count: number) => commands.includes(words.slice(0, count).join(' '));
  const known = words.map((_, index) => index + 1).findLast(isCommand);
  if (known !== undefined && known < words.length) {
    const command = words.slice(0, known).join(' ');
    const message = `${command} takes no argument, and ${shown(words[known]!)} is one.`;
    return new CLIError(`${message} See: fastcache ${command} --help`, { exit: USAGE_STATUS });
  }
  const meant = nearest(words, commands);
  const hint = meant === undefined ? 'fastcache --help lists the commands.' : `Did you mean ${meant}?`;
  return new CLIError(`There is no command ${shown(words.join(' '))}. ${hint}`, { exit: USAGE_STATUS });
}

function shown(words: string): string {
  return words.length <= SHOWN_LETTERS ? words : `${words.slice(0, SHOWN_LETTERS)}…`;
}

/** Returns the command to which the beginning of `words` is nearest; undefined where none is near. */
function nearest(words: readonly string[], commands: readonly string[]): string | undefined {
  const rated = commands.map((command) => {
    const given = words.slice(0, command.split(' ').length).join(' ');
    return { command, slips: slipsBetween(given, command) };
  });
  const best = rated.sort((left, right) => left.slips - right.slips)[0];
  return best !== undefined && best.slips <= SLIPS_MAX ? best.command : undefined;
}

/** Returns how many letters must be changed, taken out or put in to make one word of the other. */
function slipsBetween(given: string, wanted: string): number {
  // Nothing longer is a slip of any command, and its comparison would take long.
  if (Math.abs(given.length - wanted.length) > SLIPS_MAX) return SLIPS_MAX + 1;
  let row = Array.from({ length: wanted.length + 1 }, (_, column) => column);
  for (const [index, letter] of Array.from(given).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= wanted.length; column += 1) {
      const changed = row[column - 1]! + (letter === wanted[column - 1] ? 0 : 1);
      next.push(Math.min(changed, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[wanted.length]!;
}

/**
 * A text that is drawn again and again in one place of the terminal, on the alternate screen. Lines are cut
 * to the width, and those for which the height has no room are counted. When it is closed, or the process
 * exits, the terminal shows again what it showed before.
 */
import chalk from 'chalk';
import { cutLine } from './columns.js';
import { terminalSize } from './size.js';
import { countText } from './text.js';

/** Selects the alternate screen, hides the cursor, and ends the wrapping of lines. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** The sequence comes before a line: behind a line of full width it would clear the last column. */
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[J';

/** The parts of a terminal that are used. */
export type Terminal = Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'write' | 'on' | 'off'>;

/** The screen, from its construction until it is closed. */
export class LiveScreen {
  readonly #terminal: Terminal;
  readonly #redraw = () => this.#draw();
  readonly #leave = () => this.#terminal.write(LEAVE);
  /** ^Z: the shell gets its screen back for as long as the process stands. */
  readonly #suspend = () => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #goOn = () => {
    this.#terminal.write(ENTER);
    this.#draw();
  };
  #lines: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(ENTER);
    // A fault may end the process before the screen is closed.
    process.once('exit', this.#leave);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#goOn);
    terminal.on('resize', this.#redraw);
  }

  /** Shows lines, which are escaped and may have colours, in place of the earlier ones. */
  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#draw();
  }

  close(): void {
    this.#terminal.off('resize', this.#redraw);
    process.removeListener('exit', this.#leave);
    process.removeListener('SIGTSTP', this.#suspend);
    process.removeListener('SIGCONT', this.#goOn);
    this.#leave();
  }

  #draw(): void {
    const { columns, rows } = terminalSize(this.#terminal);
    const lines = firstLines(this.#lines, rows).map((line) => `${CLEAR_LINE}${cutLine(line, columns)}`);
    const below = lines.length < rows ? `\r\n${CLEAR_BELOW}` : '';
    this.#terminal.write(`${HOME}${lines.join('\r\n')}${below}`);
  }
}

function firstLines(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = Math.max(0, rows - 1);
  return [
    ...lines.slice(0, shown),
    chalk.dim(`… ${countText(lines.length - shown, 'more line', 'more lines')}`),
  ];
}

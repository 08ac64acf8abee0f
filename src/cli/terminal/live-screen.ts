/**
 * A text that is drawn again and again in one place of the terminal, on a screen of its own: lines are cut to
 * the width, and what the height has no room for is counted. Whatever was on the terminal before is there
 * again behind it.
 */
import chalk from 'chalk';
import { cutLine } from './columns.js';
import { countText } from './text.js';

/** Another screen, no cursor, no line that goes on in the next. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** Before the line is written: behind it the clearing would take its last column away. */
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[J';

export type Terminal = Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'write' | 'on' | 'off'>;

export class LiveScreen {
  readonly #terminal: Terminal;
  readonly #redraw = () => this.#draw();
  #lines: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(ENTER);
    terminal.on('resize', this.#redraw);
  }

  /** Lines that are escaped; colours may be in them. */
  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#draw();
  }

  close(): void {
    this.#terminal.off('resize', this.#redraw);
    this.#terminal.write(LEAVE);
  }

  #draw(): void {
    // A terminal may not know its size.
    const { columns = 80, rows = 24 } = this.#terminal;
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

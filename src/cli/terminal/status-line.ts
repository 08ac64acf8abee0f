/** The last line of a terminal, which is rewritten in place while other lines scroll above it. */
import { cutLine } from './columns.js';
import { escapeText } from './escape.js';
import { terminalSize } from './size.js';
import { formatNumber } from './text.js';

const CLEAR_LINE = '\r\u001b[2K';

/** The line; it is empty at first. */
export class StatusLine {
  readonly #terminal: NodeJS.WriteStream;
  #text = '';

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  /** Shows `text`, escaped and cut to the terminal's width; an empty text removes the line. */
  show(text: string): void {
    this.#text = cutLine(escapeText(text), terminalSize(this.#terminal).columns - 1);
    this.#terminal.write(`${CLEAR_LINE}${this.#text}`);
  }

  /** Writes a line above it, which stays. */
  print(line: string): void {
    this.#terminal.write(`${CLEAR_LINE}${line}\n${this.#text}`);
  }
}

/** The rate at which a count grows, from one look at it to the next. */
export class Rate {
  #count = 0;
  #atUs = 0;

  /**
   * Takes the count as of `nowUs` (monotonic); returns its growth a second since the last look, as `1,204/s`.
   */
  look(count: number, nowUs: number): string {
    const elapsedUs = nowUs - this.#atUs;
    const perSecond = elapsedUs > 0 ? ((count - this.#count) * 1e6) / elapsedUs : 0;
    this.#count = count;
    this.#atUs = nowUs;
    return `${formatNumber(Math.max(0, Math.round(perSecond)))}/s`;
  }
}

/** Tables whose cells have colours, and lines cut to a terminal's width whatever colours are in them. */

/** A cell of a table. */
export interface Cell {
  text: string;
  /** The cell is aligned to the left; absent: to the right. */
  isLeft?: boolean;
  style?(text: string): string;
}

/** The lines of a table whose columns are two spaces apart. No row may have more cells than the first. */
export function alignCells(rows: readonly (readonly Cell[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.text.length ?? 0)));
  return rows.map((row) =>
    row
      .map(({ text, isLeft = false, style = plain }, column) => {
        const blanks = ' '.repeat(widths[column]! - text.length);
        return isLeft ? `${style(text)}${blanks}` : `${blanks}${style(text)}`;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A sequence that chalk writes, or any one character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const UNITS = /\u001b\[[\d;]*m|./gsu;
const RESET = '\u001b[0m';
/** From here on a character may take two columns; some take none or one, and are cut a little early. */
const FIRST_WIDE = 0x1100;

/** The first `width` columns of a line that is escaped; what is left out shows as `…`. */
export function cutLine(line: string, width: number): string {
  let columns = 0;
  let shown = '';
  /** What `shown` was as long as there was room for the `…` as well. */
  let cut = '';
  let isColoured = false;
  for (const [unit] of line.matchAll(UNITS)) {
    if (unit.startsWith('\u001b')) isColoured = true;
    else columns += unit.codePointAt(0)! >= FIRST_WIDE ? 2 : 1;
    if (columns > width) return width < 1 ? '' : `${cut}…${isColoured ? RESET : ''}`;
    shown += unit;
    if (columns < width) cut = shown;
  }
  return shown;
}

function plain(text: string): string {
  return text;
}

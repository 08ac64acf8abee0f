/** Tables whose cells have colours, and lines cut to a terminal's width whatever colours are in them. */

const COLUMN_GAP = 2;
const LEAST_FIRST_COLUMNS = 8;

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
      .join(' '.repeat(COLUMN_GAP))
      .trimEnd(),
  );
}

/** Cuts the first cell of each row so that the table fits into `width`, but not below eight columns. */
export function fitFirst(rows: readonly (readonly Cell[])[], width: number): Cell[][] {
  const others = rows[0]!
    .slice(1)
    .map((_, index) => Math.max(...rows.map((row) => row[index + 1]!.text.length)));
  const room = others.reduce((left, columns) => left - columns - COLUMN_GAP, width);
  return rows.map(([first, ...rest]) => [
    { ...first!, text: cutLine(first!.text, Math.max(room, LEAST_FIRST_COLUMNS)) },
    ...rest,
  ]);
}

/** A sequence that chalk writes, or any one character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const UNITS = /\u001b\[[\d;]*m|./gsu;
const RESET = '\u001b[0m';
/** From here on a character may take two columns; some take none or one, and are cut a little early. */
const FIRST_WIDE = 0x1100;
/** Box drawings and blocks, as of sparklines, take one column although they stand behind. */
const BLOCKS = [0x2500, 0x259f] as const;

/** The first `width` columns of a line that is escaped; a part that is left out shows as `…`. */
export function cutLine(line: string, width: number): string {
  let columns = 0;
  let shown = '';
  /** The longest `shown` that had room for the `…` as well. */
  let cut = '';
  let isColoured = false;
  for (const [unit] of line.matchAll(UNITS)) {
    if (unit.startsWith('\u001b')) isColoured = true;
    else columns += columnsOf(unit.codePointAt(0)!);
    if (columns > width) return width < 1 ? '' : `${cut}…${isColoured ? RESET : ''}`;
    shown += unit;
    if (columns < width) cut = shown;
  }
  return shown;
}

/**
 * Joins parts, which may have colours, into as few lines as they fit on, two spaces apart; one that does not
 * fit on a line has one of its own.
 */
export function wrapParts(parts: readonly string[], width: number): string[] {
  return wrapped(parts, ' '.repeat(COLUMN_GAP), width);
}

/** The lines of an escaped text, broken between words; a word that is too long has a line of its own. */
export function wrapWords(text: string, width: number): string[] {
  return wrapped(text.split(' '), ' ', width);
}

function wrapped(parts: readonly string[], gap: string, width: number): string[] {
  const lines: string[] = [];
  let columns = 0;
  for (const part of parts) {
    const own = lineColumns(part);
    if (lines.length > 0 && columns + gap.length + own <= width) {
      lines[lines.length - 1] += `${gap}${part}`;
      columns += gap.length + own;
    } else {
      lines.push(part);
      columns = own;
    }
  }
  return lines;
}

/** The columns that a line takes, whatever colours are in it. */
function lineColumns(line: string): number {
  let columns = 0;
  for (const [unit] of line.matchAll(UNITS)) {
    if (!unit.startsWith('\u001b')) columns += columnsOf(unit.codePointAt(0)!);
  }
  return columns;
}

function columnsOf(character: number): number {
  const isBlock = character >= BLOCKS[0] && character <= BLOCKS[1];
  return character < FIRST_WIDE || isBlock ? 1 : 2;
}

function plain(text: string): string {
  return text;
}

/** The size of a terminal. */

/** Returns the size; a terminal that does not know its own, or says that it is 0 wide, has 80 by 24. */
export function terminalSize({ columns, rows }: { columns?: number; rows?: number }): {
  columns: number;
  rows: number;
} {
  return { columns: columns || 80, rows: rows || 24 };
}

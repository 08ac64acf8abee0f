/** A small, plausible mistake, and the tests that ought to notice it. */
export interface PlantedBug {
  /** The fault in a few words. */
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  /** Takes its place. */
  readonly replace: string;
  /** Test files or folders that run first; the whole core suite runs when none of them fails. */
  readonly tests: readonly string[];
}

/** The file's text with the bug in it. Throws when `find` does not occur exactly once. */
export function plant(text: string, { name, file, find, replace }: PlantedBug): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${name}: ${file} has ${parts.length - 1} places like it, and must have one: ${find}`);
  }
  return parts.join(replace);
}

/** Reads the text of INFO. */

/** Returns a field that is a whole number from 0 to 10^15 - 1; undefined: it is none, or absent. */
export function countOfInfo(fields: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = fields.get(name) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Returns the fields of INFO, or of a section of it. */
export function fieldsOfInfo(info: string): ReadonlyMap<string, string> {
  return new Map(
    info
      .split('\r\n')
      .map((line) => /^(\w+):(.*)$/.exec(line))
      .flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!]])),
  );
}

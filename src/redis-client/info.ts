/** Reads the text of INFO. */

/** Returns the fields of INFO, or of a section of it. */
export function fieldsOfInfo(info: string): ReadonlyMap<string, string> {
  return new Map(
    info
      .split('\r\n')
      .map((line) => /^(\w+):(.*)$/.exec(line))
      .flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!]])),
  );
}

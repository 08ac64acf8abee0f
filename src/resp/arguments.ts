/** Reads arguments of commands: words, shown texts, integers. */

/** An argument as a lower-case word, for names of commands and options. */
export function wordOf(args: readonly Buffer[], index: number): string {
  return args[index]?.toString('latin1').toLowerCase() ?? '';
}

/** An argument as Redis shows it in an error: C's text, which ends at the first zero byte. */
export function shownText(arg: Buffer, maxBytes: number = arg.length): string {
  const text = arg.toString('latin1', 0, maxBytes);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

const INTEGER = /^(0|-?[1-9]\d{0,18})$/;

/**
 * A signed 64-bit integer, spelled as Redis demands it (no sign, blank or zero too many); undefined when it
 * is none.
 */
export function parseInt64(bytes: Buffer): bigint | undefined {
  const text = bytes.length <= 20 ? bytes.toString('latin1') : '';
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

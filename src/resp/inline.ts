/** Inline commands: a line of words instead of a RESP array, with Redis' rules of quoting (sdssplitargs). */

const WORD_BREAK = /[\s\0]/;
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** The words of a line (latin1 keeps its bytes); undefined when its quotes don't balance. */
export function splitInline(line: Buffer): Buffer[] | undefined {
  const text = line.toString('latin1');
  const words: Buffer[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && WORD_BREAK.test(text[at]!)) at += 1;
    if (at >= text.length) return words;
    const word = readWord(text, at);
    if (word === undefined) return undefined;
    words.push(Buffer.from(word.value, 'latin1'));
    at = word.end;
  }
}

/** Encodes a command of these arguments as a RESP array. */
export function encodeCommand(args: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) parts.push(Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from('\r\n'));
  return Buffer.concat(parts);
}

function readWord(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  let at = start;
  while (at < text.length && !WORD_BREAK.test(text[at]!)) {
    const quote = text[at]!;
    if (quote !== '"' && quote !== "'") {
      value += quote;
      at += 1;
      continue;
    }
    const quoted = readQuoted(text, at + 1, quote);
    if (quoted === undefined) return undefined;
    // A closing quote must be followed by a blank or the end.
    if (quoted.end < text.length && !WORD_BREAK.test(text[quoted.end]!)) return undefined;
    value += quoted.value;
    at = quoted.end;
  }
  return { value, end: at };
}

function readQuoted(text: string, start: number, quote: string): { value: string; end: number } | undefined {
  let value = '';
  let at = start;
  while (at < text.length) {
    const char = text[at]!;
    if (char === quote) return { value, end: at + 1 };
    const next = text[at + 1];
    if (char !== '\\' || next === undefined) {
      value += char;
      at += 1;
    } else if (quote === "'") {
      value += next === "'" ? "'" : `\\`;
      at += next === "'" ? 2 : 1;
    } else {
      const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at + 1, at + 4));
      value += hex ? String.fromCharCode(Number.parseInt(hex[1]!, 16)) : (ESCAPES[next] ?? next);
      at += hex ? 4 : 2;
    }
  }
  return undefined;
}

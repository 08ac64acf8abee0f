/** fengari's error texts, which are those of Lua 5.3, in the words of Lua 5.1. */

/** Kinds of names that Lua 5.1 gives in an error; of others it says nothing. */
const NAMED_KINDS = new Set(['global', 'local', 'method', 'field', 'upvalue']);

const VALUE_ERROR = Buffer.from('attempt to %s a %s value%s');
const NAMED_ERROR = Buffer.from('attempt to %s %s (a %s value)');
const UNNAMED_ERROR = Buffer.from('attempt to %s a %s value');

/**
 * The format and arguments of an error in Lua 5.1: `attempt to index a nil value (local 't')` is there
 * `attempt to index local 't' (a nil value)`. Others are returned as they are.
 */
export function typeErrorIn51(
  format: Uint8Array,
  args: readonly unknown[],
): [format: Uint8Array, args: readonly unknown[]] {
  if (!VALUE_ERROR.equals(format)) return [format, args];
  const [operation, type, named] = args as [Uint8Array, Uint8Array, Uint8Array];
  const [, kind, name] = / \((\w+) '(.*)'\)$/s.exec(Buffer.from(named).toString('latin1')) ?? [];
  if (kind === undefined || !NAMED_KINDS.has(kind)) return [UNNAMED_ERROR, [operation, type]];
  return [NAMED_ERROR, [operation, Buffer.from(`${kind} '${name}'`, 'latin1'), type]];
}

/** Why a text does not compile, in the words of Lua 5.1. */
export function compileErrorIn51(text: string): string {
  return text
    .replace(/(: |near )<(eof|name|number|string)>/g, "$1'<$2>'")
    .replace(/: syntax error near (?='[=,]')/, ': unexpected symbol near ')
    .replace(/: <break> at line \d+ not inside a loop.*$/, ": no loop to break near '<eof>'")
    .replace(/: syntax error near /, ": '=' expected near ");
}

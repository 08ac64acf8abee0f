/**
 * Replies of RESP2 and RESP3 as they stand on the wire: where one ends, and what it is made of, for
 * comparisons.
 */

/** How many bytes there must be at the least before the reply can be whole. */
export type Incomplete = number;

/** One reply: its type's mark (`+`, `$`, `%`, …), and its text or its parts. Nil is its mark with no text. */
export interface Wire {
  readonly mark: string;
  /** Bytes as Latin-1. */
  readonly text?: string;
  /** A map's are keys and values in turn. */
  readonly items?: readonly Wire[];
}

/** The bytes of the reply at `at`. */
export function rawReplyAt(bytes: Buffer, at: number): { reply: Buffer; end: number } | Incomplete {
  const end = endOf(bytes, at);
  return end > bytes.length ? end : { reply: Buffer.from(bytes.subarray(at, end)), end };
}

/** Returns the parts of a whole reply. */
export function parseWire(bytes: Buffer): Wire {
  return wireAt(bytes, 0).wire;
}

/** A reply for people. */
export function showWire({ mark, text, items }: Wire): string {
  if (items) return `${mark}${items.length}[${items.map(showWire).join(' ')}]`;
  if (text === undefined) return `${mark}nil`;
  return mark === '$' || mark === '=' ? `${mark}${showText(text)}` : mark + text;
}

/** Quoted, and cut when it is long. */
export function showText(text: string): string {
  const most = 300;
  return text.length <= most
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, most))}… (${text.length} bytes)`;
}

/** Where the reply at `at` ends; beyond the bytes' end when it is not whole. */
function endOf(bytes: Buffer, at: number): number {
  let position = at;
  for (let open = 1; open > 0; open--) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd === -1) return bytes.length + 1;
    const mark = String.fromCharCode(bytes[position]!);
    const count = isSized(mark) ? Number(bytes.toString('latin1', position + 1, lineEnd)) : -1;
    position = lineEnd + 2;
    if (isBlob(mark) && count >= 0) position += count + 2;
    else if (count > 0) open += mark === '%' ? 2 * count : count;
    if (position > bytes.length) return position;
  }
  return position;
}

function wireAt(bytes: Buffer, at: number): { wire: Wire; end: number } {
  const lineEnd = bytes.indexOf('\r\n', at);
  const mark = String.fromCharCode(bytes[at]!);
  const line = bytes.toString('latin1', at + 1, lineEnd);
  let end = lineEnd + 2;
  if (mark === '_') return { wire: { mark }, end };
  if (!isSized(mark)) return { wire: { mark, text: line }, end };
  const count = Number(line);
  if (count < 0) return { wire: { mark }, end };
  if (isBlob(mark)) {
    return { wire: { mark, text: bytes.toString('latin1', end, end + count) }, end: end + count + 2 };
  }
  const items: Wire[] = [];
  for (let left = mark === '%' ? 2 * count : count; left > 0; left--) {
    const item = wireAt(bytes, end);
    items.push(item.wire);
    end = item.end;
  }
  return { wire: { mark, items }, end };
}

function isBlob(mark: string): boolean {
  return mark === '$' || mark === '=' || mark === '!';
}

/** Whether a length or a count follows the mark. */
function isSized(mark: string): boolean {
  return isBlob(mark) || '*%~>|'.includes(mark);
}

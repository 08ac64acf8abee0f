/**
 * How many keys a primary has when it answers, in the margin of its Hello (docs/protocol.md, "Margin"), so
 * that a replica knows how far its snapshot is.
 */
import type { Margin } from '../../frame/margin.js';

/** The pair of a primary's margin. */
export function keysPair(keys: number): [string, string] {
  return ['keys', String(keys)];
}

/** Returns the keys that a margin names; undefined when it names none, or what is no count. */
export function keysInMargin(margin: Margin | undefined): number | undefined {
  const text = margin?.get('keys') ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * The name that an operator has given a server, which says it in the margin of its Hello (docs/protocol.md,
 * "Margin").
 */
import type { Margin } from '../../frame/margin.js';

/** A name neither looks like an address or a number, nor ends a field of INFO. */
export const SERVER_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** The pair that names a replica in the margin of its Hello. */
export function namePair(name: string): [string, string] {
  return ['name', name];
}

/** The name of the replica that a margin has; undefined when it has none, or what is no name. */
export function nameInMargin(margin: Margin | undefined): string | undefined {
  const name = margin?.get('name');
  return name !== undefined && SERVER_NAME.test(name) ? name : undefined;
}

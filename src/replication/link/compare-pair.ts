/** How a server says in its margin that it answers Compare frames (docs/protocol.md, "Compare"). */
import type { Margin } from '../../frame/margin.js';

/** The pair that a server's margin has which answers Compare frames. */
export const COMPARES = ['compare', 'yes'] as const;

/** Returns whether the server of this margin answers Compare frames. */
export function compares(margin: Margin | undefined): boolean {
  return margin?.get(COMPARES[0]) === COMPARES[1];
}

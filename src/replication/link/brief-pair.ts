/** How a server says in its margin that it answers briefly (docs/protocol.md, "Status"). */
import type { Margin } from '../../frame/margin.js';

/** The pair that a server's margin has which answers a question for a brief document. */
export const ANSWERS_BRIEFLY = ['brief', 'yes'] as const;

/** Returns whether the server of this margin answers such a question. */
export function answersBriefly(margin: Margin | undefined): boolean {
  return margin?.get(ANSWERS_BRIEFLY[0]) === ANSWERS_BRIEFLY[1];
}

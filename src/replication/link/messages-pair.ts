/** How a replica says in its Hello that it takes messages of channels (docs/protocol.md, "Margin"). */
import type { Margin } from '../../frame/margin.js';

/** The pair in the margin of a replica that does. */
export const MESSAGES_PAIR = ['messages', 'yes'] as const;

/** Whether the replica of this margin takes messages; undefined: it is a Rust one. */
export function takesMessages(margin: Margin | undefined): boolean {
  return margin?.get(MESSAGES_PAIR[0]) === MESSAGES_PAIR[1];
}

/**
 * The pair by which a replica says in its Hello that it keeps no content (docs/protocol.md, "Margin"):
 * records that it acknowledges are kept by others only.
 */
import type { Margin } from '../../frame/margin.js';

/** The pair in the margin of a replica without content. */
export const NO_CONTENT_PAIR = ['content', 'none'] as const;

/** Whether the replica of this margin keeps what it is sent; a Rust one, without a margin, does. */
export function keepsContent(margin: Margin | undefined): boolean {
  return margin?.get(NO_CONTENT_PAIR[0]) !== NO_CONTENT_PAIR[1];
}

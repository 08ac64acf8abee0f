/** The messages that neither side of a failover may send unasked (docs/protocol.md, "Failover"). */
import { FastcacheError } from '../../errors.js';
import type { FailoverMessage } from '../../frame/failover.js';

/** Makes FRAME_OUT_OF_PLACE for what a peer says of a failover that there is not. */
export function unaskedFailover({ says }: FailoverMessage): FastcacheError {
  const message = `The peer says "${says}" of a failover, and was not asked.`;
  return new FastcacheError('FRAME_OUT_OF_PLACE', message, { found: says });
}

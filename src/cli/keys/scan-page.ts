/** A page of SCAN, as a server sends it. */
import type { ReplyValue } from '../../redis-client/reply-values.js';
import { oddAnswer } from './key-command.js';

/** Returns the next cursor and the keys. Throws REPLY_MALFORMED where the reply has neither. */
export function pageOf(reply: ReplyValue): readonly [cursor: Buffer, keys: readonly Buffer[]] {
  const [cursor, keys] = Array.isArray(reply) ? (reply as readonly ReplyValue[]) : [];
  if (!Buffer.isBuffer(cursor) || !Array.isArray(keys) || !keys.every(Buffer.isBuffer))
    throw oddAnswer('SCAN');
  return [cursor, keys as readonly Buffer[]];
}

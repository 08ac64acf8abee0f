/** The Hello with which a primary answers (docs/protocol.md, "Conversation", 2). */
import { encodeHelloFrame } from '../../frame/hello.js';
import { historyPairs } from '../history.js';
import { TAKES_SYNCED } from '../link/ack-sender.js';
import { keysPair } from '../link/key-count.js';
import { pathPair } from '../link/path.js';
import type { FrameStream } from '../stream/stream.js';

/**
 * Makes the answer to a peer that is served from `stream`. `isFresh`: replicas are to give up other histories
 * for it.
 */
export function answerFrame(stream: FrameStream, isFresh: boolean): Buffer {
  const { history, path } = stream;
  const named = { ...history, isFresh: history.isFresh === true || isFresh };
  const pairs = [pathPair(path), keysPair(stream.store.keyCount()), TAKES_SYNCED];
  const margin = new Map([...historyPairs(named), ...pairs]);
  return encodeHelloFrame({ role: 'replica', watermarks: stream.watermarks() }, { margin });
}

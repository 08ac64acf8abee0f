/** The primary's answer to a Hello (docs/protocol.md, "Margin"). */
import { encodeHelloFrame } from '../../frame/hello.js';
import { historyPairs } from '../history.js';
import { TAKES_SYNCED } from '../link/ack-sender.js';
import { ANSWERS_BRIEFLY } from '../link/brief-pair.js';
import { COMPARES } from '../link/compare-pair.js';
import { keysPair } from '../link/key-count.js';
import { pathPair } from '../link/path.js';
import type { FrameStream } from '../stream/stream.js';

/** Encodes the answer; `isFresh`: replicas are to give up other histories for this one. */
export function encodeAnswer(stream: FrameStream, isFresh: boolean): Buffer {
  const { history, path, store } = stream;
  const own = { ...history, isFresh: history.isFresh === true || isFresh };
  const pairs = [pathPair(path), keysPair(store.keyCount()), TAKES_SYNCED, COMPARES, ANSWERS_BRIEFLY];
  const margin = new Map([...historyPairs(own), ...pairs]);
  return encodeHelloFrame({ role: 'replica', watermarks: stream.watermarks() }, { margin });
}

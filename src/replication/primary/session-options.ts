/** The options of the sessions of a primary, or of a relay. */
import type { Guesses } from '../link/guesses.js';
import type { StrangerLog } from '../link/stranger-log.js';
import type { FrameStream } from '../stream/stream.js';
import type { BegunStream } from './begun-stream.js';
import type { Comparer } from './compare-answers.js';
import type { FeedOptions } from './feed.js';
import type { WorkShare } from './work-share.js';

/** The options that all sessions of a primary share. */
export interface SessionOptions extends FeedOptions {
  /**
   * The stream that new replicas are served from; undefined while there is none. A session keeps the stream
   * that it began with.
   */
  stream(): FrameStream | undefined;
  /** Whether that is another node's, whether it is connected to that or not; absent: it is its own. */
  isRelay?(): boolean;
  /** Whether that may be served yet; absent: it may. */
  begun?: BegunStream | undefined;
  /** The token that replicas must present; undefined: all may come. */
  token: string | undefined;
  /** The wrong tokens so far. */
  guesses: Guesses;
  /** The log of what peers do that are no replicas. */
  strangers: StrangerLog;
  /** Whether replicas are to give up other histories for what is served. */
  isFresh(): boolean;
  /**
   * Returns the payload of the Status frames for a probe of fastcache's, `STATUS_MAX_BYTES` at most;
   * undefined: there is none now.
   */
  status(isBrief: boolean): Uint8Array | undefined;
  /** Makes the answers to a probe that compares; absent: nothing is compared here. */
  comparer?: (() => Comparer) | undefined;
  /** The share of the time in which those answers are made. */
  work: WorkShare;
}

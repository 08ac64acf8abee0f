/**
 * Sends a replica the digests of shards with each heartbeat, those that have changed first, in the order of
 * the stream (docs/protocol.md, "Digests"). Those of a relay are its primary's, which it hands on.
 */
import type { ShardDigest } from '../../frame/digests.js';
import { digestsFrame, shardDigest } from '../link/digest-frames.js';
import type { FrameStream } from '../stream/stream.js';

/**
 * A heartbeat has the digests of so many shards at most, and of so many that have not changed since they were
 * sent; the next one goes on behind them.
 */
const SHARDS_MAX = 256;
const OTHERS_MAX = 16;

/** The options of a `DigestSender`. */
export interface DigestSenderOptions {
  stream: FrameStream;
  /** Sends a frame behind all of the stream that has been published. */
  insert(frame: Buffer): void;
  /** Returns whether the replica takes digests, and there is room for a frame of them. */
  takesDigestsNow(): boolean;
}

/** The digests that one replica is sent. */
export class DigestSender {
  readonly #options: DigestSenderOptions;
  /** The sequence at which each shard's digest was last sent. */
  readonly #sent: (bigint | undefined)[] = [];
  #nextShard = 0;

  constructor(options: DigestSenderOptions) {
    this.#options = options;
  }

  /** Sends what is due; called with each heartbeat. A relay has nothing of its own to send. */
  beat(): void {
    const { stream, insert, takesDigestsNow } = this.#options;
    if (stream.path.length > 1 || !takesDigestsNow()) return;
    stream.flush();
    const shards = this.#due(stream.watermarks());
    if (shards.length === 0) return;
    insert(digestsFrame('state', shards));
    for (const { shard, sequence } of shards) this.#sent[shard] = sequence;
  }

  /** Hands on a frame of the primary's, or lets it go. */
  relay(frame: Buffer): void {
    const { insert, takesDigestsNow } = this.#options;
    // The frame is the connection's that it came on.
    if (takesDigestsNow()) insert(Buffer.from(frame));
  }

  /** Returns the digests of shards that have changed since they were sent, and of some others. */
  #due(published: readonly bigint[]): ShardDigest[] {
    const { store } = this.#options.stream;
    const shards: ShardDigest[] = [];
    let others = 0;
    const first = this.#nextShard;
    for (let n = 0; n < published.length && shards.length < SHARDS_MAX; n += 1) {
      const shard = (first + n) % published.length;
      const isChanged = this.#sent[shard] !== published[shard];
      if (!isChanged && others === OTHERS_MAX) continue;
      const digest = shardDigest(store, shard);
      // Records that are written and not published have no place in the stream yet.
      if (digest === undefined || digest.sequence !== published[shard]) continue;
      if (!isChanged) others += 1;
      this.#nextShard = shard + 1;
      shards.push(digest);
    }
    return shards;
  }
}

/**
 * The digests that stand between the frames of a segment (docs/data-directory.md, "Digests"): once a second,
 * and at a stop, what the shards hold that have changed. They are the directory's own, and no replica is sent
 * them.
 */
import type { Timer, Timers } from '../clock.js';
import type { RouteMode } from '../engine/types.js';
import type { ShardDigest } from '../frame/digests.js';
import { type History, recordedPairs } from '../replication/history.js';
import { digestsFrame, shardDigest } from '../replication/link/digest-frames.js';
import { digestsPair } from '../replication/link/digests-pair.js';
import type { FrameStream } from '../replication/stream/stream.js';

const EVERY_MS = 1_000;

/**
 * The pairs in the margin of a dump's Hello: the history, and how keys are routed of which it has digests.
 */
export function markedPairs(
  history: History,
  routing: RouteMode | undefined,
  isPromoted: boolean,
): [string, string][] {
  const pairs = recordedPairs(history, isPromoted);
  return routing === undefined ? pairs : [...pairs, digestsPair(routing)];
}

/** The digests that one journal is due. */
export class SegmentProofs {
  readonly #timers: Timers;
  readonly #due: () => void;
  #timer: Timer | undefined;
  #isDue = false;
  /** The sequence at which the digest of each shard was last given. */
  #given: bigint[] = [];
  /** That of a node never changes. */
  #routing: RouteMode | undefined;

  /** `due` is called when digests are, in a turn of its own. */
  constructor(timers: Timers, due: () => void) {
    this.#timers = timers;
    this.#due = due;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Notes that there are frames behind the last digests. */
  plan(): void {
    if (this.#isDue) return;
    this.#timer ??= this.#timers.after(EVERY_MS, () => {
      this.#timer = undefined;
      this.#isDue = true;
      this.#due();
    });
  }

  /** Forgets what is due. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isDue = false;
  }

  /** Notes that another stream comes, of whose content nothing was given. */
  begin({ store }: FrameStream): void {
    this.cancel();
    this.#given = [];
    this.#routing = store.routing;
  }

  /** Returns the pairs for the margin of a segment's Hello. */
  pairs(history: History, isPromoted: boolean): [string, string][] {
    return markedPairs(history, this.#routing, isPromoted);
  }

  /**
   * Returns the digests of the shards that have changed, as a frame whose place is behind all of the stream
   * that was published; undefined: there are none. Must not be called while the store is at work.
   */
  take(stream: FrameStream): Buffer | undefined {
    this.#isDue = false;
    const { store, history } = stream;
    // Behind a Rust primary keys expire that no frame deletes.
    if (history.isRust === true) return undefined;
    const shards: ShardDigest[] = [];
    for (const [shard, published] of stream.watermarks().entries()) {
      if (this.#given[shard] === published) continue;
      const digest = shardDigest(store, shard);
      // Records that are written and not published have no place in the stream yet.
      if (digest?.sequence !== published) continue;
      this.#given[shard] = published;
      shards.push(digest);
    }
    return shards.length === 0 ? undefined : digestsFrame('state', shards);
  }
}

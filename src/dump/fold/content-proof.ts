/**
 * Compares what dumps lead to with the digests that stand in them (docs/protocol.md, "Digests"): a record
 * that is missing or was changed is found, whatever an index says of the bytes.
 */
import type { FollowedStore, RouteMode } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { type DigestsMessage, digestText, type ShardDigest } from '../../frame/digests.js';
import type { Margin } from '../../frame/margin.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { readHistory } from '../../replication/history.js';
import { comparisons } from '../../replication/link/digest-frames.js';
import { routeOfDigests } from '../../replication/link/digests-pair.js';

/** Compares the content of one fold: `hello` for each Hello, `began` with new content, `take` for digests. */
export class ContentProof {
  readonly #onDiffers: (fault: FastcacheError) => void;
  /** How keys are routed where the digests that follow were made; undefined: there are none. */
  #routing: RouteMode | undefined;
  /** A Rust primary deletes nothing that expires, so that its replica holds less than the frames say. */
  #isRust = false;
  #isSilent = false;
  /** The shards that are known to differ: each digest behind the first would say so again. */
  readonly #differing = new Set<number>();
  /** Where each shard was last as it should be. */
  readonly #equalAt = new Map<number, string>();
  #compared = 0;

  /** `onDiffers` is called once for each shard of which the content differs, with file and byte offset. */
  constructor(onDiffers: (fault: FastcacheError) => void) {
    this.#onDiffers = onDiffers;
  }

  /** How keys are to be routed in stores of what follows. */
  get routing(): RouteMode {
    return this.#routing ?? 'full-key';
  }

  /** The number of times that a shard was compared. */
  get compared(): number {
    return this.#compared;
  }

  /** Takes the margin of a Hello that is not a replica's claim. */
  hello(margin: Margin | undefined): void {
    this.#routing = routeOfDigests(margin) ?? this.#routing;
    this.#isRust = readHistory(margin)?.isRust === true;
    this.#isSilent ||= this.#isRust;
  }

  /** Notes that new content takes the place of what was there. */
  began(): void {
    this.#isSilent = this.#isRust;
    this.#differing.clear();
    this.#equalAt.clear();
  }

  /** Compares the content with what a Digests frame says; `store` is undefined where there is none. */
  take(
    message: DigestsMessage,
    { offset }: SplitFrame,
    file: string,
    store: FollowedStore | undefined,
  ): void {
    const { says, shards } = message;
    const isOfPrimary = says === 'state' || says === 'proof';
    if (!isOfPrimary || this.#isSilent || store === undefined || store.routing !== this.#routing) return;
    for (const { own, theirs, isAtOne, isEqual } of comparisons(store, shards)) {
      // A base may be ahead of the frames that are applied to it.
      if (!isAtOne) continue;
      const { shard } = own;
      this.#compared += 1;
      if (isEqual) {
        this.#differing.delete(shard);
        this.#equalAt.set(shard, `byte ${offset} of ${file}`);
      } else if (!this.#differing.has(shard)) {
        this.#differing.add(shard);
        const fault = differs(own, theirs, this.#equalAt.get(shard));
        this.#onDiffers(fault.placedAt(offset).inFile(file));
      }
    }
  }
}

/** Returns what is to be logged of a difference. */
export function differenceNote({ place, message }: FastcacheError): string {
  return `the content is not what it was: ${place}: ${message}`;
}

function differs(own: ShardDigest, written: ShardDigest, equalAt: string | undefined): FastcacheError {
  const [expected, found] = [digestText(written), digestText(own)];
  const { shard, sequence } = own;
  const since = equalAt === undefined ? '' : ` It was as written at ${equalAt}.`;
  const message =
    `The frames before this do not lead to the server's content of shard ${shard} at sequence ${sequence}: ` +
    `expected ${expected}, found ${found}.${since}`;
  return new FastcacheError('CONTENT_DIVERGES', message, { expected, found });
}

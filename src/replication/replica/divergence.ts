/**
 * Finds out that a replica's content differs from its primary's (docs/operations.md, "Divergence"): compares
 * its digests with those that the primary sends in the order of the stream, reports a difference once, and
 * has it mended.
 */
import type { Clock } from '../../clock.js';
import type { RouteMode, SequencedStore } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { decodeDigests, type ShardDigest } from '../../frame/digests.js';
import { comparisons, digestsFrame, shardDigest } from '../link/digest-frames.js';
import type { Log } from '../log.js';
import type { ReplicationMetrics } from '../metrics.js';

/**
 * The action of a replica whose content differs: with `resync` it takes a snapshot, with `stop` it follows no
 * more, with `log` it only reports the difference.
 */
export type OnDivergence = 'resync' | 'stop' | 'log';

/** The shards that differ, and since when that is known, Unix ms. */
export interface DivergenceState {
  readonly shards: readonly number[];
  readonly sinceMs: number;
}

/** A second divergence within this time is not mended: its cause is still there. */
const TWICE_WITHIN_US = 3_600_000_000;

/** The options of a `Divergence`. */
export interface DivergenceOptions {
  clock: Clock;
  log: Log;
  metrics: ReplicationMetrics;
  /** The primary's `host:port`, for logs. */
  primary: string;
  /** The part of a key that picks its shard here. */
  route: RouteMode;
  action: OnDivergence;
  /** Called once for each divergence that is found, and with what is done about it. */
  diverged(event: { shards: readonly number[]; action: OnDivergence }): void;
  /** Called when nothing is to be followed any more. */
  stop(error: Error): void;
  /** Hands a frame of the primary's digests on to replicas of this one; valid during the call only. */
  handOn(frame: Buffer): void;
}

/** The stores of a session, as far as there are any. */
export interface ComparedStores {
  /** What is held and follows the primary. */
  readonly held: SequencedStore | undefined;
  /** New content that is not whole yet; the held content follows nothing meanwhile. */
  readonly building: SequencedStore | undefined;
}

/** The divergence of one follower's content. */
export class Divergence {
  readonly #options: DivergenceOptions;
  /** The shards that differ, and those in which memory is damaged. */
  readonly #differing = new Set<number>();
  readonly #damaged = new Set<number>();
  #sinceMs = 0;
  /** When the last one was found, monotonic microseconds. */
  #lastFoundUs = Number.NEGATIVE_INFINITY;
  /** Sends the primary a frame; undefined while no primary that takes it is connected. */
  #send: ((frame: Buffer) => void) | undefined;
  /** Whether a snapshot was asked for on this connection. */
  #hasAsked = false;

  constructor(options: DivergenceOptions) {
    this.#options = options;
  }

  /** The part of a key that picks its shard here. */
  get route(): RouteMode {
    return this.#options.route;
  }

  /** The shards that differ; undefined while none is known to. */
  get state(): DivergenceState | undefined {
    const shards = [...new Set([...this.#differing, ...this.#damaged])].sort((a, b) => a - b);
    return shards.length === 0 ? undefined : { shards, sinceMs: this.#sinceMs };
  }

  /** Called when a primary of fastcache has answered; `send` sends it a frame. */
  linked(send: (frame: Buffer) => void): void {
    this.#send = send;
    this.#hasAsked = false;
  }

  /** Called when the connection is gone. */
  unlinked(): void {
    this.#send = undefined;
  }

  /**
   * Reads a Digests frame of the primary. Throws CONTENT_DIVERGES when new content differs from its proof,
   * FRAME_OUT_OF_PLACE for digests that a primary does not send, and `FCRP_*`.
   */
  heard(payload: Uint8Array, frame: Buffer, { held, building }: ComparedStores): void {
    const { says, shards } = decodeDigests(payload);
    if (says === 'proof') {
      if (building !== undefined) this.#prove(building, shards);
    } else if (says === 'state') {
      if (held === undefined || building !== undefined) return;
      this.#options.handOn(frame);
      this.#compare(held, shards);
    } else {
      const message = `The primary sent digests of the sort ${says}, which are a replica's to send.`;
      throw new FastcacheError('FRAME_OUT_OF_PLACE', message, { expected: 'state', found: says });
    }
  }

  /** Notes that a record of the held content, in this shard, differs from what was written. */
  damaged(held: SequencedStore, shard: number): void {
    const own = shardDigest(held, shard);
    if (own === undefined || this.#damaged.has(shard)) return;
    const isFirst = this.state === undefined;
    this.#damaged.add(shard);
    this.#found(isFirst, [own]);
  }

  /** Notes that new content has replaced what was held. */
  replaced(): void {
    this.#differing.clear();
    this.#damaged.clear();
    this.#hasAsked = false;
  }

  #compare(held: SequencedStore, theirs: readonly ShardDigest[]): void {
    const isFirst = this.state === undefined;
    const found: ShardDigest[] = [];
    for (const { isEqual, own } of comparisons(held, theirs)) {
      const { shard } = own;
      if (isEqual) this.#differing.delete(shard);
      else {
        this.#differing.add(shard);
        found.push(own);
      }
    }
    if (found.length > 0) this.#found(isFirst, found);
    else if (!isFirst && this.state === undefined) {
      this.#options.log.info(`what is held is again what ${this.#options.primary} has`);
      this.#send?.(digestsFrame('differs', []));
    }
  }

  /** Reports the shards; `isFirst`: none was known to differ before. */
  #found(isFirst: boolean, shards: readonly ShardDigest[]): void {
    const action = isFirst ? this.#judge(shards) : this.#options.action;
    if (action === 'stop') return;
    const asks = action === 'resync' && !this.#hasAsked;
    if (!asks && !isFirst) return;
    this.#hasAsked ||= asks;
    this.#send?.(digestsFrame(asks ? 'asks' : 'differs', shards));
  }

  /** Makes news of a divergence; returns what is to be done, or has been, about it. */
  #judge(shards: readonly ShardDigest[]): OnDivergence {
    const { clock, log, metrics, primary, diverged, stop } = this.#options;
    const nowUs = clock.monotonicUs();
    const isAgain = nowUs - this.#lastFoundUs < TWICE_WITHIN_US;
    const action = this.#options.action === 'resync' && isAgain ? 'stop' : this.#options.action;
    this.#lastFoundUs = nowUs;
    this.#sinceMs = Math.floor(clock.nowMs());
    metrics.divergences += 1;
    const named = shards.map(({ shard }) => shard);
    const where = shards.map(({ shard, sequence }) => `${shard} (at sequence ${sequence})`).join(', ');
    const message = `What is held is not what ${primary} has: the digests differ of shards ${where}.`;
    log.error(`${message} ${consequences[action]}${isAgain ? ' It is the second time within an hour.' : ''}`);
    diverged({ shards: named, action });
    if (action === 'stop') {
      this.#send?.(digestsFrame('differs', shards));
      stop(new FastcacheError('CONTENT_DIVERGES', message));
    }
    return action;
  }

  /** Compares new content with what the primary says of it at that very place. */
  #prove(building: SequencedStore, theirs: readonly ShardDigest[]): void {
    const wrong = comparisons(building, theirs).filter(({ isEqual }) => !isEqual);
    if (wrong.length === 0) return;
    const shards = wrong.map(({ own }) => own);
    if (this.#judge(shards) !== 'resync') return;
    const named = shards.map(({ shard }) => shard).join(', ');
    const message = `The snapshot of ${this.#options.primary} is not what its proof says, in shards ${named}.`;
    throw new FastcacheError('CONTENT_DIVERGES', message);
  }
}

const consequences: Readonly<Record<OnDivergence, string>> = {
  resync: 'A snapshot replaces it.',
  stop: 'It is followed no more; what is held stays readable.',
  log: 'Nothing is done about it (--on-divergence log).',
};

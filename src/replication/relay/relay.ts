/**
 * The part of a replica that makes it a relay (docs/operations.md, "Relays"). It keeps a stream of its
 * content, from which its own replicas are served, for as long as the content continues in one history and on
 * one path. When either changes, or new content replaces the old, another stream begins; the replicas that
 * were fed from the last one reconnect, and resume from the backlog if it reaches far enough. They notice
 * nothing when only the link to the primary is cut and comes back.
 */
import type { Random } from '../../clock.js';
import { goesBackTo, goingBackTo, type History, pastBehind, rustHistory } from '../history.js';
import type { Log } from '../log.js';
import type { AppliedBatch, Downstream } from '../replica/downstream.js';
import type { Holding } from '../replica/holding.js';
import { Backlog } from '../stream/backlog.js';
import type { Publisher } from '../stream/publisher.js';
import type { FrameStream } from '../stream/stream.js';
import { RelayFeed } from './relay-feed.js';

/** The options of a `Relay`. */
export interface RelayOptions {
  /** The id of this process (link/path.ts). */
  nodeId: string;
  /** Bytes of backlog for all shards together. */
  backlogBytes: number;
  random: Random;
  log: Log;
  /**
   * Called when another stream has taken the place of the last one. `content`: whether its content continues
   * that of the last one.
   */
  replaced?(content: 'new' | 'held'): void;
}

/** Serves the content of one follower; a node has one relay for its whole life. */
export class Relay implements Downstream {
  readonly nodeId: string;
  readonly #options: RelayOptions;
  #feed: RelayFeed | undefined;
  /** The path of the primary that is followed; empty before the first answer. */
  #upstream: readonly string[] = [];
  /** The histories whose content was given up for another, the last one first. */
  #givenUp: readonly string[] = [];
  /** Whether it has been logged that a frame of this content cannot be handed on. */
  #hasWarned = false;

  constructor(options: RelayOptions) {
    this.nodeId = options.nodeId;
    this.#options = options;
  }

  /** The stream from which replicas are served; undefined until content is whole. */
  get stream(): FrameStream | undefined {
    return this.#feed;
  }

  /** Notes the path of a primary that has answered. */
  follows(path: readonly string[]): void {
    if (path.join() === this.#upstream.join()) return;
    this.#upstream = path;
    if (this.#feed !== undefined) this.#replace({ ...this.#feed }, 'its primary follows another way');
  }

  /** Notes that new content has replaced the old, which replicas of this node are to give up as well. */
  swapped({ store, history = rustHistory(this.#options.random) }: Holding): void {
    const last = this.#feed?.history;
    if (last !== undefined && !goesBackTo(history, last.id)) this.#givenUp = pastBehind(last) ?? [];
    const watermarks = store.watermarks();
    const backlog = new Backlog({
      shards: store.shards,
      maxBytes: this.#options.backlogBytes,
      // A shard may still be at a sequence of the previous history.
      base: watermarks.map((own) => (own < history.base ? own : history.base)),
      watermarks,
    });
    this.#hasWarned = false;
    this.#replace(
      { store, history, backlog },
      'other content has taken the place of what it was given',
      'new',
    );
  }

  /** Notes that the content continues in `history`, at these watermarks; both may be what they were. */
  adopted(history: History, watermarks: readonly bigint[]): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    if (history.id === feed.history.id && watermarks.join() === feed.watermarks().join()) return;
    for (const [shard, watermark] of watermarks.entries()) feed.backlog.jump(shard, watermark);
    this.#replace({ ...feed, history }, 'its primary was promoted, and another history begins');
  }

  /** Notes that a shard has come to the end of the previous history, and continues from `watermark`. */
  crossed(shard: number, watermark: bigint): void {
    this.#feed?.backlog.jump(shard, watermark);
  }

  received({ frame, head, applied, watermark }: AppliedBatch): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const { records, shard, sequence, timestampMs } = head;
    const isOfOneShard = sequence + BigInt(records) - 1n === watermark;
    if (isOfOneShard && feed.backlog.watermark(shard) + BigInt(applied) === watermark) {
      feed.offer(frame, shard, sequence, watermark, timestampMs);
    } else this.#skip(feed, shard);
  }

  /**
   * Notes that the content has no primary any more; returns its backlog, for the publisher of a history that
   * begins at `base`.
   */
  promoted(base: bigint): Backlog | undefined {
    const feed = this.#feed;
    this.#feed = undefined;
    this.#upstream = [];
    feed?.interrupt('its primary was promoted, and another history begins');
    for (let shard = 0; shard < (feed?.store.shards ?? 0); shard += 1) feed?.backlog.jump(shard, base);
    return feed?.backlog;
  }

  /**
   * Takes over the content of a publisher, which has dropped its subscribers, when its node becomes a
   * replica.
   */
  demoted(publisher: Publisher): void {
    this.#feed = this.#feedOf(publisher);
    this.#options.replaced?.('held');
  }

  #replace(
    next: Pick<FrameStream, 'store' | 'history' | 'backlog'>,
    reason: string,
    content: 'new' | 'held' = 'held',
  ): void {
    const last = this.#feed;
    this.#feed = this.#feedOf(next);
    last?.interrupt(reason);
    this.#options.replaced?.(content);
  }

  #feedOf({ store, history, backlog }: Pick<FrameStream, 'store' | 'history' | 'backlog'>): RelayFeed {
    const path = [this.nodeId, ...this.#upstream];
    return new RelayFeed({ store, history: goingBackTo(history, this.#givenUp), backlog, path });
  }

  /**
   * Passes over a batch that mixes shards or sequences, as no known primary sends: replicas get its content
   * in a snapshot.
   */
  #skip(feed: RelayFeed, shard: number): void {
    for (const [index, watermark] of feed.store.watermarks().entries()) {
      if (feed.backlog.watermark(index) !== watermark) feed.backlog.skipTo(index, watermark);
    }
    feed.interrupt('a frame of its stream cannot be handed on');
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.log.warn(
      `a batch that begins in shard ${shard} is not one run of that shard's sequences and is not handed ` +
        'on: replicas are given snapshots',
    );
  }
}

/**
 * What makes a replica a relay (cli.md, `replica follow --bind`): it keeps a stream of what is held, which its own replicas
 * are served from, for as long as that goes on in one history and on one path. When either changes, or new content takes
 * the place of the old, there is another stream, and those who were fed from the last come back and resume from the
 * backlog if that serves. Nothing happens to them when only the link to the primary is cut and comes back.
 */
import type { Random } from '../../clock.js';
import { type History, rustHistory } from '../history.js';
import type { Log } from '../log.js';
import type { AppliedBatch, Downstream } from '../replica/downstream.js';
import type { Holding } from '../replica/holding.js';
import { Backlog } from '../stream/backlog.js';
import type { Publisher } from '../stream/publisher.js';
import type { FrameStream } from '../stream/stream.js';
import { RelayFeed } from './relay-feed.js';

export interface RelayOptions {
  /** Of this process (path.ts). */
  nodeId: string;
  /** For all shards together; each has an equal share. */
  backlogBytes: number;
  random: Random;
  log: Log;
}

export class Relay implements Downstream {
  readonly nodeId: string;
  readonly #options: RelayOptions;
  #feed: RelayFeed | undefined;
  /** From the primary that is followed up to the one at the top. */
  #upstream: readonly string[] = [];
  /** That this content's frames can't be handed on has been told. */
  #hasTold = false;

  constructor(options: RelayOptions) {
    this.nodeId = options.nodeId;
    this.#options = options;
  }

  /** What replicas are served from; undefined until content is whole. */
  get stream(): FrameStream | undefined {
    return this.#feed;
  }

  /** A primary has answered that stands at the end of this path. */
  follows(path: readonly string[]): void {
    if (path.join() === this.#upstream.join()) return;
    this.#upstream = path;
    if (this.#feed !== undefined) this.#replace({ ...this.#feed }, 'its primary follows another way');
  }

  /** New content has taken the place of what was held. */
  swapped({ store, history = rustHistory(this.#options.random) }: Holding): void {
    const watermarks = store.watermarks();
    const backlog = new Backlog({
      shards: store.shards,
      maxBytesPerShard: Math.floor(this.#options.backlogBytes / store.shards),
      // A shard may still be at a sequence of the history before.
      base: watermarks.map((own) => (own < history.base ? own : history.base)),
      watermarks,
    });
    this.#hasTold = false;
    this.#replace({ store, history, backlog }, 'other content has taken the place of what it was given');
  }

  /** What is held goes on in `history`, where it stands at `watermarks`; which may be where it is. */
  adopted(history: History, watermarks: readonly bigint[]): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    if (history.id === feed.history.id && watermarks.join() === feed.watermarks().join()) return;
    for (const [shard, watermark] of watermarks.entries()) feed.backlog.jump(shard, watermark);
    this.#replace({ ...feed, history }, 'its primary was promoted, and another history begins');
  }

  /** A shard that was still in the history before has come to its end, and goes on from `watermark`. */
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

  /** What is held has a primary no more: its backlog, for who publishes from `base` on. */
  promoted(base: bigint): Backlog | undefined {
    const feed = this.#feed;
    this.#feed = undefined;
    this.#upstream = [];
    feed?.interrupt('its primary was promoted, and another history begins');
    for (let shard = 0; shard < (feed?.store.shards ?? 0); shard += 1) feed?.backlog.jump(shard, base);
    return feed?.backlog;
  }

  /** What was published is now held of another primary's; who was fed from it has been told. */
  demoted(publisher: Publisher): void {
    this.#feed = this.#feedOf(publisher);
  }

  #replace(next: Pick<FrameStream, 'store' | 'history' | 'backlog'>, reason: string): void {
    const last = this.#feed;
    this.#feed = this.#feedOf(next);
    last?.interrupt(reason);
  }

  #feedOf({ store, history, backlog }: Pick<FrameStream, 'store' | 'history' | 'backlog'>): RelayFeed {
    return new RelayFeed({ store, history, backlog, path: [this.nodeId, ...this.#upstream] });
  }

  /** Shards or sequences are mixed in a batch, as no primary known does: replicas get it in a snapshot. */
  #skip(feed: RelayFeed, shard: number): void {
    for (const [index, watermark] of feed.store.watermarks().entries()) {
      if (feed.backlog.watermark(index) !== watermark) feed.backlog.skipTo(index, watermark);
    }
    feed.interrupt('a frame of its stream cannot be handed on');
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#options.log.warn(
      `a batch that begins in shard ${shard} is not one run of that shard's sequences and is not handed on: replicas are given snapshots`,
    );
  }
}

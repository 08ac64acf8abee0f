/**
 * Sends a replica what it lacks, from the backlog or as a snapshot, then the live stream (docs/protocol.md,
 * "Conversation", 3 and 4).
 */
import type { Clock, Timers } from '../../clock.js';
import type { RouteMode } from '../../engine/types.js';
import { type EncodeOptions, encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import { encodeWatermarks } from '../../frame/watermarks.js';
import { FRAME_HEADER_BYTES, MESSAGES_MAX_BYTES } from '../../limits.js';
import type { Connection } from '../../transport/connection.js';
import { takesDigests } from '../link/digests-pair.js';
import { takesMessages } from '../link/messages-pair.js';
import type { Log } from '../log.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { FrameStream } from '../stream/stream.js';
import type { FrameArchive } from './archive.js';
import { ArchiveSender } from './archive-sender.js';
import type { Carousel, Carousels, Joiner } from './carousel.js';
import { LettingOut } from './letting-out.js';
import type { MessageSender, MessageTaker } from './message-sender.js';
import type { FeedState } from './replica-info.js';
import { asksToResume, resume } from './resume.js';
import { SentRate } from './sent-rate.js';
import { SnapshotSender } from './snapshot-sender.js';
import { Subscriber } from './subscriber.js';

/** Bytes of messages that may wait for a replica; the longest message alone is let through. */
const MESSAGES_WAITING_MAX_BYTES = MESSAGES_MAX_BYTES + FRAME_HEADER_BYTES;

/** The options that the feeds of all replicas of a primary share. */
export interface FeedOptions {
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  log: Log;
  carousels: Carousels;
  messages: MessageSender;
  snapshotChunkBytes: number;
  subscriberQueueFrames: number;
  subscriberQueueBytes: number;
  /** The encoding of SnapshotChunk frames. */
  encoding: EncodeOptions;
  /** The part of a key that picks its shard here, without which digests of shards say nothing. */
  route: RouteMode;
  /** Returns the archive of frames that the backlog keeps no longer; undefined: there is none. */
  archive?(): FrameArchive | undefined;
}

/** The options of the feed of one replica. */
export interface ReplicaFeedOptions extends FeedOptions {
  connection: Connection;
  stream: FrameStream;
  /**
   * Called when the replica is sent no more; `reason` is in words. Nothing may be written to the connection
   * after it.
   */
  cutOff(reason: string): void;
}

/** Gives one replica what it lacks and then the live stream, until `stop`. */
export class ReplicaFeed implements MessageTaker {
  readonly #options: ReplicaFeedOptions;
  #subscriber: Subscriber;
  /** The sender of frames that the backlog keeps no longer; the subscriber is closed meanwhile. */
  #archived: ArchiveSender | undefined;
  /** Where the frames begin that the replica is sent behind what it is sent first. */
  #frozen: readonly bigint[];
  #isOurs = false;
  #takesDigests = false;
  /** Messages have been left out, because too many waited. */
  #hasLostMessages = false;
  /** The snapshot of a Rust replica; undefined unless one was begun. */
  #snapshot: SnapshotSender | undefined;
  /** The carousel that a replica of fastcache's has joined; undefined unless it has joined one. */
  #carousel: Carousel | undefined;
  readonly #joiner: Joiner = {
    takesProof: () => this.#takesDigests,
    insert: (frame, onTaken) => this.#subscriber.insert(frame, onTaken),
    finished: () => {
      this.#noteSnapshot();
      this.#goLive();
    },
    cutOff: (reason) => this.#options.cutOff(reason),
  };
  #state: FeedState = 'catching-up';
  #isStopped = false;
  readonly #cameAtUs: number;
  readonly #sentRate: SentRate;
  /** It resumes from the backlog, and has acknowledged nothing since. */
  #isResuming = false;
  /** Watches over what it is sent last; undefined before `finish`. */
  #lettingOut: LettingOut | undefined;

  /**
   * Subscribes and freezes the watermarks in one go: everything above them waits for the subscriber,
   * everything up to them is in what the replica is sent first.
   */
  constructor(options: ReplicaFeedOptions) {
    this.#options = options;
    this.#cameAtUs = options.clock.monotonicUs();
    this.#sentRate = new SentRate(this.#cameAtUs);
    this.#frozen = options.stream.watermarks();
    this.#subscriber = this.#subscribe();
  }

  /** The kind of frames that the replica is sent now. */
  get state(): FeedState {
    return this.#state;
  }

  /** The watermarks that were sent to it; while it is not `live`, those that will have been sent then. */
  get watermarks(): readonly bigint[] {
    return this.#state === 'live' ? this.#subscriber.watermarks : this.#frozen;
  }

  /** How much of its snapshot has been made for it, whole percents; undefined: it is sent none. */
  get snapshotPercent(): number | undefined {
    if (this.#state !== 'snapshot') return undefined;
    const share = this.#snapshot?.share ?? this.#carousel?.shareOf(this.#joiner) ?? 0;
    return Math.min(99, Math.floor(share * 100));
  }

  /** Returns how the replica is now, as far as its feed knows. */
  info() {
    const { state, queuedBytes, snapshotPercent } = this;
    const sinceSeconds = Math.floor((this.#options.clock.monotonicUs() - this.#cameAtUs) / 1_000_000);
    const sentBytesPerSecond = this.#sentRate.bytesPerSecond;
    const watermarks = this.watermarks.slice();
    return { state, queuedBytes, sentBytesPerSecond, sinceSeconds, snapshotPercent, watermarks };
  }

  /** Called about once a second. */
  look(): void {
    const { clock, connection } = this.#options;
    this.#sentRate.look(connection.sentBytes, clock.monotonicUs());
  }

  /** Bytes of frames that wait until the connection takes them. */
  get queuedBytes(): number {
    return this.#subscriber.queuedBytes;
  }

  /**
   * Sends what the replica lacks, which logs name `replica`. `claimed` is what it says it has, `margin` that
   * of its Hello: undefined of a Rust replica.
   */
  start(replica: string, claimed: ArrayLike<bigint>, margin: Margin | undefined): void {
    const { stream, log, archive } = this.#options;
    this.#isOurs = margin !== undefined;
    this.#takesDigests = takesDigests(margin, this.#options.route);
    if (takesMessages(margin)) this.#options.messages.takers.add(this);
    const { since, place, reason } = resume(stream, claimed, margin);
    const giveSnapshot = (why: string) => {
      log.info(`replica ${replica} is given a snapshot: ${why}`);
      if (asksToResume(claimed, margin)) this.#options.metrics.resumeFailureCount += 1;
      this.#giveSnapshot();
    };
    const kept = place === undefined ? undefined : archive?.();
    if (since !== undefined) {
      log.info(`replica ${replica} resumes from the backlog: ${reason}`);
      this.#resumes();
      this.#subscriber.start(() => this.#goLive(), since);
    } else if (place !== undefined && kept !== undefined) {
      this.#subscriber.close();
      this.#archived = this.#sendArchived(kept, place, {
        begun: () => log.info(`replica ${replica} resumes from the data directory: ${reason}`),
        missing: (why) => giveSnapshot(why ?? reason),
      });
    } else giveSnapshot(reason);
  }

  /** Called with each Ack of the replica. */
  acknowledged(): void {
    this.#lettingOut?.heard();
    if (!this.#isResuming) return;
    this.#isResuming = false;
    this.#options.metrics.catchUpBacklogCount += 1;
  }

  /** Sends a frame that is none of the stream's behind all that was offered, and at once if there is room. */
  insert(frame: Buffer): void {
    if (this.#archived !== undefined) {
      this.#options.connection.write(frame);
      return;
    }
    this.#subscriber.insert(frame);
    this.#subscriber.send();
  }

  /** Whether the replica takes digests, and nothing that was inserted waits for its connection. */
  get takesDigestsNow(): boolean {
    return this.#takesDigests && this.#archived === undefined && this.#subscriber.insertedBytes === 0;
  }

  /** Gives a replica of fastcache's that asks for it a snapshot, on its connection; one at a time. */
  renew(): void {
    if (!this.#isOurs || this.#state !== 'live' || this.#isStopped) return;
    this.#options.metrics.catchUpSnapshotCount += 1;
    this.#state = 'snapshot';
    this.#joinCarousel();
  }

  /**
   * Sends a frame of messages. A replica without room for the frame loses it, as it loses all messages while
   * it is away.
   */
  sendMessages(frame: Buffer): void {
    const { bufferedBytes } = this.#options.connection;
    const waiting = this.#archived === undefined ? this.#subscriber.insertedBytes : bufferedBytes;
    const isTaken = waiting + frame.length <= MESSAGES_WAITING_MAX_BYTES;
    if (isTaken) this.insert(frame);
    else if (!this.#hasLostMessages) {
      this.#options.log.warn(
        `replica ${this.#options.connection.remoteAddress} does not take messages of channels as fast as they ` +
          'are published: some are lost to its subscribers',
      );
    }
    this.#hasLostMessages = !isTaken;
  }

  /** Called when the connection has room again. */
  drained(): void {
    this.#snapshot?.drained();
    this.#archived?.drained();
    this.#subscriber.drained();
  }

  /** Whether it is sent the stream, be it what it lacks of it. */
  get isStreaming(): boolean {
    return this.#state === 'live' || (this.#state === 'catching-up' && this.#archived === undefined);
  }

  /**
   * Sends a replica that is sent the stream what has been published until now, which is the last, and ends
   * the connection behind it. Calls `drop` when the replica does not take that in time.
   */
  finish(drop: () => void): void {
    const { connection, messages } = this.#options;
    messages.takers.delete(this);
    this.#lettingOut = new LettingOut(this.#options, drop);
    this.#subscriber.finish(() => connection.end());
  }

  /** Sends nothing more and frees what was to be sent. */
  stop(): void {
    this.#isStopped = true;
    this.#lettingOut?.stop();
    this.#options.messages.takers.delete(this);
    this.#subscriber.close();
    this.#archived?.close();
    this.#snapshot?.close();
    this.#carousel?.leave(this.#joiner);
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    this.#subscriber.invariants();
    this.#carousel?.invariants();
  }

  /**
   * Decides for a replica that has fallen too far behind: one of fastcache's, once it has also fallen out of
   * the backlog, is given a snapshot on the connection that it has, as soon as that has room, and keeps what
   * it holds until then. Any other, and one that does not even keep up with the frames between the chunks of
   * a snapshot, is cut off.
   */
  #overflowed(reason: string, limitFlag: string): void {
    const { metrics, log, connection, cutOff } = this.#options;
    if (this.#isOurs && this.#state !== 'snapshot') {
      // As long as the backlog has what it lacks, that is kept anyway.
      if (this.#subscriber.isInBacklog) return;
      log.warn(
        `replica ${connection.remoteAddress} has fallen behind and is given a snapshot on its connection: ` +
          `${reason}; a greater ${limitFlag} gives it longer`,
      );
      metrics.catchUpSnapshotCount += 1;
      this.#state = 'snapshot';
      this.#subscriber.pause(() => this.#joinCarousel());
      return;
    }
    metrics.cutOff();
    this.#subscriber.close();
    const tooMuch = 'what was written while its snapshot was under way is too much: ';
    const what = `${this.#state === 'snapshot' ? tooMuch : ''}${reason}`;
    cutOff(`${what}; a greater ${limitFlag} would let it through`);
  }

  /** Everything that is published from now on waits for the subscriber's start. */
  #subscribe(): Subscriber {
    const { connection, stream, metrics, cutOff, ...options } = this.#options;
    return new Subscriber(connection, stream.backlog, {
      maxQueueFrames: options.subscriberQueueFrames,
      maxQueueBytes: options.subscriberQueueBytes,
      metrics,
      overflowed: (reason, limitFlag) => this.#overflowed(reason, limitFlag),
      interrupted: (reason) => cutOff(reason),
    });
  }

  /**
   * Notes that it resumes. One of fastcache's may be gone already: a process that was stopped finds many
   * Hellos of one replica. A Rust replica acknowledges nothing.
   */
  #resumes(): void {
    if (this.#isOurs) this.#isResuming = true;
    else this.#options.metrics.catchUpBacklogCount += 1;
  }

  #giveSnapshot(): void {
    this.#options.metrics.catchUpSnapshotCount += 1;
    this.#state = 'snapshot';
    if (!this.#isOurs) this.#sendSnapshot();
    else this.#subscriber.start(() => this.#joinCarousel());
  }

  /**
   * Sends what a replica lacks that holds `place`, and goes on with the backlog. Frames that the archive
   * lacks are reported, with its reason if it has one; the subscriber then waits for its start.
   */
  #sendArchived(
    archive: FrameArchive,
    place: ArrayLike<bigint>,
    report: { begun(): void; missing(reason: string | undefined): void },
  ): ArchiveSender {
    const { connection, stream, timers, cutOff } = this.#options;
    let hasBegun = false;
    const subscribe = () => {
      this.#archived = undefined;
      this.#frozen = stream.watermarks();
      this.#subscriber = this.#subscribe();
    };
    return new ArchiveSender({
      archive,
      stream,
      connection,
      timers,
      since: place,
      begun: () => {
        hasBegun = true;
        report.begun();
        this.#resumes();
      },
      caughtUp: (watermarks) => {
        subscribe();
        this.#subscriber.start(() => this.#goLive(), watermarks);
      },
      ended: (fault) => {
        this.#isResuming = false;
        // A Rust replica takes a snapshot only as the first that it is sent.
        if (hasBegun && !this.#isOurs) {
          cutOff(`what it lacks could not be read: ${fault?.message}`);
          return;
        }
        subscribe();
        report.missing(fault?.message);
      },
      interrupted: cutOff,
    });
  }

  /** Begins a snapshot behind what has been sent, at the watermarks of now. */
  #joinCarousel(): void {
    const { stream, carousels } = this.#options;
    this.#frozen = stream.watermarks();
    this.#subscriber.insert(encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(this.#frozen)));
    this.#carousel = carousels.of(stream);
    this.#carousel.join(this.#joiner);
  }

  #sendSnapshot(): void {
    const { connection, stream, timers, snapshotChunkBytes, encoding, cutOff } = this.#options;
    this.#snapshot = new SnapshotSender({
      connection,
      stream,
      timers,
      watermarks: this.#frozen,
      chunkBytes: snapshotChunkBytes,
      encoding,
      onSent: () => {
        this.#snapshot = undefined;
        this.#noteSnapshot();
        this.#state = 'catching-up';
        this.#subscriber.start(() => this.#goLive());
      },
      onFault: (error) => cutOff(`its snapshot failed: ${String(error)}`),
    });
    this.#snapshot.start();
  }

  #noteSnapshot(): void {
    this.#options.metrics.lastSnapshotMs = this.#options.clock.nowMs();
  }

  #goLive(): void {
    if (!this.#isStopped) this.#state = 'live';
  }
}

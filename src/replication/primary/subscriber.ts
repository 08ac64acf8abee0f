/**
 * One replica's place in a primary's log (docs/protocol.md, "Subscribers"; docs/architecture.md, "One log").
 * It writes to the connection while that takes the bytes and falls behind when it does not; past its bounds
 * its owner decides what becomes of it, and no writer ever waits for it.
 */
import assert from 'node:assert';
import type { Connection } from '../../transport/connection.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { Backlog } from '../stream/backlog.js';
import type { Cursor, LogReader } from '../stream/cursor.js';
import { Ring } from '../stream/ring.js';

/** The bounds of a subscriber, and what is called when it passes them. */
export interface SubscriberOptions {
  /** How far it may fall behind what has been published since it came; either may be infinite. */
  maxQueueFrames: number;
  maxQueueBytes: number;
  metrics: ReplicationMetrics;
  /**
   * Called with each frame while it is further behind. `reason` is in words, `limitFlag` the flag that sets
   * the limit which is passed. It may `close` the subscriber, or have it `pause`.
   */
  overflowed(reason: string, limitFlag: string): void;
  /** Called when the stream was interrupted. Nothing may be written to the connection after it. */
  interrupted(reason: string): void;
}

/** A frame that is none of the stream's. */
interface Inserted {
  readonly bytes: Buffer;
  /** It stands behind all of the stream that is before this offset. */
  readonly behind: number;
  readonly onTaken: (() => void) | undefined;
}

/**
 * Hands a log to one connection: the frames that the replica lacks when it comes, then those that are
 * published, in the order of publishing, with frames of a bootstrap between. While the connection is full all
 * of it waits, in the log.
 */
export class Subscriber implements LogReader {
  readonly #connection: Connection;
  readonly #backlog: Backlog;
  readonly #options: SubscriberOptions;
  #cursor: Cursor;
  readonly #inserted = new Ring<Inserted>();
  #insertedBytes = 0;
  /** Frames that are published behind this offset count against the bounds. */
  #boundedFrom: number;
  #onCaughtUp: (() => void) | undefined;
  /** Called when nothing waits any more; undefined before `finish`. */
  #onEmpty: (() => void) | undefined;
  /** The `onTaken` of each frame that was written while the connection was full. */
  #untaken: (() => void)[] = [];
  /** The frames that wait, as they were counted last. */
  #countedFrames = 0;
  /** False until `start`: all waits until then. */
  #isStarted = false;
  /** True while the connection is full. */
  #isBlocked = false;
  /** Called when the connection of a paused subscriber has room; undefined: it is not paused. */
  #onRoom: (() => void) | undefined;
  #isClosed = false;
  /** The watermarks at the close, after which the log need not have that place any more. */
  #lastWatermarks: bigint[] | undefined;

  /** Everything that is published from now on waits for `start`. */
  constructor(connection: Connection, backlog: Backlog, options: SubscriberOptions) {
    this.#connection = connection;
    this.#backlog = backlog;
    this.#options = options;
    this.#cursor = backlog.open(this);
    this.#boundedFrom = this.#cursor.offset;
  }

  /** How many bytes of the stream have been published since it came, and wait. */
  get queuedBytes(): number {
    if (this.#isClosed) return 0;
    return this.#backlog.pushedBytes - Math.max(this.#cursor.offset, this.#boundedFrom);
  }

  /** How many bytes of inserted frames wait. */
  get insertedBytes(): number {
    return this.#insertedBytes;
  }

  /** The watermarks of all that has been written to the connection, in the order of the stream. */
  get watermarks(): bigint[] {
    return this.#lastWatermarks ?? this.#backlog.watermarksAt(this.#cursor.offset);
  }

  /** Whether the backlog keeps all that waits, so that it costs nothing. */
  get isInBacklog(): boolean {
    return this.#cursor.offset >= this.#backlog.keptFrom;
  }

  get untakenBytes(): number {
    return this.#isStarted ? this.#connection.bufferedBytes : 0;
  }

  /**
   * Sends what a replica lacks that holds `since`, calls `onCaughtUp`, then sends all that has been published
   * since it came and that follows. Without `since` it lacks nothing else.
   */
  start(onCaughtUp: () => void, since?: ArrayLike<bigint>): void {
    if (this.#isClosed) return;
    if (since !== undefined) {
      assert.equal(
        this.#cursor.offset,
        this.#backlog.pushedBytes,
        'what is lacked lies before all that waits',
      );
      this.#cursor.close();
      this.#cursor = this.#backlog.openSince(since, this);
    }
    this.#onCaughtUp = onCaughtUp;
    this.#isStarted = true;
    this.#pump();
  }

  ready(): void {
    if (this.#isClosed) return;
    if (this.#isStarted && !this.#isBlocked) this.#pump();
    if (!this.#isClosed) this.#checkBounds();
    this.#count();
  }

  send(): void {
    if (!this.#isClosed) this.#connection.flush();
  }

  interrupt(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.interrupted(reason);
  }

  /**
   * Sends a frame that is none of the stream's behind all that was published. It does not count against the
   * bounds: the caller sees to it that few wait. `onTaken` is called when the connection has room again
   * behind it, perhaps at once.
   */
  insert(bytes: Buffer, onTaken?: () => void): void {
    if (this.#isClosed || this.#onRoom !== undefined) return;
    this.#inserted.push({ bytes, behind: this.#backlog.pushedBytes, onTaken });
    this.#insertedBytes += bytes.length;
    if (this.#isStarted && !this.#isBlocked) this.#pump();
  }

  /**
   * Passes over all that waits, but for the rest of a frame that was sent in part, and holds nothing back.
   * Calls `onRoom` once the connection has room again: frames that are published from then on follow.
   */
  pause(onRoom: () => void): void {
    assert(this.#isStarted && this.#isBlocked, 'who has room lacks nothing');
    const rest = this.#cursor.pause();
    this.#clearInserted();
    if (rest !== undefined) this.#connection.write(rest);
    this.#onRoom = onRoom;
    this.#count();
  }

  /** Calls `onEmpty` once the connection has all that has been published and inserted until then. */
  finish(onEmpty: () => void): void {
    this.#onEmpty = onEmpty;
    this.#pump();
  }

  /** Called when the connection has room again. */
  drained(): void {
    this.#isBlocked = false;
    const untaken = this.#untaken;
    this.#untaken = [];
    for (const onTaken of untaken) onTaken();
    if (this.#isClosed) return;
    const onRoom = this.#onRoom;
    if (onRoom !== undefined) {
      this.#onRoom = undefined;
      this.#cursor.resume();
      this.#boundedFrom = this.#cursor.offset;
      onRoom();
    }
    if (this.#isStarted) this.#pump();
    this.#count();
  }

  /** Sends nothing more and holds nothing back. */
  close(): void {
    if (this.#isClosed) return;
    this.#lastWatermarks = this.watermarks;
    this.#isClosed = true;
    this.#cursor.close();
    this.#clearInserted();
    this.#untaken = [];
    this.#count();
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    this.#inserted.invariants();
    const { maxQueueBytes } = this.#options;
    const isBounded = this.queuedBytes <= maxQueueBytes + this.#backlog.undeliveredBytes;
    assert(isBounded || this.isInBacklog, 'a subscriber keeps to its bounds');
    assert(this.#isBlocked || this.#untaken.length === 0, 'frames are untaken while the connection is full');
    assert(
      this.#inserted.length === 0 || !this.#isStarted || this.#isBlocked,
      'nothing waits while there is room',
    );
    assert(this.#inserted.length === 0 || !this.#isClosed, 'a closed subscriber holds nothing');
  }

  /** Calls `overflowed` when more waits than is allowed. */
  #checkBounds(): void {
    const { maxQueueFrames, maxQueueBytes, overflowed } = this.#options;
    const bytes = this.queuedBytes;
    const frames = maxQueueFrames === Number.POSITIVE_INFINITY ? 0 : this.#queuedFrames();
    if (frames <= maxQueueFrames && bytes <= maxQueueBytes) return;
    const isFrames = frames > maxQueueFrames;
    const [count, limit, unit] = isFrames
      ? [frames, maxQueueFrames, 'frames']
      : [bytes, maxQueueBytes, 'bytes'];
    const flag = isFrames ? '--subscriber-queue' : '--subscriber-bytes';
    overflowed(`${count} ${unit} wait for it, and at most ${limit} may`, flag);
  }

  #queuedFrames(): number {
    if (this.queuedBytes === 0) return 0;
    return this.#backlog.framesFrom(Math.max(this.#cursor.offset, this.#boundedFrom));
  }

  /** Counts the frames that wait into the metrics. */
  #count(): void {
    const frames = this.#queuedFrames();
    if (frames !== this.#countedFrames) this.#options.metrics.queueChanged(frames - this.#countedFrames);
    this.#countedFrames = frames;
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed) {
      const inserted = this.#inserted.at(0);
      if (inserted !== undefined && inserted.behind <= this.#cursor.offset) {
        this.#inserted.shift();
        this.#insertedBytes -= inserted.bytes.length;
        this.#sendInserted(inserted);
        continue;
      }
      const piece = this.#cursor.next(inserted?.behind);
      if (piece !== undefined) this.#isBlocked = !this.#connection.write(piece);
      else if (inserted === undefined) break;
    }
    if (this.#isClosed || this.#cursor.offset < this.#boundedFrom) return;
    const onCaughtUp = this.#onCaughtUp;
    this.#onCaughtUp = undefined;
    onCaughtUp?.();
    if (this.#cursor.lackingBytes > 0 || this.#inserted.length > 0) return;
    const onEmpty = this.#onEmpty;
    this.#onEmpty = undefined;
    onEmpty?.();
  }

  #clearInserted(): void {
    this.#inserted.clear();
    this.#insertedBytes = 0;
  }

  #sendInserted({ bytes, onTaken }: Inserted): void {
    this.#isBlocked = !this.#connection.write(bytes);
    if (onTaken === undefined) return;
    if (this.#isBlocked) this.#untaken.push(onTaken);
    else onTaken();
  }
}

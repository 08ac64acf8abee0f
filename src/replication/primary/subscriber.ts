/**
 * One replica's queue of a primary's live frames (docs/protocol.md, "Subscribers"). It writes straight to the
 * connection while that takes the bytes, queues within bounds when it does not, and is cut off past them: the
 * replica reconnects and catches up, and no writer ever waits for it.
 */
import assert from 'node:assert';
import type { Connection } from '../../transport/connection.js';
import type { ReplicationMetrics } from '../metrics.js';
import { Ring } from '../stream/ring.js';
import type { FrameSubscriber } from '../stream/stream.js';

/** The bounds of the queue, and what is called at its end. */
export interface SubscriberOptions {
  /** A queue that would pass either is the end of the subscription. */
  maxQueueFrames: number;
  maxQueueBytes: number;
  metrics: ReplicationMetrics;
  /** The replica's watermarks once it has been sent what `start` sends. */
  watermarks: bigint[];
  /**
   * Called once, when the queue overflowed or the stream was interrupted. `reason` is in words, `limitFlag`
   * the flag that sets the limit which was passed. The connection must not be written to after it.
   */
  cutOff(reason: string, limitFlag?: string): void;
}

interface Waiting {
  bytes: Buffer;
  /** The batch's shard; `NO_BATCH` when the frame is part of a bootstrap. */
  shard: number;
  lastSequence: bigint;
  onTaken: (() => void) | undefined;
}

const NO_BATCH = -1;

/**
 * Hands frames to one connection, in the order in which they came: what `start` gives, then what was queued
 * until then, then what is offered as it comes. While the connection is full all of it waits. Batches of the
 * stream that wait count against the bounds; what `start` gives shares the backlog's memory, and frames of a
 * bootstrap are few, so that these do not.
 */
export class Subscriber implements FrameSubscriber {
  readonly #connection: Connection;
  readonly #options: SubscriberOptions;
  readonly #queue = new Ring<Waiting>();
  /** The frames in the queue that count against its bounds; the bytes below are theirs. */
  #queuedFrames = 0;
  #queuedBytes = 0;
  /** What is sent before the queue. */
  #catchUp: readonly Buffer[] = [];
  #catchUpSent = 0;
  #onCaughtUp: (() => void) | undefined;
  /** The `onTaken` of each frame that was written while the connection was full. */
  #untaken: (() => void)[] = [];
  /** False until `start`: all is queued until then. */
  #isStarted = false;
  /** True while the connection is full. */
  #isBlocked = false;
  #isClosed = false;

  constructor(connection: Connection, options: SubscriberOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** How many batches wait. */
  get queuedFrames(): number {
    return this.#queuedFrames;
  }

  /** How many bytes of batches wait. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * The highest sequence of each shard that has been written to the connection; meaningful from `onCaughtUp`
   * on.
   */
  get watermarks(): readonly bigint[] {
    return this.#options.watermarks;
  }

  /** Sends a batch of the stream, or queues it; past the bounds it calls `cutOff`. */
  offer(bytes: Buffer, shard: number, lastSequence: bigint): void {
    if (this.#isClosed) return;
    if (this.#isStarted && !this.#isBlocked) {
      this.#send(bytes, shard, lastSequence);
      return;
    }
    const { maxQueueFrames, maxQueueBytes, metrics } = this.#options;
    if (this.#queuedFrames >= maxQueueFrames || this.#queuedBytes + bytes.length > maxQueueBytes) {
      metrics.cutOff();
      const flag = this.#queuedFrames >= maxQueueFrames ? '--subscriber-queue' : '--subscriber-bytes';
      this.#cutOff(this.#overflow(bytes), flag);
      return;
    }
    this.#enqueue({ bytes, shard, lastSequence, onTaken: undefined });
  }

  send(): void {
    if (!this.#isClosed) this.#connection.flush();
  }

  /**
   * Sends a frame of a bootstrap behind all that was offered. It does not count against the bounds: the
   * caller sees to it that few wait. `onTaken` is called when the connection has room again behind it,
   * perhaps at once.
   */
  insert(bytes: Buffer, onTaken?: () => void): void {
    if (this.#isClosed) return;
    const waiting = { bytes, shard: NO_BATCH, lastSequence: 0n, onTaken };
    if (this.#isStarted && !this.#isBlocked) this.#sendWaiting(waiting);
    else this.#enqueue(waiting);
  }

  /** Ends the subscription, because the stream does not continue: calls `cutOff`. */
  interrupt(reason: string): void {
    this.#cutOff(reason);
  }

  /**
   * Sends `catchUp`, calls `onCaughtUp`, then sends what was queued and all that follows, as the connection
   * drains.
   */
  start(catchUp: readonly Buffer[], onCaughtUp: () => void): void {
    if (this.#isClosed) return;
    this.#catchUp = catchUp;
    this.#onCaughtUp = onCaughtUp;
    this.#isStarted = true;
    this.#pump();
  }

  /** Called when the connection has room again. */
  drained(): void {
    this.#isBlocked = false;
    const untaken = this.#untaken;
    this.#untaken = [];
    for (const onTaken of untaken) onTaken();
    if (this.#isStarted) this.#pump();
  }

  /** Sends nothing more and frees the queue at once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.metrics.queueChanged(-this.#queuedFrames);
    this.#queue.clear();
    this.#queuedFrames = 0;
    this.#queuedBytes = 0;
    this.#catchUp = [];
    this.#untaken = [];
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    this.#queue.invariants();
    const { maxQueueFrames, maxQueueBytes } = this.#options;
    let [frames, bytes] = [0, 0];
    for (let index = 0; index < this.#queue.length; index += 1) {
      const waiting = this.#queue.at(index);
      if (waiting === undefined || waiting.shard === NO_BATCH) continue;
      frames += 1;
      bytes += waiting.bytes.length;
    }
    assert.deepEqual([this.#queuedFrames, this.#queuedBytes], [frames, bytes], 'what waits is counted');
    assert(frames <= maxQueueFrames && bytes <= maxQueueBytes, 'a queue keeps to its bounds');
    assert(this.#isBlocked || this.#untaken.length === 0, 'frames are untaken while the connection is full');
    assert(this.#catchUpSent <= this.#catchUp.length);
    const isWaiting = this.#queue.length > 0 || this.#catchUp.length > 0;
    assert(!isWaiting || !this.#isStarted || this.#isBlocked, 'nothing waits while there is room');
    assert(!isWaiting || !this.#isClosed, 'a closed queue is empty');
  }

  #enqueue(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#count(waiting, 1);
  }

  /** Names the bound that the next frame would pass, in words. */
  #overflow(next: Buffer): string {
    const { maxQueueFrames, maxQueueBytes } = this.#options;
    const waiting = `${this.#queuedFrames} frames (${this.#queuedBytes} bytes) wait for it`;
    return this.#queuedFrames >= maxQueueFrames
      ? `${waiting}, and the subscriber queue is limited to ${maxQueueFrames} frames`
      : `${waiting}, and with the next ${next.length} ` +
          `the subscriber queue passes its limit of ${maxQueueBytes} bytes`;
  }

  #count({ bytes, shard }: Waiting, change: 1 | -1): void {
    if (shard === NO_BATCH) return;
    this.#options.metrics.queueChanged(change);
    this.#queuedFrames += change;
    this.#queuedBytes += change * bytes.length;
  }

  #cutOff(reason: string, limitFlag?: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.cutOff(reason, limitFlag);
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed && this.#catchUpSent < this.#catchUp.length) {
      const run = this.#catchUp[this.#catchUpSent];
      this.#catchUpSent += 1;
      if (run !== undefined) this.#isBlocked = !this.#connection.write(run);
    }
    if (this.#isClosed || this.#catchUpSent < this.#catchUp.length) return;
    this.#finishCatchUp();
    while (!this.#isBlocked && !this.#isClosed) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#count(next, -1);
      this.#sendWaiting(next);
    }
  }

  #finishCatchUp(): void {
    const onCaughtUp = this.#onCaughtUp;
    this.#onCaughtUp = undefined;
    this.#catchUp = [];
    this.#catchUpSent = 0;
    onCaughtUp?.();
  }

  #sendWaiting({ bytes, shard, lastSequence, onTaken }: Waiting): void {
    if (shard === NO_BATCH) this.#isBlocked = !this.#connection.write(bytes);
    else this.#send(bytes, shard, lastSequence);
    if (onTaken === undefined) return;
    if (this.#isBlocked) this.#untaken.push(onTaken);
    else onTaken();
  }

  #send(bytes: Buffer, shard: number, lastSequence: bigint): void {
    this.#options.watermarks[shard] = lastSequence;
    this.#isBlocked = !this.#connection.write(bytes);
  }
}

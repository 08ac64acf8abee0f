/**
 * One replica's place in the stream of a primary (fcrp-v1.md, "Primary": Subscribers). It writes straight to the
 * connection while that takes the bytes, queues within bounds when it does not, and is cut off past them: the
 * replica reconnects and catches up, and no writer ever waits for it.
 */
import type { Connection } from '../../transport/connection.js';
import type { ReplicationMetrics } from '../metrics.js';
import { Ring } from '../stream/ring.js';
import type { FrameSubscriber } from '../stream/stream.js';

export interface SubscriberOptions {
  /** A queue that would pass either is the end of the subscription. */
  maxQueueFrames: number;
  maxQueueBytes: number;
  metrics: ReplicationMetrics;
  /** Where the replica stands when it has been given what `start` says. */
  watermarks: bigint[];
  /**
   * Called once, when the queue overflowed or the stream was interrupted, with the reason in words, and the flag that sets the
   * limit which was passed; the connection must not be written to after it.
   */
  cutOff(reason: string, limitFlag?: string): void;
}

interface Waiting {
  frame: Buffer;
  /** `NO_BATCH`: the frame is part of a bootstrap. */
  shard: number;
  maxSequence: bigint;
  onTaken: (() => void) | undefined;
}

const NO_BATCH = -1;

export class Subscriber implements FrameSubscriber {
  readonly #connection: Connection;
  readonly #options: SubscriberOptions;
  readonly #queue = new Ring<Waiting>();
  /** Of the queue, what counts against its bounds: batches. */
  #queuedFrames = 0;
  #queuedBytes = 0;
  /** What goes out before the queue; bounded by the backlog that it is from, whose memory it shares. */
  #catchUp: readonly Buffer[] = [];
  #catchUpSent = 0;
  #onCaughtUp: (() => void) | undefined;
  /** Of frames that were written to a connection that was full then. */
  #untaken: (() => void)[] = [];
  /** Frames are held back until `start`. */
  #started = false;
  #blocked = false;
  #closed = false;

  constructor(connection: Connection, options: SubscriberOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  get queuedFrames(): number {
    return this.#queuedFrames;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** What has been handed to the connection, a shard; meaningful from `onCaughtUp` on. */
  get watermarks(): readonly bigint[] {
    return this.#options.watermarks;
  }

  offer(frame: Buffer, shard: number, maxSequence: bigint): void {
    if (this.#closed) return;
    if (this.#started && !this.#blocked) {
      this.#send(frame, shard, maxSequence);
      return;
    }
    const { maxQueueFrames, maxQueueBytes, metrics } = this.#options;
    if (this.#queuedFrames >= maxQueueFrames || this.#queuedBytes + frame.length > maxQueueBytes) {
      metrics.cutOff();
      const flag = this.#queuedFrames >= maxQueueFrames ? '--subscriber-queue' : '--subscriber-bytes';
      this.#cutOff(this.#overflow(frame), flag);
      return;
    }
    this.#enqueue({ frame, shard, maxSequence, onTaken: undefined });
  }

  /**
   * Sends a frame of a bootstrap behind all that was offered. It does not count against the bounds: whoever inserts sees to it
   * that few wait. `onTaken` is called when the connection has room again behind it, perhaps at once.
   */
  insert(frame: Buffer, onTaken?: () => void): void {
    if (this.#closed) return;
    const waiting = { frame, shard: NO_BATCH, maxSequence: 0n, onTaken };
    if (this.#started && !this.#blocked) this.#sendWaiting(waiting);
    else this.#enqueue(waiting);
  }

  interrupt(reason: string): void {
    this.#cutOff(reason);
  }

  /** Sends `catchUp`, calls `onCaughtUp`, then sends what was held back and all that follows, as the connection drains. */
  start(catchUp: readonly Buffer[], onCaughtUp: () => void): void {
    this.#catchUp = catchUp;
    this.#onCaughtUp = onCaughtUp;
    this.#started = true;
    this.#pump();
  }

  /** The connection has room again. */
  drained(): void {
    this.#blocked = false;
    const untaken = this.#untaken;
    this.#untaken = [];
    for (const onTaken of untaken) onTaken();
    if (this.#started) this.#pump();
  }

  /** Frees the queue at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.metrics.queueChanged(-this.#queuedFrames);
    this.#queue.clear();
    this.#queuedFrames = 0;
    this.#queuedBytes = 0;
    this.#catchUp = [];
    this.#untaken = [];
  }

  #enqueue(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#count(waiting, 1);
  }

  /** Which of the bounds `frame` would pass. */
  #overflow(frame: Buffer): string {
    const { maxQueueFrames, maxQueueBytes } = this.#options;
    const waiting = `${this.#queuedFrames} frames (${this.#queuedBytes} bytes) wait for it`;
    return this.#queuedFrames >= maxQueueFrames
      ? `${waiting}, and the subscriber queue is limited to ${maxQueueFrames} frames`
      : `${waiting}, and with the next ${frame.length} the subscriber queue passes its limit of ${maxQueueBytes} bytes`;
  }

  #count({ frame, shard }: Waiting, change: 1 | -1): void {
    if (shard === NO_BATCH) return;
    this.#options.metrics.queueChanged(change);
    this.#queuedFrames += change;
    this.#queuedBytes += change * frame.length;
  }

  #cutOff(reason: string, limitFlag?: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.cutOff(reason, limitFlag);
  }

  #pump(): void {
    while (!this.#blocked && !this.#closed && this.#catchUpSent < this.#catchUp.length) {
      const frame = this.#catchUp[this.#catchUpSent];
      this.#catchUpSent += 1;
      if (frame !== undefined) this.#blocked = !this.#connection.write(frame);
    }
    if (this.#closed || this.#catchUpSent < this.#catchUp.length) return;
    this.#finishCatchUp();
    while (!this.#blocked && !this.#closed) {
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

  #sendWaiting({ frame, shard, maxSequence, onTaken }: Waiting): void {
    if (shard === NO_BATCH) this.#blocked = !this.#connection.write(frame);
    else this.#send(frame, shard, maxSequence);
    if (onTaken === undefined) return;
    if (this.#blocked) this.#untaken.push(onTaken);
    else onTaken();
  }

  #send(frame: Buffer, shard: number, maxSequence: bigint): void {
    this.#options.watermarks[shard] = maxSequence;
    this.#blocked = !this.#connection.write(frame);
  }
}

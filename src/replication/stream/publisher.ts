/**
 * Makes frames of a primary's batches (docs/architecture.md, "The corridor" and "Flushing"; docs/protocol.md,
 * "Export").
 */
import assert from 'node:assert';
import type { Clock, Timer, Timers } from '../../clock.js';
import type { OpenBatch, ReplicatedStore } from '../../engine/types.js';
import { firstTimestampMs } from '../../frame/batch.js';
import { type EncodeOptions, encodeCompressedFrame, writePlainHeader } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { FRAME_HEADER_BYTES } from '../../limits.js';
import type { History } from '../history.js';
import type { Log } from '../log.js';
import type { ReplicationMetrics } from '../metrics.js';
import { Backlog } from './backlog.js';
import type { FrameStream } from './stream.js';

/** The policy by which gathered records leave, besides when a batch is full (`Publisher` has the three). */
export type SendPolicy = 'adaptive' | 'batch' | 'immediate';

/** The store that is published, the encoding, and the backlog. */
export interface PublisherOptions {
  /** The store, whose watermarks must be those at which the history begins. */
  store: ReplicatedStore;
  history: History;
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  log: Log;
  sendPolicy: SendPolicy;
  /** The age at which a record leaves with the policy `batch`. */
  batchMaxDelayUs: number;
  /** The id of this process (path.ts). */
  nodeId: string;
  /** Bytes of frames kept for all shards together. */
  backlogBytes: number;
  /** The frames that are kept already of the history that this one continues, at the store's watermarks. */
  backlog?: Backlog | undefined;
  /** The encoding of MutationBatch and SnapshotChunk frames. */
  encoding: EncodeOptions;
  /** Has the end of a turn wait, whose `endTurn` is called then; returns false when it is to end now. */
  putsOff?: (endTurn: () => void) => boolean;
}

/**
 * Seals each batch of a store once, into the backlog, and has its readers take what a turn of the event loop
 * has brought at the end of that. Nothing in it throws at the writer or waits for a replica. Three policies
 * say when records leave that have not filled a batch:
 *
 * - `adaptive`: at the end of the event-loop turn in which the first was written, before clients are
 * answered (`endTurn`): a write that comes alone leaves at once, and those of a busy turn leave together.
 * - `batch`: when the first is `batchMaxDelayUs` old, be its client answered before.
 * - `immediate`: none waits, for the store seals every record.
 */
export class Publisher implements FrameStream {
  readonly store: ReplicatedStore;
  readonly history: History;
  readonly path: readonly string[];
  readonly backlog: Backlog;
  readonly #options: PublisherOptions;
  readonly #metrics: ReplicationMetrics;
  /** The header of each frame, which the backlog copies. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #timer: Timer | undefined;
  #isTurnPlanned = false;
  readonly #endOfTurn = () => {
    if (this.#options.putsOff?.(this.#endOfTurn) !== true) this.#deliverTurn();
  };
  #isClosed = false;

  /** Publishes what `options.store` seals from now on, until `close`. */
  constructor(options: PublisherOptions) {
    const { store, metrics, backlogBytes, backlog } = options;
    this.#options = options;
    this.store = store;
    this.history = options.history;
    this.path = [options.nodeId];
    this.#metrics = metrics;
    this.backlog =
      backlog ??
      new Backlog({
        shards: store.shards,
        maxBytes: backlogBytes,
        base: store.watermarks(),
      });
    store.onBatch = (batch) => this.#publish(batch);
    store.onDirty = () => this.#planFlush();
  }

  /** Returns the highest sequence published of each shard. */
  watermarks(): bigint[] {
    return this.backlog.watermarks();
  }

  /** Publishes all that waits, whatever its age. */
  flush(): void {
    this.store.flush();
  }

  /**
   * Sends what was written in this turn; called before clients are answered, so that no write is acknowledged
   * that replicas are not being sent. With the policy `batch` only full batches are.
   */
  endTurn(): void {
    if (this.#isClosed) return;
    this.#deliverTurn();
    this.backlog.send();
  }

  /** Publishes what waits, and nothing after it. With a `reason` all readers are interrupted. */
  close(reason?: string): void {
    if (this.#isClosed) return;
    this.flush();
    this.backlog.deliver();
    this.#isClosed = true;
    this.#timer?.cancel();
    this.store.onBatch = () => {};
    this.store.onDirty = () => {};
    if (reason !== undefined) this.backlog.interrupt(reason);
  }

  /** Throws when something does not hold that always should until `close`. */
  invariants(): void {
    if (this.#isClosed) return;
    this.backlog.invariants();
    for (const [shard, watermark] of this.watermarks().entries()) {
      assert(watermark <= this.store.watermark(shard), 'nothing is published that was not written');
    }
  }

  #publish(batch: OpenBatch): void {
    const { shard, records, maxSequence } = batch;
    if (records === 0) return;
    const { shards } = this.store;
    if (shard >= shards) {
      this.#metrics.drops += 1;
      this.#options.log.warn(`dropped a batch for shard ${shard}: there are ${shards} shards`);
      return;
    }
    const { clock, encoding, log } = this.#options;
    const startedUs = clock.monotonicUs();
    const timeMs = firstTimestampMs(batch.payload);
    try {
      const frameBytes = this.#seal(batch, encoding, timeMs);
      const elapsedNs = Math.round((clock.monotonicUs() - startedUs) * 1000);
      this.#metrics.batchSent(records, batch.payload.length, frameBytes, elapsedNs);
    } catch (error) {
      this.#metrics.drops += 1;
      log.error(`a batch of ${records} records could not be sealed: ${String(error)}`);
      this.backlog.skipTo(shard, maxSequence);
      this.backlog.interrupt('a frame of its stream was lost');
      return;
    }
    this.#planTurn();
  }

  /** Makes the frame of a batch, in the backlog, and returns its bytes. Throws what sealing throws. */
  #seal(
    { shard, payload, minSequence, maxSequence }: OpenBatch,
    encoding: EncodeOptions,
    timeMs: number,
  ): number {
    if (encoding.compression === 'zstd') {
      const frame = encodeCompressedFrame(FrameKind.MutationBatch, payload, encoding);
      this.backlog.push(shard, frame, minSequence, maxSequence, timeMs);
      return frame.length;
    }
    writePlainHeader(this.#header, FrameKind.MutationBatch, payload.length, encoding);
    this.backlog.push(shard, this.#header, minSequence, maxSequence, timeMs, payload);
    return FRAME_HEADER_BYTES + payload.length;
  }

  #planFlush(): void {
    switch (this.#options.sendPolicy) {
      case 'adaptive':
        this.#planTurn();
        return;
      case 'batch':
        this.#timer ??= this.#armFlushDue(this.#options.batchMaxDelayUs);
        return;
      case 'immediate':
        return;
    }
  }

  /** Plans the end of the turn, for writes that no client of this process makes: nobody is answered then. */
  #planTurn(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#options.timers.endOfTurn(this.#endOfTurn);
  }

  #deliverTurn(): void {
    if (!this.#isTurnPlanned) return;
    if (!this.#isClosed && this.#options.sendPolicy === 'adaptive') this.flush();
    this.#isTurnPlanned = false;
    if (!this.#isClosed) this.backlog.deliver();
  }

  /** Arms a flush after the delay; timers count whole milliseconds, so a shorter one is rounded up to one. */
  #armFlushDue(delayUs: number): Timer {
    return this.#options.timers.after(Math.max(1, Math.ceil(delayUs / 1000)), () => this.#flushDue());
  }

  #flushDue(): void {
    this.#timer = undefined;
    const nextUs = this.store.flushDue(this.#options.batchMaxDelayUs);
    if (nextUs >= 0) this.#timer ??= this.#armFlushDue(nextUs);
    // This runs when nothing waits: it publishes nothing, and behind it the store reports the next record.
    else this.flush();
  }
}

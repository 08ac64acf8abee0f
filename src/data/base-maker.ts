/**
 * Makes a base while all goes on: the file is one more passenger of the carousel, and gets what a replica is
 * sent that is given a snapshot (docs/architecture.md, "Bootstrap").
 */
import type { Timers } from '../clock.js';
import { encodeFrame } from '../frame/frame.js';
import { encodeHelloFrame } from '../frame/hello.js';
import { FrameKind } from '../frame/kinds.js';
import { encodeWatermarks } from '../frame/watermarks.js';
import { ReplicationMetrics } from '../replication/metrics.js';
import type { Carousel, Joiner } from '../replication/primary/carousel.js';
import { Subscriber } from '../replication/primary/subscriber.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { DumpFile } from './dump-file.js';
import { DumpSink } from './dump-sink.js';
import { markedPairs } from './segment-proofs.js';

/** The options of a base. */
export interface BaseOptions {
  readonly stream: FrameStream;
  readonly carousel: Carousel;
  readonly file: DumpFile;
  readonly timers: Timers;
}

/**
 * Why a base was given up: the stream that it was made of has ended, or is not there. No fault of the disk.
 */
export class GivenUp extends Error {}

/** One base, from its making until it is whole, or given up. */
export class BaseMaker {
  readonly #options: BaseOptions;
  readonly #sink: DumpSink;
  readonly #subscriber: Subscriber;
  readonly #joiner: Joiner;
  readonly #ended: Promise<void>;
  #end: (error?: Error) => void = () => {};

  /** Joins the carousel at once. */
  constructor(options: BaseOptions) {
    this.#options = options;
    const { stream, carousel, file, timers } = options;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
    });
    // A caller that waits for the end gets the error; nobody may wait yet when it fails.
    this.#ended.catch(() => {});
    this.#sink = new DumpSink(file, timers, (error) => this.giveUp(error));
    this.#subscriber = new Subscriber(this.#sink, stream.backlog, {
      maxQueueFrames: Number.POSITIVE_INFINITY,
      maxQueueBytes: Number.POSITIVE_INFINITY,
      metrics: new ReplicationMetrics(),
      overflowed() {},
      interrupted: (reason) => this.giveUp(new GivenUp(reason)),
    });
    this.#sink.handlers.onDrain = () => this.#subscriber.drained();
    this.#joiner = {
      // Behind a Rust primary keys expire that no frame deletes.
      hasProofBehind: stream.history.isRust !== true,
      insert: (frame, onTaken) => this.#subscriber.insert(frame, onTaken),
      finished: () => {
        this.#subscriber.close();
        this.#sink.written().then(() => this.#end(), this.#end);
      },
      cutOff: (reason) => this.giveUp(new Error(reason)),
    };
    const { history } = stream;
    const watermarks = stream.watermarks();
    const margin = new Map(markedPairs(history, stream.store.routing, false));
    this.#sink.write(encodeHelloFrame({ role: 'replica', watermarks }, { margin }));
    this.#subscriber.insert(encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks)));
    this.#subscriber.start(() => {});
    carousel.join(this.#joiner);
  }

  /** Resolves when all of it is written, and not synced yet. Rejects with what it was given up for. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Leaves the carousel, wherever it is. */
  giveUp(error: Error): void {
    this.#options.carousel.leave(this.#joiner);
    this.#subscriber.close();
    this.#sink.destroy();
    this.#end(error);
  }
}

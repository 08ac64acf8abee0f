/**
 * The classic bootstrap of one replica, a Rust one (docs/protocol.md, "Conversation", 3; carousel.ts has that
 * of fastcache's replicas): SnapshotBegin, chunks, SnapshotEnd, one step of the scan a turn and none while
 * the connection is full, so that writers continue.
 *
 * All of it carries the watermarks W of the moment when it began. Records that were written after W are held
 * back and follow as frames. To apply them again to entries that show them already does no harm.
 */
import type { Timers } from '../../clock.js';
import type { SnapshotScan } from '../../engine/types.js';
import { type EncodeOptions, encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeSnapshotChunk } from '../../frame/snapshot.js';
import { encodeWatermarks } from '../../frame/watermarks.js';
import type { Connection } from '../../transport/connection.js';
import type { FrameStream } from '../stream/stream.js';

/** The options of a sender: the content, the connection, and the functions that are called at the end. */
export interface SnapshotSenderOptions {
  connection: Connection;
  stream: FrameStream;
  timers: Timers;
  /** The watermarks W, at which the replica's held-back frames begin. */
  watermarks: readonly bigint[];
  chunkBytes: number;
  encoding: EncodeOptions;
  /** Called when SnapshotEnd is written; live frames may follow. */
  onSent(): void;
  /** Called when the scan failed; nothing more is sent. */
  onFault(error: unknown): void;
}

/** Sends one snapshot: `start` once, `drained` whenever the connection has room, `close` to give up. */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #scan: SnapshotScan;
  #chunkIndex = 0n;
  #waitsForDrain = false;
  #isClosed = false;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
    this.#scan = options.stream.store.scan();
  }

  /** How much of it has been made, 0 to 1. */
  get share(): number {
    return this.#scan.share;
  }

  /** Sends SnapshotBegin, and the rest in turns of their own. */
  start(): void {
    const { connection, watermarks } = this.#options;
    this.#next(connection.write(encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks))));
  }

  /** Called when the connection has room again. */
  drained(): void {
    if (!this.#waitsForDrain) return;
    this.#waitsForDrain = false;
    this.#next(true);
  }

  /**
   * Sends nothing more. May be called while the store hands out a batch: the scan, which is the store's, is
   * closed in a turn of its own.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.timers.endOfTurn(() => this.#scan.close());
  }

  #next(hasRoom: boolean): void {
    if (!hasRoom) this.#waitsForDrain = true;
    else this.#options.timers.endOfTurn(() => this.#step());
  }

  #step(): void {
    if (this.#isClosed) return;
    try {
      this.#sendChunk();
    } catch (error) {
      this.close();
      this.#options.onFault(error);
    }
  }

  #sendChunk(): void {
    const { connection, watermarks, chunkBytes, encoding, onSent } = this.#options;
    const { entries, entryCount, done } = this.#scan.next(chunkBytes);
    const chunkIndex = this.#chunkIndex;
    this.#chunkIndex += 1n;
    const payload = encodeSnapshotChunk({ chunkIndex, last: done, watermarks, entryCount, entries });
    const hasRoom = connection.write(encodeFrame(FrameKind.SnapshotChunk, payload, encoding));
    if (!done) {
      this.#next(hasRoom);
      return;
    }
    connection.write(encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(watermarks)));
    this.close();
    onSent();
  }
}

/**
 * A node that is recorded, with a map for its content: it writes, is promoted, begins with other content, is
 * given snapshots, and follows one that was promoted while it lags behind. Its recorder writes a dump, and
 * its content is the oracle.
 */
import { xxh3 } from '@node-rs/xxhash';
import type { FrameSink } from '../../src/files/frame-sink.js';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { type History, newHistory, placeIn, type SequenceBase } from '../../src/replication/history.js';
import { Recorder } from '../../src/replication/outputs/recorder.js';
import { promotedHistory } from '../../src/replication/relay/promotion.js';
import { shardOfHash } from './dump-builder.js';

const KEYS = Array.from({ length: 5_000 }, (_, index) => Buffer.from(`key:${index}`));
const START_MS = 1_760_000_000_000;

export class RecordedNode {
  readonly content = new Map<string, string>();
  readonly #frames: Buffer[] = [];
  readonly #recorder: Recorder;
  readonly #keys: Buffer[][];
  readonly #sequenceBase: SequenceBase;
  readonly #isRust: boolean;
  #history: History | undefined;
  #watermarks: bigint[];
  #nowMs = START_MS;
  #randoms = 1;
  #writes = 0;
  #lastBatch: Buffer | undefined;
  /** Frames of the history before, of shards that lag behind its end. */
  #lagging: { shard: number; frame: Buffer; last: bigint; apply(): void }[] = [];

  /** `isRust`: of a primary that names no history and counts from 1. */
  constructor(shards: number, sequenceBase: SequenceBase, isRust: boolean) {
    this.#sequenceBase = sequenceBase;
    this.#isRust = isRust;
    const sink: FrameSink = {
      handlers: { onDrain() {}, onFault() {} },
      unwrittenBytes: 0,
      begin() {},
      write: (bytes) => this.#frames.push(Buffer.from(bytes)) > 0,
      sync: async () => {},
      digest: () => '',
      end: async () => {},
    };
    this.#recorder = new Recorder({ sink, maxQueuedBytes: 0, onFault() {} });
    this.#recorder.begin();
    this.#keys = Array.from({ length: shards }, () => []);
    for (const key of KEYS) this.#keys[shardOfHash(xxh3.xxh64(key), shards)]!.push(key);
    this.#watermarks = new Array(shards).fill(0n);
    this.begin();
  }

  get shards(): number {
    return this.#watermarks.length;
  }

  get watermarks(): bigint[] {
    return this.#watermarks.slice();
  }

  get history(): History | undefined {
    return this.#history;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#frames);
  }

  /** A primary starts, with nothing. */
  begin(): void {
    this.#pass();
    this.content.clear();
    this.#lastBatch = undefined;
    this.#lagging = [];
    this.#history = this.#isRust ? undefined : newHistory(this.#seams, this.#sequenceBase);
    this.#watermarks.fill(this.#history?.base ?? 0n);
    this.#recorder.follow({ history: this.#history, watermarks: this.#watermarks, content: 'new' });
  }

  write(shard: number, count: number): void {
    if (this.#lagging.some((lag) => lag.shard === shard)) this.catchUp();
    const { frame, last, apply } = this.#batch(shard, count, this.#watermarks[shard]!);
    this.#offer(frame);
    this.#watermarks[shard] = last;
    apply();
  }

  /** A frame comes twice. */
  repeat(): void {
    if (this.#lastBatch !== undefined) this.#offer(this.#lastBatch);
  }

  promote(): void {
    this.catchUp();
    this.#pass();
    this.#history = promotedHistory(this.#seams, this.#history, this.watermarks);
    this.#watermarks.fill(this.#history.base);
    this.#recorder.follow({ history: this.#history, watermarks: this.#watermarks, content: 'promoted' });
  }

  /**
   * The node that it follows is promoted while `shard` lags `count` records behind; the last of these come
   * later.
   */
  followPromoted(shard: number, count: number): void {
    if (this.#history === undefined) {
      this.promote();
      return;
    }
    this.catchUp();
    const ends = this.watermarks;
    const lag = this.#batch(shard, count, ends[shard]!);
    ends[shard] = lag.last;
    this.#pass();
    const history = promotedHistory(this.#seams, this.#history, ends);
    const place = placeIn(history, this.#history.id, this.#watermarks);
    if (place === undefined) {
      // Still numbered in a history before: it is given a snapshot.
      this.promote();
      return;
    }
    this.#lagging = [{ shard, ...lag }];
    this.#history = history;
    this.#watermarks = place;
    this.#recorder.follow({ history, watermarks: place, content: 'held' });
  }

  /** The lagging records come, and their shards cross over to the history that goes on. */
  catchUp(): void {
    for (const { shard, frame, apply } of this.#lagging.splice(0)) {
      this.#offer(frame);
      apply();
      this.#watermarks[shard] = this.#history!.base;
    }
  }

  /**
   * `abandoned`: its connection is lost, and what was held goes on; else it is whole, with writes between its
   * chunks.
   */
  snapshot(abandoned: boolean, writes: readonly number[]): void {
    this.catchUp();
    this.#recorder.follow({ history: this.#history, watermarks: this.#watermarks, content: 'new' });
    this.#offer(encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(this.#watermarks)));
    const entries = [...this.content].map(([key, value]) => ({
      key: Buffer.from(key),
      value: Buffer.from(value),
      expireAtMs: null,
    }));
    if (abandoned) {
      this.#chunk(7n, false, entries.slice(0, 1));
      this.#recorder.follow({ history: this.#history, watermarks: this.#watermarks, content: 'held' });
      // No connection begins with what came on another.
      this.#lastBatch = undefined;
      return;
    }
    this.#chunk(7n, false, entries);
    for (const shard of writes) this.write(shard % this.shards, 2);
    this.#chunk(8n, true, []);
    this.#offer(encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(this.#watermarks)));
  }

  get #seams() {
    return {
      clock: { nowMs: () => this.#nowMs, monotonicUs: () => this.#nowMs * 1000 },
      random: { u32: () => (this.#randoms = (this.#randoms * 1_103_515_245 + 12_345) >>> 0), float: () => 0 },
    };
  }

  #pass(): void {
    this.#nowMs += 60_000;
  }

  #offer(frame: Buffer): void {
    if (frame[5] === FrameKind.MutationBatch) this.#lastBatch = frame;
    this.#recorder.offer(frame);
  }

  #batch(shard: number, count: number, from: bigint) {
    const changes: [string, string | undefined][] = [];
    const records: MutationRecord[] = [];
    for (let index = 1; index <= count; index += 1) {
      const key = this.#keys[shard]![this.#writes++ % Math.min(this.#keys[shard]!.length, 40)]!;
      const op = this.#writes % 7 === 0 ? 'del' : 'set';
      const value = op === 'del' ? '' : `value ${this.#writes}`;
      changes.push([key.toString(), op === 'del' ? undefined : value]);
      records.push({
        shard,
        sequence: from + BigInt(index),
        timestampMs: BigInt(this.#nowMs),
        op,
        keyHash: xxh3.xxh64(key),
        expireAtMs: null,
        key,
        value: Buffer.from(value),
      });
    }
    const apply = () => {
      for (const [key, value] of changes) {
        if (value === undefined) this.content.delete(key);
        else this.content.set(key, value);
      }
    };
    const frame = encodeFrame(FrameKind.MutationBatch, encodeBatch(records));
    return { frame, last: from + BigInt(count), apply };
  }

  #chunk(chunkIndex: bigint, last: boolean, entries: Parameters<typeof encodeSnapshotEntries>[0]): void {
    const payload = encodeSnapshotChunk({
      chunkIndex,
      last,
      watermarks: this.#watermarks,
      entryCount: entries.length,
      entries: encodeSnapshotEntries(entries),
    });
    this.#offer(encodeFrame(FrameKind.SnapshotChunk, payload));
  }
}

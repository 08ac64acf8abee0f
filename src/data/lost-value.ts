/**
 * Finds the last change by which a key lost a value, for an operator who wants it back (docs/operations.md,
 * "Any moment of the past").
 */
import { WatermarkStore } from '../engine/watermark-store.js';
import { type DecodedRecord, decodeBatch } from '../frame/batch.js';
import { openPayload } from '../frame/frame.js';
import { decodeHello } from '../frame/hello.js';
import { FrameKind } from '../frame/kinds.js';
import { decodeSnapshotChunk } from '../frame/snapshot.js';
import type { SplitFrame } from '../frame/splitter.js';
import { decodeWatermarks } from '../frame/watermarks.js';
import { asDamage, CheckedDump } from './checked-dump.js';
import type { DataFiles } from './data-files.js';
import { type BaseEntry, baseName, type Manifest, type SegmentEntry, segmentName } from './manifest.js';
import { chainsOf } from './past-manifest.js';

/** A key, and the value that is looked for; without one any value is meant. */
export interface SoughtValue {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
}

/** The change by which a value was lost, and where it is. */
export interface Loss {
  /** `replaced`: content without it took the place of all that was there. */
  readonly how: 'deleted' | 'overwritten' | 'given an expiry' | 'replaced';
  /** Unix ms of the change; undefined where the files do not say. */
  readonly timeMs: bigint | undefined;
  /** The segment in which the change is, or the last one before it. */
  readonly segment: number;
  /** The watermarks right before it. */
  readonly watermarks: readonly bigint[];
}

/** The value of the key at a place. */
interface Held {
  readonly value: Buffer;
  readonly expireAtMs: bigint | null;
  /** The change that gave the value the expiry that it was not written with. */
  readonly expiry: Loss | undefined;
}

/**
 * Returns the last change by which the value was lost: it was deleted or overwritten with another one, given
 * an expiry which then came, or was not there any more in content that took the place of all. A value that
 * was written with its expiry is not lost when that comes. Undefined: there was no such change. Throws
 * DATA_DAMAGED and system errors.
 */
export async function findLoss(
  files: DataFiles,
  manifest: Manifest,
  sought: SoughtValue,
  onRead: (name: string, bytes: number) => void,
): Promise<Loss | undefined> {
  const search = new Search(files, sought, onRead);
  for (const chain of chainsOf(manifest.segments)) {
    const [first] = chain;
    const numbers = new Set(chain.map(({ number }) => number));
    const base = manifest.bases.find(({ segment }) => numbers.has(segment));
    const isBegun = first!.follows === 'nothing';
    // A chain without its beginning leads to no content.
    if (isBegun || base !== undefined) await search.chain(chain, isBegun ? undefined : base);
  }
  return search.loss;
}

class Search {
  readonly #files: DataFiles;
  readonly #sought: SoughtValue;
  readonly #onRead: (name: string, bytes: number) => void;
  #held: Held | undefined;
  #loss: Loss | undefined;
  /** Keeps how far each shard is; undefined before the first frame of a chain. */
  #store: WatermarkStore | undefined;
  #segment = 0;

  constructor(files: DataFiles, sought: SoughtValue, onRead: (name: string, bytes: number) => void) {
    this.#files = files;
    this.#sought = sought;
    this.#onRead = onRead;
  }

  get loss(): Loss | undefined {
    return this.#loss;
  }

  /** Goes through a chain, from `base` on where it has no beginning. */
  async chain(segments: readonly SegmentEntry[], base: BaseEntry | undefined): Promise<void> {
    const before = this.#held;
    const end = this.#store?.watermarks();
    this.#held = undefined;
    this.#store = undefined;
    if (base !== undefined) {
      await this.#dump(baseName(base.number), base.bytes, (frame) => this.#takeOfBase(frame));
    }
    if (before !== undefined && end !== undefined) this.#replace(before, end);
    for (const { number, bytes } of segments) {
      if (number < (base?.segment ?? 0)) continue;
      this.#segment = number;
      await this.#dump(segmentName(number), bytes, (frame) => this.#take(frame));
    }
  }

  /** Takes note that what is held now took the place of content with a value of the key. */
  #replace(before: Held, watermarks: readonly bigint[]): void {
    if (isSame(before, this.#held?.value)) return;
    this.#lose(before, { how: 'replaced', timeMs: undefined, segment: this.#segment, watermarks });
  }

  async #dump(name: string, bytes: number | null, take: (frame: SplitFrame) => void): Promise<void> {
    const dump = new CheckedDump(this.#files, { name, bytes });
    try {
      await dump.frames(take, (read) => this.#onRead(name, read));
    } catch (error) {
      throw asDamage(error, this.#files.pathOf(name));
    }
  }

  /** Takes a frame of a base: only the content that it leads to counts. */
  #takeOfBase(frame: SplitFrame): void {
    const { kind } = frame.header;
    if (kind === FrameKind.SnapshotEnd) this.#moveTo(decodeWatermarks(payloadOf(frame)));
    if (kind !== FrameKind.MutationBatch && kind !== FrameKind.SnapshotChunk) return;
    const payload = payloadOf(frame);
    if (!mayHave(payload, this.#sought.key)) return;
    const changes =
      kind === FrameKind.MutationBatch ? decodeBatch(payload).records : decodeSnapshotChunk(payload).entries;
    for (const change of changes) {
      if (!change.key.equals(this.#sought.key)) continue;
      const { value, expireAtMs } = change;
      const op = 'op' in change ? change.op : 'set';
      if (op === 'set') this.#hold(value, expireAtMs);
      else if (op === 'del') this.#held = undefined;
      else if (this.#held !== undefined) this.#held = { ...this.#held, expireAtMs };
    }
  }

  #take(frame: SplitFrame): void {
    const { kind } = frame.header;
    if (kind === FrameKind.Hello)
      this.#moveTo(decodeHello(payloadOf(frame), frame.header.version).watermarks ?? []);
    if (kind !== FrameKind.MutationBatch || this.#store === undefined) return;
    const payload = payloadOf(frame);
    if (mayHave(payload, this.#sought.key)) this.#takeRecords(payload, this.#store.watermarks());
    this.#store.apply(payload);
  }

  #takeRecords(payload: Uint8Array, watermarks: bigint[]): void {
    for (const record of decodeBatch(payload).records) {
      const { shard, sequence, key } = record;
      // A base has it already.
      if (sequence <= (watermarks[shard] ?? 0n)) continue;
      if (key.equals(this.#sought.key)) this.#takeRecord(record, watermarks);
      watermarks[shard] = sequence;
    }
  }

  #takeRecord({ op, value, expireAtMs, timestampMs }: DecodedRecord, watermarks: readonly bigint[]): void {
    const held = this.#held;
    const at = (how: Loss['how']): Loss => {
      return { how, timeMs: timestampMs, segment: this.#segment, watermarks: watermarks.slice() };
    };
    const isOver = held !== undefined && held.expireAtMs !== null && held.expireAtMs <= timestampMs;
    if (isOver && held.expiry !== undefined && (op !== 'set' || !isSame(held, value))) {
      this.#lose(held, held.expiry);
    }
    if (op === 'del') {
      if (held !== undefined && !isOver) this.#lose(held, at('deleted'));
      this.#held = undefined;
    } else if (op === 'expire') {
      const expiry = expireAtMs === null ? undefined : at('given an expiry');
      if (held !== undefined) this.#held = { ...held, expireAtMs, expiry };
    } else {
      if (held !== undefined && !isOver && !isSame(held, value)) this.#lose(held, at('overwritten'));
      this.#hold(value, expireAtMs);
    }
  }

  #hold(value: Buffer, expireAtMs: bigint | null): void {
    // The value lies in memory that is used again.
    this.#held = { value: Buffer.from(value), expireAtMs, expiry: undefined };
  }

  #lose({ value }: Held, loss: Loss): void {
    const { value: sought } = this.#sought;
    if (sought === undefined || value.equals(sought)) this.#loss = loss;
  }

  /** Takes watermarks that a frame names: shards that are further stay where they are. */
  #moveTo(watermarks: ArrayLike<bigint>): void {
    this.#store ??= new WatermarkStore(watermarks.length);
    const own = this.#store.watermarks();
    this.#store.setWatermarks(own.map((at, shard) => (at > watermarks[shard]! ? at : watermarks[shard]!)));
  }
}

function payloadOf({ header, wirePayload }: SplitFrame): Uint8Array {
  return openPayload(header, wirePayload);
}

/** Whether a payload may have records of a key; most have not, and are not decoded. */
function mayHave(payload: Uint8Array, key: Buffer): boolean {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).includes(key);
}

function isSame(held: Held, value: Buffer | undefined): boolean {
  return value !== undefined && held.value.equals(value);
}

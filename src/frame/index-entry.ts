/**
 * The index of a dump (docs/frames.md, "Index"): a header and one entry a frame, each of 64 bytes that end
 * with a check, the lower half of the XXH3-64 of what is before it. The kernel makes entries and checks
 * (frame-index/index-kernel.ts); here is where their fields are.
 *
 *     header: 0 `FCRPIDX` and a zero | 8 version u32 | 12 entry length u32 | 16 first frame's hash u64 |
 *             24 first frame's length u32 | 28 zeros | 60 check u32
 *     entry:  0 offset u64 | 8 length u32 | 12 kind u8 | 13 is-known u8 | 14 zeros | 16 shard u32 |
 *             20 records u32 | 24 least sequence u64 | 32 greatest sequence u64 | 40 earliest time u64 |
 *             48 hash u64 | 56 ms to the latest time u32 | 60 check u32
 */

/** Bytes of an entry, and of the header. */
export const INDEX_ENTRY_BYTES = 64;
const MAGIC = Buffer.from('FCRPIDX\0', 'latin1');
const VERSION = 1;
const NO_SHARD = 0xffff_ffff;
const LARGEST_U32 = 0xffff_ffff;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

/** The dump that an index belongs to, by its first frame. */
export interface IndexedDump {
  /** XXH3-64 of the first frame. */
  hash: bigint;
  /** Bytes of the first frame. */
  bytes: number;
}

/** Returns the path of the index beside a dump. */
export function indexPath(dump: string): string {
  return `${dump}.idx`;
}

/** Encodes a header; its check is left to the kernel. */
export function encodeIndexHeader({ hash, bytes }: IndexedDump): Buffer {
  const header = Buffer.alloc(INDEX_ENTRY_BYTES);
  header.set(MAGIC);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(INDEX_ENTRY_BYTES, 12);
  header.writeBigUInt64LE(hash, 16);
  header.writeUInt32LE(bytes, 24);
  return header;
}

/** Reads a header whose check is right; undefined when it is none of this version. */
export function decodeIndexHeader(header: Buffer): IndexedDump | undefined {
  const isOurs =
    header.length >= INDEX_ENTRY_BYTES &&
    beginsWithHeader(header) &&
    header.readUInt32LE(8) === VERSION &&
    header.readUInt32LE(12) === INDEX_ENTRY_BYTES;
  if (!isOurs) return undefined;
  return { hash: header.readBigUInt64LE(16), bytes: header.readUInt32LE(24) };
}

/** Whether the bytes of an index begin with its header. */
export function beginsWithHeader(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** The entry of a frame in an index. */
export interface IndexEntry {
  /** Offset of the frame's first byte in the dump. */
  offset: number;
  /** Bytes of the frame with its header. */
  bytes: number;
  /** The byte of the frame's kind. */
  kind: number;
  /**
   * The records of a MutationBatch. Undefined for other kinds, and for a batch that could not be looked into:
   * it may have any records.
   */
  records: IndexedRecords | undefined;
  /** XXH3-64 of the frame's bytes. */
  hash: bigint;
}

/** The records of one batch. */
export interface IndexedRecords {
  count: number;
  /** Undefined where there are records of several shards, or none. */
  shard: number | undefined;
  firstSequence: bigint;
  lastSequence: bigint;
  /** The earliest time of a record, Unix ms. */
  earliestMs: bigint;
  /** The latest, which may be too high where it is more than 49 days after the earliest. */
  latestMs: bigint;
}

/** Entries that lie one behind the other, found sound; each field is read in place. */
export class IndexEntries {
  readonly length: number;
  readonly #bytes: Buffer;

  /** `bytes` are whole entries, and must not change. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.length = Math.floor(bytes.length / INDEX_ENTRY_BYTES);
  }

  /** Returns the offset of a frame's first byte. */
  offset(index: number): number {
    const at = index * INDEX_ENTRY_BYTES;
    return this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 2 ** 32;
  }

  /** Returns the length of a frame in bytes. */
  bytes(index: number): number {
    return this.#bytes.readUInt32LE(index * INDEX_ENTRY_BYTES + 8);
  }

  /** Returns the offset behind a frame. */
  end(index: number): number {
    return this.offset(index) + this.bytes(index);
  }

  /** Returns the byte of a frame's kind. */
  kind(index: number): number {
    return this.#bytes[index * INDEX_ENTRY_BYTES + 12]!;
  }

  /** Returns whether the fields of records hold what the frame has. */
  isKnown(index: number): boolean {
    return this.#bytes[index * INDEX_ENTRY_BYTES + 13] === 1;
  }

  /** Returns the shard of a frame's records; undefined: none or several. */
  shard(index: number): number | undefined {
    const shard = this.#bytes.readUInt32LE(index * INDEX_ENTRY_BYTES + 16);
    return shard === NO_SHARD ? undefined : shard;
  }

  /** Returns how many records a frame has. */
  count(index: number): number {
    return this.#bytes.readUInt32LE(index * INDEX_ENTRY_BYTES + 20);
  }

  /** Returns the least sequence of a frame's records. */
  firstSequence(index: number): bigint {
    return this.#bytes.readBigUInt64LE(index * INDEX_ENTRY_BYTES + 24);
  }

  /** Returns the greatest sequence of a frame's records. */
  lastSequence(index: number): bigint {
    return this.#bytes.readBigUInt64LE(index * INDEX_ENTRY_BYTES + 32);
  }

  /** Returns the earliest time of a frame's records, Unix ms. */
  earliestMs(index: number): bigint {
    return this.#bytes.readBigUInt64LE(index * INDEX_ENTRY_BYTES + 40);
  }

  /** Returns the latest time of a frame's records, or a later one. */
  latestMs(index: number): bigint {
    const spanMs = this.#bytes.readUInt32LE(index * INDEX_ENTRY_BYTES + 56);
    return spanMs === LARGEST_U32 ? LARGEST_U64 : this.earliestMs(index) + BigInt(spanMs);
  }

  /** Returns the XXH3-64 of a frame's bytes. */
  hash(index: number): bigint {
    return this.#bytes.readBigUInt64LE(index * INDEX_ENTRY_BYTES + 48);
  }

  /** Returns all that is said of a frame. */
  at(index: number): IndexEntry {
    return {
      offset: this.offset(index),
      bytes: this.bytes(index),
      kind: this.kind(index),
      records: this.#records(index),
      hash: this.hash(index),
    };
  }

  #records(index: number): IndexedRecords | undefined {
    if (!this.isKnown(index)) return undefined;
    return {
      count: this.count(index),
      shard: this.shard(index),
      firstSequence: this.firstSequence(index),
      lastSequence: this.lastSequence(index),
      earliestMs: this.earliestMs(index),
      latestMs: this.latestMs(index),
    };
  }
}

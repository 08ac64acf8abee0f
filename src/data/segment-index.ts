/**
 * The index of a segment of which the manifest does not say where it ends: what its file has, and behind that
 * the entries of the frames that seals prove (docs/data-directory.md, "Seals"). This is the one rule by which
 * frames count that are in no index.
 */
import { beginsWithHeader, INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { indexKernel } from '../frame-index/index-kernel.js';
import { Indexer } from '../frame-index/indexer.js';
import type { DataFile, DataFiles } from './data-files.js';
import { MAX_SEALED_FRAMES, Sealing } from './sealing.js';
import { storedEntries } from './stored-entries.js';

/** Reads one index: `stored` to its end, then `sealed`, or both by `blocks`, once. */
export class SegmentIndex {
  readonly #files: DataFiles;
  readonly #name: string;
  #storedBytes = 0;
  /** The offset in the segment behind the last frame that the file has an entry of. */
  #coveredBytes = 0;
  /** The offset of the last seal that the file has an entry of. */
  #lastSeal = 0;
  #brokenFrom: number | undefined;

  constructor(files: DataFiles, name: string) {
    this.#files = files;
    this.#name = name;
  }

  /** Bytes of the file that are as they were written, once they were read. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /**
   * The offset of the first frame behind which a seal does not fit, once all was read; undefined: there is
   * no such seal.
   */
  get brokenFrom(): number | undefined {
    return this.#brokenFrom;
  }

  /** Yields the bytes of the index, the header and whole entries. Rejects with system errors. */
  async *blocks(): AsyncGenerator<Buffer, void, void> {
    yield* this.stored();
    yield* this.sealed();
  }

  /** Yields the entries of the index. Rejects with system errors. */
  async *entries(): AsyncGenerator<IndexEntries, void, void> {
    for await (const block of this.blocks()) {
      const entries = withoutHeader(block);
      if (entries.length > 0) yield new IndexEntries(entries);
    }
  }

  /** Yields what the file has, as `blocks`. */
  async *stored(): AsyncGenerator<Buffer, void, void> {
    const beginning = await this.#files.read(indexPath(this.#name), INDEX_ENTRY_BYTES);
    const header = beginning?.subarray(0, INDEX_ENTRY_BYTES) ?? Buffer.alloc(0);
    if (!beginsWithHeader(header) || !indexKernel().isSound(header)) return;
    for await (const sound of storedEntries(this.#files, this.#name)) {
      const entries = new IndexEntries(sound);
      this.#coveredBytes = entries.end(entries.length - 1);
      this.#lastSeal = lastSealIn(entries) ?? this.#lastSeal;
      const block = this.#storedBytes === 0 ? Buffer.concat([header, sound]) : sound;
      this.#storedBytes += block.length;
      yield block;
    }
  }

  /** Yields what follows with the seals behind that, as `blocks`. */
  async *sealed(): AsyncGenerator<Buffer, void, void> {
    const from = this.#lastSeal;
    const group = new OpenGroup(from, this.#coveredBytes);
    const indexer = new Indexer(from);
    try {
      for await (const block of this.#files.blocks(this.#name, from)) {
        for (const sealed of group.push(indexer.push(block))) yield sealed;
        if (group.isBroken || group.isTooLarge || indexer.isBroken) break;
      }
      if (group.isBroken) this.#brokenFrom = group.start;
    } finally {
      indexer.close();
      group.close();
    }
  }
}

/** The frames behind a seal, until the next one. */
class OpenGroup {
  readonly #sealing = new Sealing();
  /** Entries of frames before this offset are in the file. */
  readonly #coveredBytes: number;
  #waiting: Buffer[] = [];
  #start: number;
  #isBroken = false;

  constructor(start: number, coveredBytes: number) {
    this.#start = start;
    this.#coveredBytes = coveredBytes;
  }

  /** Whether a seal came that does not fit. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether more came than has one seal. */
  get isTooLarge(): boolean {
    return this.#sealing.frames > MAX_SEALED_FRAMES;
  }

  /** The offset of the first frame that no seal proves. */
  get start(): number {
    return this.#start;
  }

  /** Takes the next bytes of the index; yields those that are sealed and that the file does not have. */
  *push(made: Buffer): Generator<Buffer, void, void> {
    const bytes = withoutHeader(made);
    if (bytes !== made && this.#coveredBytes === 0) this.#waiting.push(made.subarray(0, INDEX_ENTRY_BYTES));
    const entries = new IndexEntries(bytes);
    let from = 0;
    for (let at = 0; at < entries.length; at += 1) {
      // The seal that was read first is the one behind which the group begins.
      if (entries.kind(at) !== FrameKind.Seal || this.#sealing.frames + at - from === 0) continue;
      this.#take(entries, bytes, from, at);
      const entry = bytes.subarray(at * INDEX_ENTRY_BYTES, (at + 1) * INDEX_ENTRY_BYTES);
      if (!this.#sealing.isSealedBy(entry)) {
        this.#isBroken = true;
        return;
      }
      this.#start = entries.end(at);
      if (entries.offset(at) >= this.#coveredBytes) {
        yield Buffer.concat([...this.#waiting, entry]);
      }
      this.#waiting = [];
      from = at + 1;
    }
    this.#take(entries, bytes, from, entries.length);
  }

  close(): void {
    this.#sealing.close();
  }

  #take(entries: IndexEntries, bytes: Buffer, from: number, until: number): void {
    this.#sealing.take(bytes.subarray(from * INDEX_ENTRY_BYTES, until * INDEX_ENTRY_BYTES));
    let first = from;
    while (first < until && entries.offset(first) < this.#coveredBytes) first += 1;
    this.#waiting.push(bytes.subarray(first * INDEX_ENTRY_BYTES, until * INDEX_ENTRY_BYTES));
  }
}

/**
 * Has the file of an index end behind its first `indexBytes` bytes, with those that it lacks added, and syncs
 * it. The segment must end where these end. Rejects with system errors.
 */
export async function completeIndex(files: DataFiles, name: string, indexBytes: number): Promise<void> {
  const path = indexPath(name);
  if (indexBytes === 0 && (await files.size(path)) === undefined) return;
  const index = new SegmentIndex(files, name);
  for await (const _ of index.stored());
  let bytes = Math.min(index.storedBytes, indexBytes);
  const file: DataFile = await files.reopen(path, bytes);
  try {
    for await (const block of bytes < indexBytes ? index.sealed() : []) {
      const lacking = block.subarray(0, indexBytes - bytes);
      if (lacking.length > 0) await file.append([lacking]);
      bytes += lacking.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

function lastSealIn(entries: IndexEntries): number | undefined {
  for (let at = entries.length - 1; at >= 0; at -= 1) {
    if (entries.kind(at) === FrameKind.Seal) return entries.offset(at);
  }
  return undefined;
}

function withoutHeader(bytes: Buffer): Buffer {
  return beginsWithHeader(bytes) ? bytes.subarray(INDEX_ENTRY_BYTES) : bytes;
}

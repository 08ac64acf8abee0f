/**
 * The seals of a segment (docs/data-directory.md, "Seals"): each proves, by their entries in the index, all
 * frames from the seal before it on, that one among them. So each proves the whole segment up to its place.
 */
import { encodeFrame } from '../frame/frame.js';
import { INDEX_ENTRY_BYTES, IndexEntries } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { encodeSeal } from '../frame/seal.js';
import { indexKernel, type SealedGroup } from '../frame-index/index-kernel.js';
import type { Indexer } from '../frame-index/indexer.js';

/** So many frames have one seal at most: whoever reads them keeps their entries until it comes. */
export const MAX_SEALED_FRAMES = 65_536;

/** Makes the seals of one segment, and compares what is there with them, until `close`. */
export class Sealing {
  readonly #hash = indexKernel().open();
  #start = 0;
  #frames = 0;

  constructor() {
    this.#begin();
  }

  /** Frames that are to be sealed. */
  get frames(): number {
    return this.#frames;
  }

  /** The offset of the first of them. */
  get start(): number {
    return this.#start;
  }

  /** Takes the entries of the next frames, without the header of their index. */
  take(entries: Buffer): void {
    if (entries.length === 0) return;
    if (this.#frames === 0) this.#start = new IndexEntries(entries).offset(0);
    this.#frames += entries.length / INDEX_ENTRY_BYTES;
    this.#hash.take(entries);
  }

  /** Returns the seal of all that was taken, a frame, whose own entry is to be taken next. */
  seal(): Buffer {
    const payload = encodeSeal({ start: this.#start, frames: this.#frames, hash: this.#hash.endHash() });
    this.#begin();
    return encodeFrame(FrameKind.Seal, payload);
  }

  /**
   * Seals all that was taken and the frames `pieces`, whose entries `indexer` makes, and takes the seal's
   * entry. Undefined, and nothing has changed: the two are to be done one behind the other.
   */
  sealWith(indexer: Indexer, pieces: readonly Buffer[]): SealedGroup | undefined {
    if (this.#frames === 0) return undefined;
    const group = { proof: this.#hash, start: this.#start, frames: this.#frames };
    const sealed = indexer.seal(pieces, group);
    if (sealed === undefined) return undefined;
    this.#start = indexer.frameStart - sealed.seal.length;
    this.#frames = 1;
    return sealed;
  }

  /** Returns whether a seal with this entry, 64 bytes, is the one of all that was taken; takes its entry. */
  isSealedBy(entry: Buffer): boolean {
    const seal = this.seal();
    this.#hash.take(seal);
    const isTheOne = new IndexEntries(entry).hash(0) === this.#hash.endHash();
    this.#begin();
    this.take(entry);
    return isTheOne;
  }

  /** Frees the memory. */
  close(): void {
    this.#hash.close();
  }

  #begin(): void {
    this.#frames = 0;
    this.#hash.begin({ offset: 0, bytes: 0, kind: 0, isPlainBatch: false });
  }
}

/**
 * The kernel that makes the entries of indexes and checks them: one for the process, because a state is small
 * and the memory of a kernel is not.
 */
import type { Kernel } from '../engine/kernel.js';
import { KernelBuffer } from '../engine/kernel-buffer.js';
import { toolKernel } from '../engine/tool-kernel.js';
import { encodeFrame } from '../frame/frame.js';
import { INDEX_ENTRY_BYTES, IndexEntries } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { SEAL_FRAME_BYTES } from '../frame/seal.js';
import { SEAL_BYTES } from '../limits.js';

/** So much of a dump is in kernel memory at once. */
const PIECE_BYTES = 262_144;
/** So many entries are made at once. */
const MOST_ENTRIES = 4_096;

/** The fields of an entry, beside the frame's bytes. */
export interface EntryStart {
  offset: number;
  /** Bytes of the frame. */
  bytes: number;
  /** The byte of its kind. */
  kind: number;
  /** Whether its payload is a MutationBatch that is not compressed. */
  isPlainBatch: boolean;
}

/** Frames of a dump that a seal is to prove, whose entries a state has taken for the hash of that. */
export interface OpenGroup {
  readonly proof: EntryState;
  /** The offset of the first of them. */
  readonly start: number;
  readonly frames: number;
}

/** A seal, and the entries of frames before it that had none, with its own. */
export interface SealedGroup {
  readonly entries: Buffer;
  readonly seal: Buffer;
}

let shared: IndexKernel | undefined;

/** Returns the process's kernel for indexes. */
export function indexKernel(): IndexKernel {
  shared ??= new IndexKernel(toolKernel());
  return shared;
}

/** Entries and their checks, by a kernel. */
export class IndexKernel {
  readonly #kernel: Kernel;
  readonly #buffer: KernelBuffer;
  readonly #entries: KernelBuffer;
  /** A seal whose payload is still to be written. */
  readonly #seal: number;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#buffer = new KernelBuffer(kernel, PIECE_BYTES);
    this.#entries = new KernelBuffer(kernel, MOST_ENTRIES * INDEX_ENTRY_BYTES);
    const seal = encodeFrame(FrameKind.Seal, Buffer.alloc(SEAL_BYTES));
    this.#seal = kernel.allocate(seal.length);
    kernel.bytes.set(seal, this.#seal);
  }

  /** Makes the memory of one entry after the other. Throws OUT_OF_MEMORY. */
  open(): EntryState {
    return new EntryState(this.#kernel, this.#buffer, this.#entries, this.#seal);
  }

  /** Sets the check of a header. */
  seal(header: Buffer): void {
    const address = this.#buffer.fill(header);
    this.#kernel.exports.entrySeal(address);
    this.#kernel.bytes.copy(header, 0, address, address + INDEX_ENTRY_BYTES);
  }

  /** Returns whether a header or an entry, 64 bytes, is as it was sealed. */
  isSound(entry: Buffer): boolean {
    if (entry.length < INDEX_ENTRY_BYTES) return false;
    return this.#kernel.exports.entryIsSound(this.#buffer.fill(entry)) !== 0;
  }

  /**
   * Returns how many of the entries are sound and of frames that follow one another, from the first on, whose
   * frame begins at `offset`. There may be 256 KiB of them.
   */
  soundEntries(entries: Buffer, offset: number): number {
    const count = Math.floor(entries.length / INDEX_ENTRY_BYTES);
    return this.#kernel.exports.soundEntries(this.#buffer.fill(entries), count, offset);
  }
}

/** The memory in which entries are made, until `close`. */
export class EntryState {
  readonly #kernel: Kernel;
  readonly #buffer: KernelBuffer;
  readonly #entries: KernelBuffer;
  readonly #seal: number;
  readonly #address: number;

  constructor(kernel: Kernel, buffer: KernelBuffer, entries: KernelBuffer, seal: number) {
    this.#kernel = kernel;
    this.#buffer = buffer;
    this.#entries = entries;
    this.#seal = seal;
    this.#address = kernel.allocate(kernel.exports.entryStateBytes());
  }

  /**
   * Returns the entries of the frames that `bytes` begin with, as long as these lie whole in the first 256
   * KiB and are batches that are not compressed: some thousands at most. `offset` is that of the first in the
   * dump.
   */
  plainEntries(bytes: Buffer, offset: number): Buffer {
    const piece = bytes.subarray(0, PIECE_BYTES);
    this.#entries.reserve(MOST_ENTRIES * INDEX_ENTRY_BYTES);
    this.#buffer.fill(piece);
    return this.#made(this.#plainEntries(piece.length, offset, 0));
  }

  /**
   * Makes the entries of frames and the seal of them and of those of `group`, which is then open for the next
   * one with that seal as its first. Undefined, and nothing has changed: they are not all plain batches that
   * have 256 KiB at most, or are too many. `offset` is that of the first in the dump.
   */
  sealGroup(pieces: readonly Buffer[], offset: number, group: OpenGroup): SealedGroup | undefined {
    const entries = this.#entries.reserve(MOST_ENTRIES * INDEX_ENTRY_BYTES);
    const window = this.#buffer.reserve(PIECE_BYTES);
    let before = 0;
    let start = offset;
    let held = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        if (held === PIECE_BYTES) {
          const made = this.#plainEntries(held, start, before);
          if (made === 0) return undefined;
          before += made;
          const end = this.#endBehind(before);
          this.#kernel.bytes.copyWithin(window, window + end - start, window + held);
          held -= end - start;
          start = end;
        }
        const taken = Math.min(piece.length - at, PIECE_BYTES - held);
        this.#kernel.bytes.set(piece.subarray(at, at + taken), window + held);
        held += taken;
        at += taken;
      }
    }
    const made = this.#kernel.exports.sealGroup(
      this.#address,
      group.proof.#address,
      window,
      held,
      start,
      entries,
      before,
      MOST_ENTRIES,
      group.start,
      group.frames,
      this.#seal,
    );
    if (made === 0) return undefined;
    const seal = this.#kernel.bytes.subarray(this.#seal, this.#seal + SEAL_FRAME_BYTES);
    return { entries: this.#made(made), seal: Buffer.from(seal) };
  }

  /** Begins an entry. */
  begin({ offset, bytes, kind, isPlainBatch }: EntryStart): void {
    this.#kernel.exports.entryBegin(this.#address, offset, bytes, kind, Number(isPlainBatch));
  }

  /** Takes the next bytes of the frame. */
  take(bytes: Buffer): void {
    this.#inPieces(bytes, (at, length) => this.#kernel.exports.entryTake(this.#address, at, length));
  }

  /** Takes the payload of a MutationBatch that the frame has compressed. */
  walk(payload: Uint8Array): void {
    this.#kernel.exports.entryOpen(this.#address);
    this.#inPieces(payload, (at, length) => this.#kernel.exports.entryWalk(this.#address, at, length));
  }

  /** Completes the entry; returns its bytes, valid until the next call of any kind. */
  end(): Buffer {
    this.#kernel.exports.entryEnd(this.#address);
    return this.#kernel.bytes.subarray(this.#address, this.#address + INDEX_ENTRY_BYTES);
  }

  /** Completes the entry; returns the hash of what was taken. */
  endHash(): bigint {
    return new IndexEntries(this.end()).hash(0);
  }

  /** Frees the memory. */
  close(): void {
    this.#kernel.exports.release(this.#address);
  }

  /**
   * Makes the entries of so many bytes in the buffer, behind the entries that were made before; `offset` is
   * that of the first byte in the dump. Returns their count.
   */
  #plainEntries(length: number, offset: number, before: number): number {
    const entries = this.#entries.address + before * INDEX_ENTRY_BYTES;
    const most = MOST_ENTRIES - before;
    const { exports } = this.#kernel;
    return exports.plainEntries(this.#address, this.#buffer.address, length, offset, entries, most);
  }

  /** Returns the offset behind the frames of the first entries that were made. */
  #endBehind(count: number): number {
    const last = this.#entries.address + (count - 1) * INDEX_ENTRY_BYTES;
    return new IndexEntries(this.#kernel.bytes.subarray(last, last + INDEX_ENTRY_BYTES)).end(0);
  }

  /** Returns a copy of the first entries that were made. */
  #made(count: number): Buffer {
    const from = this.#entries.address;
    return Buffer.from(this.#kernel.bytes.subarray(from, from + count * INDEX_ENTRY_BYTES));
  }

  #inPieces(bytes: Uint8Array, take: (at: number, length: number) => void): void {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      take(this.#buffer.fill(piece), piece.length);
    }
  }
}

/**
 * Makes the index of a dump from the dump's bytes, in whatever pieces they come. It holds what has come of a
 * compressed batch, up to a limit, and else nothing of a frame but its header.
 */
import { PayloadRoom } from '../frame/compression.js';
import { openPayload } from '../frame/frame.js';
import { decodeHeader, type FrameHeader } from '../frame/header.js';
import { encodeIndexHeader, INDEX_ENTRY_BYTES, IndexEntries } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { FRAME_HEADER_BYTES } from '../limits.js';
import {
  type EntryState,
  type IndexKernel,
  indexKernel,
  type OpenGroup,
  type SealedGroup,
} from './index-kernel.js';

/** A compressed batch that is larger, either way, is not looked into: its entry says no records. */
const MAX_OPENED_BYTES = 16 * 1024 * 1024;
/** Offsets in a frame's header. */
const KIND_OFFSET = 5;
const FLAGS_OFFSET = 6;

/** Takes the bytes of a dump in order, and returns those of its index. */
export class Indexer {
  readonly #kernel: IndexKernel = indexKernel();
  readonly #entry: EntryState = this.#kernel.open();
  readonly #room = new PayloadRoom();
  readonly #head = Buffer.alloc(FRAME_HEADER_BYTES);
  #headBytes = 0;
  /** The frame whose payload comes; undefined while its header does. */
  #header: FrameHeader | undefined;
  /** Bytes of that frame that are still to come. */
  #left = 0;
  /** The bytes that have come of a compressed batch; undefined: it is not looked into. */
  #payload: Buffer[] | undefined;
  #offset: number;
  #hasHeader: boolean;
  #isBroken = false;
  #isClosed = false;
  /** The entries of the push at hand. */
  #made: Buffer[] = [];

  /** Begins with the frame at that offset; at 0 the index's header is made too. Throws OUT_OF_MEMORY. */
  constructor(offset = 0) {
    this.#offset = offset;
    this.#hasHeader = offset > 0;
  }

  /** Offset where the frame begins that is unfinished or yet to come: all before it has an entry. */
  get frameStart(): number {
    return this.#offset;
  }

  /** Whether something came that is no frame's header: nothing is indexed any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Takes the next bytes of the dump; returns the bytes of the index that follow with them, often none.
   * Throws once it is closed: its memory may be another's by then.
   */
  push(bytes: Buffer): Buffer {
    if (this.#isClosed) throw new Error('the index is closed');
    this.#made = [];
    for (let at = 0; at < bytes.length && !this.#isBroken; ) {
      if (this.#header !== undefined) at += this.#takePayload(bytes, at);
      else if (this.#headBytes > 0 || !isPlainBatch(bytes, at)) at += this.#takeHead(bytes, at);
      // Bytes that are not taken at once may be taken bit by bit.
      else at += this.#takePlain(bytes, at) || this.#takeHead(bytes, at);
    }
    return this.#made.length === 1 ? this.#made[0]! : Buffer.concat(this.#made);
  }

  /**
   * Takes whole frames and makes the seal behind them. Undefined, and nothing was taken: `push` takes what
   * they are, or what came before is no whole frame. Throws as `push`.
   */
  seal(pieces: readonly Buffer[], group: OpenGroup): SealedGroup | undefined {
    if (this.#isClosed) throw new Error('the index is closed');
    const isWithin = this.#header !== undefined || this.#headBytes > 0;
    if (isWithin || !this.#hasHeader || this.#isBroken) return undefined;
    const sealed = this.#entry.sealGroup(pieces, this.#offset, group);
    if (sealed !== undefined) this.#offset = endOf(sealed.entries);
    return sealed;
  }

  /** Frees the memory. An unfinished frame has no entry. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#entry.close();
  }

  /** Takes the frames that lie whole at `at`, and are plain batches; returns their bytes. */
  #takePlain(bytes: Buffer, at: number): number {
    const made = this.#entry.plainEntries(bytes.subarray(at), this.#offset);
    if (made.length === 0) return 0;
    const taken = endOf(made) - this.#offset;
    this.#add(made, taken);
    return taken;
  }

  #takeHead(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#head, this.#headBytes, at, at + FRAME_HEADER_BYTES - this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes === FRAME_HEADER_BYTES) this.#begin();
    return taken;
  }

  #begin(): void {
    const header = this.#decodeHead();
    this.#headBytes = 0;
    if (header === undefined) return;
    const isBatch = header.kind === FrameKind.MutationBatch;
    const { payloadBytes, uncompressedBytes, compressed } = header;
    const bytes = FRAME_HEADER_BYTES + payloadBytes;
    this.#entry.begin({
      offset: this.#offset,
      bytes,
      kind: header.kind,
      isPlainBatch: isBatch && !compressed,
    });
    this.#entry.take(this.#head);
    const isOpened = isBatch && compressed && Math.max(payloadBytes, uncompressedBytes) <= MAX_OPENED_BYTES;
    this.#payload = isOpened ? [] : undefined;
    this.#header = header;
    this.#left = payloadBytes;
    if (payloadBytes === 0) this.#end(header);
  }

  #decodeHead(): FrameHeader | undefined {
    try {
      // The version belongs to the connection whose frames these are; any has the same header.
      return decodeHeader(this.#head, { version: this.#head[4]! });
    } catch {
      this.#isBroken = true;
      return undefined;
    }
  }

  #takePayload(bytes: Buffer, at: number): number {
    const piece = bytes.subarray(at, at + this.#left);
    this.#left -= piece.length;
    this.#entry.take(piece);
    // The piece is the caller's, who may use its memory again.
    this.#payload?.push(this.#left === 0 ? piece : Buffer.from(piece));
    if (this.#left === 0) this.#end(this.#header!);
    return piece.length;
  }

  #end(header: FrameHeader): void {
    if (this.#payload !== undefined) this.#open(header, this.#payload);
    this.#payload = undefined;
    this.#header = undefined;
    this.#add(Buffer.from(this.#entry.end()), FRAME_HEADER_BYTES + header.payloadBytes);
  }

  /** Adds the entries of so many bytes of the dump. */
  #add(entries: Buffer, bytes: number): void {
    if (!this.#hasHeader) this.#made.push(this.#indexHeader(entries));
    this.#made.push(entries);
    this.#hasHeader = true;
    this.#offset += bytes;
  }

  #open(header: FrameHeader, pieces: readonly Buffer[]): void {
    const wirePayload = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    let payload: Uint8Array;
    try {
      payload = openPayload(header, wirePayload, this.#room);
    } catch {
      // A damaged frame has an entry as well, by which it is found unchanged.
      return;
    }
    this.#entry.walk(payload);
  }

  #indexHeader(entries: Buffer): Buffer {
    const first = new IndexEntries(entries);
    const header = encodeIndexHeader({ hash: first.hash(0), bytes: first.bytes(0) });
    this.#kernel.seal(header);
    return header.subarray(0, INDEX_ENTRY_BYTES);
  }
}

/** Returns the offset behind the last frame of these entries. */
function endOf(bytes: Buffer): number {
  const entries = new IndexEntries(bytes);
  return entries.end(entries.length - 1);
}

/** Whether the header at `at`, as far as it is there, is of a batch that is not compressed. */
function isPlainBatch(bytes: Buffer, at: number): boolean {
  return bytes[at + KIND_OFFSET] === FrameKind.MutationBatch && bytes[at + FLAGS_OFFSET] === 0;
}

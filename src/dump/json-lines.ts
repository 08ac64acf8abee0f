/**
 * Makes lines of JSON of the records or entries of a frame (docs/command-line.md, "JSON") with a kernel of
 * its own (src/kernel/dump/json-lines.ts), so that JavaScript runs once a frame.
 */

import { KernelBuffer } from '../engine/kernel-buffer.js';
import { toolKernel } from '../engine/tool-kernel.js';
import * as layout from '../kernel/layout.js';

const PAYLOAD_BYTES = 1_048_576;

const valueForms = {
  none: layout.VALUES_NONE,
  text: layout.VALUES_TEXT,
  hex: layout.VALUES_HEX,
  base64: layout.VALUES_BASE64,
};

/** The place of a payload's items in a dump. */
export interface PayloadPlace {
  /** The byte of the dump at which the payload begins, or the one that is given for all of its bytes. */
  offset: number;
  /** Whether `offset` is given for all bytes of the payload, because it is compressed. */
  fixed: boolean;
}

/** Writes items as lines of JSON, with values in one of the forms. */
export class JsonLines {
  readonly #kernel = toolKernel();
  readonly #payload = new KernelBuffer(this.#kernel, PAYLOAD_BYTES);
  readonly #output: number;
  readonly #values: number;

  /** Throws `OUT_OF_MEMORY`. */
  constructor(values: keyof typeof valueForms) {
    this.#output = this.#kernel.allocate(layout.LINES_BYTES);
    this.#values = valueForms[values];
  }

  /**
   * Opens a MutationBatch payload. Returns false when it is malformed or has a record of more than 128 KiB;
   * then there are no lines of it.
   */
  openBatch(payload: Uint8Array): boolean {
    return this.#kernel.exports.linesOfBatch(this.#fill(payload), payload.length) !== 0;
  }

  /** Opens, as `openBatch` does, a SnapshotChunk payload with `count` entries from `entriesOffset` on. */
  openChunk(payload: Uint8Array, entriesOffset: number, count: number, governed: boolean): boolean {
    const address = this.#fill(payload);
    const bytes = payload.length - entriesOffset;
    const entries = address + entriesOffset;
    return this.#kernel.exports.linesOfEntries(address, entries, bytes, count, governed ? 1 : 0) !== 0;
  }

  /**
   * Yields the lines of what is open, line ends included, in pieces of 1 MiB at most. A piece is a view of
   * kernel memory and valid until the next one is requested.
   */
  *lines({ offset, fixed }: PayloadPlace): Generator<Buffer, void, void> {
    for (;;) {
      const bytes = this.#kernel.exports.writeLines(
        this.#output,
        layout.LINES_BYTES,
        BigInt(offset),
        fixed ? 1 : 0,
        this.#values,
      );
      if (bytes === 0) return;
      yield this.#kernel.bytes.subarray(this.#output, this.#output + bytes);
    }
  }

  #fill(payload: Uint8Array): number {
    this.#payload.trim();
    return this.#payload.fill(payload);
  }
}

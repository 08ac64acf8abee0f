/**
 * A digest by which a state knows its dump again (docs/operations.md, "State files"): it is of the first and
 * the last bytes of what had been written, so that it is cheap in a dump of any size, and the dump may have
 * grown since.
 */
import { createHash } from 'node:crypto';

const EDGE_BYTES = 65_536;

/** Reads bytes at a position of a dump into `target`; returns how many there were, 0 at the end. */
export type ReadAt = (target: Buffer, position: number) => number;

/** The beginning of a dump, as a state knows it. */
export interface KnownDump {
  bytes: number;
  /** The digest that `digestOfEdges` returned for so many bytes. */
  sha256: string;
}

/**
 * Returns the SHA-256, 64 hex digits, of the first and the last 64 KiB of a dump's first `bytes` bytes;
 * undefined when there are fewer.
 */
export function digestOfEdges(readAt: ReadAt, bytes: number): string | undefined {
  const hash = createHash('sha256');
  const edge = Buffer.alloc(Math.min(bytes, EDGE_BYTES));
  for (const start of [0, bytes - edge.length]) {
    for (let done = 0; done < edge.length; ) {
      const read = readAt(edge.subarray(done), start + done);
      if (read === 0) return undefined;
      done += read;
    }
    hash.update(edge);
  }
  return hash.digest('hex');
}

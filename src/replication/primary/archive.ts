/** The seam to frames that are kept longer than a backlog keeps them: a data directory is behind it. */
import type { FrameStream } from '../stream/stream.js';

/** The frames that a node keeps. */
export interface FrameArchive {
  /**
   * Resolves with the frames that a replica lacks that holds `since`, watermarks of the stream; undefined:
   * not all of them are kept. Rejects with faults of the disk.
   */
  open(stream: FrameStream, since: ArrayLike<bigint>): Promise<ArchivedFrames | undefined>;
}

/** The frames that one replica lacks, in the order of publishing, until `close`. */
export interface ArchivedFrames {
  /** The watermarks of a reader that has been given all until now. */
  readonly watermarks: readonly bigint[];
  /**
   * Resolves with the next whole frames, perhaps without a byte where it came upon none that is lacking;
   * undefined: none has been written behind these yet. It takes its time, so that writers do not notice.
   * Rejects when none can be given any more.
   */
  next(): Promise<Buffer | undefined>;
  /** Lets go of what is kept for it. */
  close(): void;
}

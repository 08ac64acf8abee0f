/** Checks a dump against the index beside it, which has a hash of every frame's bytes. */
import { FastcacheError } from '../../errors.js';
import { type ComparedIndex, compareIndex } from '../../frame-index/compare-index.js';
import { hashMismatch } from '../../frame-index/index-file.js';
import { type DumpSource, inDump, type ReadingOptions } from '../read/dump-reader.js';

/** The result of checking a dump with its index. */
export interface VerifiedIndex {
  /**
   * `used`; `missing` where there is no index, or no file that could have one; `unsound` where the file is
   * none; `foreign` where it is that of another dump.
   */
  state: ComparedIndex['index'];
  /** Frames of which all bytes were checked. */
  frames: number;
  /** The offset behind the last of them. */
  bytes: number;
}

/** A fault of a dump. */
export interface DumpFault {
  /** The error, with the name of the dump and the byte offset. */
  fault: FastcacheError;
  /** Whether the dump merely ends inside its last frame, or before it. */
  isCutTail: boolean;
}

/** The known faults of the dump, and the function that takes new ones. */
export interface IndexCheckOptions extends ReadingOptions {
  /** Faults that were found without the index; one that proves to be damage is no cut tail any more. */
  faults: readonly DumpFault[];
  /** Called with each fault that is not among them. */
  onFault(fault: FastcacheError, isCutTail: boolean): void;
}

/** Checks all frames that the index has. Throws READ_FAILED. */
export async function checkIndex(source: DumpSource, options: IndexCheckOptions): Promise<VerifiedIndex> {
  const { faults, onFault, signal, onProgress } = options;
  if (typeof source !== 'string' || source === '-') return { state: 'missing', frames: 0, bytes: 0 };
  const faultIn = (start: number, end: number) =>
    faults.find(({ fault: { offset } }) => offset !== undefined && offset >= start && offset < end);
  try {
    const compared = await compareIndex(source, {
      signal,
      onRead: (bytes) => onProgress?.({ stage: 'comparing', source, bytes }),
      onMismatch: (entry, found) => {
        const known = faultIn(entry.offset, entry.offset + entry.bytes);
        if (known === undefined) onFault(hashMismatch(entry, found), false);
        else known.isCutTail = false;
      },
    });
    const { index: state, frames, bytes, lostFrames, lostBytes } = compared;
    if (lostFrames > 0 && faultIn(bytes, bytes + lostBytes) === undefined) {
      onFault(lostTail(bytes, lostFrames, lostBytes), true);
    }
    return { state, frames, bytes };
  } catch (error) {
    throw inDump(error, source, 0);
  }
}

function lostTail(offset: number, frames: number, bytes: number): FastcacheError {
  const message = `The dump ends here, and its index has ${frames} more frames, of ${bytes} bytes.`;
  return new FastcacheError('FCRP_TRUNCATED', message, { offset, expected: bytes, found: 0 });
}

/**
 * Holds what all functions that make a dump of others share: options, result, and the steps of the making.
 */
import type { DumpSource, ReadingOptions } from '../read/dump-reader.js';
import { DumpOutput } from './dump-output.js';
import type { DumpLosses } from './losses.js';
import { verifyWritten, type WrittenDump } from './verify-written.js';

/** The options of every function that makes a dump of others. */
export interface MakingOptions extends ReadingOptions {
  /** Path of the dump to write. */
  output: string;
  /** Whether `output` may be there already, and is overwritten; false when absent. */
  force?: boolean | undefined;
  /** The mode of the new file; when absent that of the file that is overwritten, or else 0o600. */
  mode?: number | undefined;
  /** The most losses of each dump, and the most gaps of the new one, to list; 10 when absent. */
  maxFaults?: number | undefined;
}

/** A dump that was read, up to where that ended. */
export interface ReadInput {
  /** The path, `stdin` or `the stream`. */
  file: string;
  /** The damage, which is not in the new dump. */
  losses: DumpLosses;
}

/** A dump that was made of others. */
export interface MadeDump extends WrittenDump {
  /** Its path. */
  output: string;
  /** The dumps that it was made of, in the order in which they were given. */
  inputs: readonly ReadInput[];
}

const DEFAULT_MAX_FAULTS = 10;

/** The output, options and callback that the making of a dump works with. */
export interface Making {
  written: DumpOutput;
  /** How many losses of a dump are kept. */
  maxFaults: number;
  signal: AbortSignal | undefined;
  /** To be called with the bytes of `source` that have been read. */
  onRead(source: DumpSource, bytes: number): void;
}

/**
 * Writes beside `output` what `make` writes, verifies it and puts it in its place. Throws `BAD_OPTION` when
 * `output` is one of `sources`, or is there and `force` does not allow to overwrite it, `WRITE_FAILED`, and
 * what `make` throws; then no file is left.
 */
export async function makeDump(
  sources: readonly DumpSource[],
  { output, force = false, mode, maxFaults = DEFAULT_MAX_FAULTS, signal, onProgress }: MakingOptions,
  make: (making: Making) => Promise<readonly ReadInput[]>,
): Promise<MadeDump> {
  const written = new DumpOutput(sources, output, { force, mode, signal });
  try {
    const inputs = await make({
      written,
      maxFaults,
      signal,
      onRead: (source, bytes) => onProgress?.({ stage: 'reading', source, bytes }),
    });
    const made = await verifyWritten(written, { maxFaults, signal, onProgress });
    written.finish();
    return { output, ...made, inputs };
  } finally {
    written.discard();
  }
}

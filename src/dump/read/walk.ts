/**
 * Reads a dump that may be damaged, stretch by stretch, from a file or from stdin (frame/resync.ts describes
 * what is held).
 */

import { FrameWalker, type Stretch, type WalkerChecks } from '../../frame/resync.js';
import { type DumpSource, inDump, openDump } from './dump-reader.js';

/** How a dump is walked. */
export interface WalkOptions extends ChunksOptions {
  /**
   * Called with each stretch, whose frame's bytes are valid during the call. An error that it throws ends the
   * walk.
   */
  onStretch(stretch: Stretch): void;
}

/**
 * Walks the whole dump. Throws `NO_INPUT` and `READ_FAILED`, with the file; damage is a stretch, and is not
 * thrown.
 */
export async function walkDump({ onStretch, ...options }: WalkOptions): Promise<void> {
  for await (const stretches of walkChunks(options)) {
    for (const stretch of stretches) onStretch(stretch);
  }
}

/** The dump that is walked, and the checks of its frames. */
export interface ChunksOptions {
  file: DumpSource;
  checks: WalkerChecks;
  /** Called after each chunk, with the bytes read so far. */
  onRead(bytes: number): void;
  /** Ends the walk with its reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Walks as `walkDump` does, and yields the stretches that each chunk settles: the caller takes all of them,
 * or ends the walk. A frame's bytes are valid until the next chunk is requested.
 */
export async function* walkChunks({
  file,
  checks,
  onRead,
  signal,
}: ChunksOptions): AsyncGenerator<Iterable<Stretch>, void, void> {
  const walker = new FrameWalker(checks);
  let bytes = 0;
  try {
    for await (const chunk of openDump(file, { signal })) {
      bytes += chunk.length;
      walker.push(chunk);
      yield walker.stretches();
      onRead(bytes);
    }
  } catch (error) {
    throw inDump(error, file, bytes);
  }
  walker.end();
  yield walker.stretches();
}

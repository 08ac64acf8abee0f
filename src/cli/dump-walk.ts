/** Reads a dump that may be damaged, stretch by stretch, from a file or from stdin (frame/resync.ts says what is held). */
import { FrameWalker, type Stretch, type WalkerChecks } from '../frame/resync.js';
import { inDump, openDump } from './dump-reader.js';

export interface WalkOptions {
  /** `-` is stdin. */
  file: string;
  checks: WalkerChecks;
  /** A frame's bytes are valid during the call. What it throws ends the walk. */
  onStretch(stretch: Stretch): void;
  /** After each chunk: bytes read so far. */
  onRead(bytes: number): void;
}

/** Walks the whole dump. Throws `NO_INPUT` and `READ_FAILED`, with the file; damage is told, not thrown. */
export async function walkDump({ file, checks, onStretch, onRead }: WalkOptions): Promise<void> {
  const walker = new FrameWalker(checks);
  let bytes = 0;
  try {
    for await (const chunk of openDump(file)) {
      bytes += chunk.length;
      walker.push(chunk as Buffer);
      for (const stretch of walker.stretches()) onStretch(stretch);
      onRead(bytes);
    }
  } catch (error) {
    throw inDump(error, file, bytes);
  }
  walker.end();
  for (const stretch of walker.stretches()) onStretch(stretch);
}

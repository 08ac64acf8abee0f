/**
 * Reads a dump, frames one after the other (fcrp-v1.md, Frame), from a file or from stdin in constant memory: what
 * is held is a chunk and the one frame that reaches past it.
 */
import { createReadStream } from 'node:fs';
import { FastcacheError } from '../errors.js';
import { FrameSplitter, type SplitFrame } from '../frame/splitter.js';

/** Large enough that most frames lie whole within a chunk and are not copied. */
const CHUNK_BYTES = 1_048_576;

/** How errors and listings name what `-` stands for. */
export function dumpName(file: string): string {
  return file === '-' ? 'stdin' : file;
}

/**
 * The frames of `file` (`-` is stdin), headers checked, payloads not yet. A frame's bytes are valid until the next one
 * is asked for. Throws, with file and byte offset, after the last sound frame: `FCRP_*` for a bad header or an end
 * inside a frame, `NO_INPUT` when the file cannot be opened, `READ_FAILED`.
 */
export async function* readDump(file: string): AsyncGenerator<SplitFrame, void, void> {
  const splitter = new FrameSplitter();
  try {
    for await (const chunk of openDump(file)) {
      const frames: SplitFrame[] = [];
      let fault: unknown;
      try {
        splitter.push(chunk as Buffer, (frame) => frames.push(frame));
      } catch (error) {
        fault = error;
      }
      yield* frames;
      if (fault !== undefined) throw fault;
    }
    splitter.end();
  } catch (error) {
    throw inDump(error, file, splitter.frameStart);
  }
}

/** `error` with the dump's name in it, and system errors as ours; any other error comes back as it is. */
export function inDump(error: unknown, file: string, offset: number): unknown {
  if (error instanceof FastcacheError) return error.inFile(dumpName(file));
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !/^E[A-Z]/.test(code)) return error;
  if (UNOPENED[code] !== undefined) {
    return new FastcacheError('NO_INPUT', UNOPENED[code], { file: dumpName(file), cause: error });
  }
  return new FastcacheError('READ_FAILED', `Reading failed: ${(error as Error).message}.`, {
    file: dumpName(file),
    offset,
    cause: error,
  });
}

const UNOPENED: Record<string, string> = {
  ENOENT: 'There is no such file.',
  ENOTDIR: 'There is no such file.',
  EISDIR: 'This is a directory, not a dump.',
  EACCES: 'The file may not be read by this user.',
  EPERM: 'The file may not be read by this user.',
};

/** The bytes of a dump, in chunks; throws as the system does, which `inDump` makes ours. */
export function openDump(file: string): AsyncIterable<Buffer | string> {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
}

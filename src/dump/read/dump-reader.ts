/**
 * Reads a dump, frames one after the other (fcrp-v1.md, Frame), from a file or from stdin in constant memory: what
 * is held is a chunk and the one frame that reaches past it.
 */
import { createReadStream } from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';

/** Large enough that most frames lie whole within a chunk and are not copied. */
export const CHUNK_BYTES = 1_048_576;

/** How errors and listings name what `-` stands for. */
export function dumpName(file: string): string {
  return file === '-' ? 'stdin' : file;
}

export interface ReadOptions {
  /** Limit for both lengths of each header; `MAX_FRAME_PAYLOAD_BYTES` when absent. */
  maxPayloadBytes?: number;
  /** Byte of a file to begin at, a frame's first; 0 when absent. */
  offset?: number;
}

/** The frames of `file`, one by one; else as `readDumpChunks`. */
export async function* readDump(file: string): AsyncGenerator<SplitFrame, void, void> {
  for await (const frames of readDumpChunks(file)) yield* frames;
}

/**
 * The frames of `file` (`-` is stdin), as many at once as a chunk of it completes; headers checked, payloads not yet.
 * A frame's bytes are valid until the next ones are asked for. Throws, with file and byte offset, after the last sound
 * frame: `FCRP_*` for a bad header or an end inside a frame, `NO_INPUT` when the file cannot be opened, `READ_FAILED`.
 */
export async function* readDumpChunks(
  file: string,
  options: ReadOptions = {},
): AsyncGenerator<SplitFrame[], void, void> {
  const splitter = new FrameSplitter(options);
  try {
    for await (const chunk of openDump(file, options.offset)) yield* splitChunk(splitter, chunk as Buffer);
    splitter.end();
  } catch (error) {
    throw inDump(error, file, splitter.frameStart);
  }
}

/** The frames that `chunk` completes; throws the fault that ends them when they have been taken. */
export function* splitChunk(splitter: FrameSplitter, chunk: Buffer): Generator<SplitFrame[]> {
  const frames: SplitFrame[] = [];
  let fault: unknown;
  try {
    splitter.push(chunk, (frame) => frames.push(frame));
  } catch (error) {
    fault = error;
  }
  yield frames;
  if (fault !== undefined) throw fault;
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
export function openDump(file: string, start = 0): AsyncIterable<Buffer | string> {
  if (file === '-') return process.stdin;
  // With a start, if only 0, Node reads at positions, which a pipe has not.
  return createReadStream(file, { ...(start > 0 && { start }), highWaterMark: CHUNK_BYTES });
}

/**
 * Reads a dump, frames one after the other (docs/protocol.md, "Dumps"), from a file or from stdin in constant
 * memory: it holds a chunk and the one frame that reaches past it.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { FastcacheError } from '../../errors.js';
import { orClosed } from '../../files/or-closed.js';
import { roomStart } from '../../files/room-start.js';
import { isSegment } from '../../frame/room.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';
import { untilAborted } from './until-aborted.js';

/** Large enough that most frames lie whole within a chunk and are not copied. */
export const CHUNK_BYTES = 1_048_576;

/**
 * A dump: a file's path, `-` for stdin, or its bytes in order, from a Readable or whatever else yields them.
 */
export type DumpSource = string | AsyncIterable<Uint8Array> | NamedDump;

/** The bytes of a dump that somebody else has opened, by whose name it goes in errors. */
export interface NamedDump extends AsyncIterable<Uint8Array> {
  readonly dumpName: string;
}

/** One dump or several, in order. */
export type DumpSources = DumpSource | readonly DumpSource[];

/** The progress of the reading of a dump. */
export interface DumpProgress {
  /** `verifying`: a dump that was made of others is read once more. `comparing`: with its index. */
  stage: 'reading' | 'verifying' | 'comparing';
  /** The dump, as it was given. */
  source: DumpSource;
  /** Bytes of it that have been read. */
  bytes: number;
}

/** The options of every function of the toolkit that reads dumps. */
export interface ReadingOptions {
  /** Ends the work when it is aborted: the promise of the work rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called after each chunk that was read, about once a MiB. */
  onProgress?: ((progress: DumpProgress) => void) | undefined;
}

/** Returns the name of a dump in errors and listings. */
export function dumpName(source: DumpSource): string {
  if (typeof source !== 'string') return 'dumpName' in source ? source.dumpName : 'the stream';
  return source === '-' ? 'stdin' : source;
}

/** Returns the dumps of `sources` as a list. */
export function sourceList(sources: DumpSources): readonly DumpSource[] {
  return typeof sources === 'string' || Symbol.asyncIterator in sources ? [sources] : sources;
}

/** How the frames of a dump are read. */
export interface ReadOptions {
  /** Limit for both lengths of each header; `MAX_FRAME_PAYLOAD_BYTES` when absent. */
  maxPayloadBytes?: number;
  /** Byte of a file to begin at, a frame's first; 0 when absent. */
  offset?: number;
  /** Ends the reading with its reason. */
  signal?: AbortSignal | undefined;
}

/** Yields the frames of `file` one by one; otherwise as `readDumpChunks`. */
export async function* readDump(
  file: DumpSource,
  options: ReadOptions = {},
): AsyncGenerator<SplitFrame, void, void> {
  for await (const frames of readDumpChunks(file, options)) yield* frames;
}

/**
 * Yields the frames of `file`, as many at once as a chunk of it completes, with headers checked and payloads
 * not yet. A frame's bytes are valid until the next ones are requested. Throws, with file and byte offset,
 * after the last sound frame: `FCRP_*` for a bad header or an end inside a frame, `NO_INPUT` when the file
 * cannot be opened, `READ_FAILED`.
 */
export async function* readDumpChunks(
  file: DumpSource,
  options: ReadOptions = {},
): AsyncGenerator<SplitFrame[], void, void> {
  const splitter = new FrameSplitter(options);
  try {
    for await (const chunk of openDump(file, options)) yield* splitChunk(splitter, chunk);
    splitter.end();
  } catch (error) {
    throw inDump(error, file, splitter.frameStart);
  }
}

/** Yields the frames that `chunk` completes, then throws the fault that ends them, if any. */
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

/**
 * Returns `error` with the dump's name in it, and a system error as a `FastcacheError`; any other error is
 * returned as it is.
 */
export function inDump(error: unknown, file: DumpSource, offset: number): unknown {
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

/**
 * Yields the bytes of a dump in chunks. Throws system errors, which `inDump` turns into a `FastcacheError`,
 * and the signal's reason.
 */
export function openDump(
  source: DumpSource,
  { offset = 0, signal }: Pick<ReadOptions, 'offset' | 'signal'> = {},
): AsyncIterable<Buffer> {
  const chunks = chunksOf(source, offset);
  return signal === undefined ? chunks : untilAborted(chunks, signal);
}

function chunksOf(source: DumpSource, start: number): AsyncIterable<Buffer> {
  if (typeof source !== 'string') return asBuffers(source);
  if (source === '-') return process.stdin as AsyncIterable<Buffer>;
  if (isSegment(source)) return segmentChunks(source, start);
  // With any `start`, even 0, Node reads at positions, which a pipe does not have.
  return createReadStream(source, { ...(start > 0 && { start }), highWaterMark: CHUNK_BYTES });
}

/** A segment may have room behind its frames. */
async function* segmentChunks(path: string, start: number): AsyncGenerator<Buffer, void, void> {
  const file = await open(path);
  const until = await orClosed(file, () => roomStart(file, path));
  if (until > start) yield* file.createReadStream({ start, end: until - 1, highWaterMark: CHUNK_BYTES });
  else await file.close();
}

async function* asBuffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of chunks) {
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
}

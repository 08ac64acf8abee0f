/**
 * The file of an index that is made of a dump on the disk: its present entries are kept as far as they fit
 * the dump, and the rest of the dump is read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { FastcacheError } from '../errors.js';
import { DEFAULT_FILE_MODE } from '../files/file-mode.js';
import { roomStart } from '../files/room-start.js';
import { INDEX_ENTRY_BYTES, type IndexEntry, indexPath } from '../frame/index-entry.js';
import { hashAt, IndexReader, type NoIndex } from './index-reader.js';
import { Indexer } from './indexer.js';

/** So much of a dump is read at once. */
const CHUNK_BYTES = 1_048_576;
const MAGIC = 'FCRPIDX';

/** How an index is made. */
export interface MakeIndexOptions {
  /** So many bytes of the dump are indexed; when absent all that are there. */
  limit?: number | undefined;
  /** The mode of the index, unless it is there already; 0o600 when absent. */
  mode?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called after each chunk with the bytes of the dump that are behind it. */
  onRead?: ((bytes: number) => void) | undefined;
}

/** The end of a dump's frames. */
export interface IndexedPart {
  /** Frames that have an entry. */
  frames: number;
  /** The offset behind the last of them. */
  indexedBytes: number;
  /** Bytes of the dump that were looked at, more than `indexedBytes` where its rest is no whole frame. */
  dumpBytes: number;
  /** Whether that rest is the beginning of a frame. */
  isCut: boolean;
}

/**
 * Makes the index beside a dump, or makes it longer. Throws NO_INPUT, READ_FAILED, FRAME_HASH_MISMATCH for a
 * dump that its index does not fit, and WRITE_FAILED, for a file in the index's place that is none, too.
 */
export async function makeIndex(dump: string, options: MakeIndexOptions = {}): Promise<IndexedPart> {
  const start = await indexedPart(dump, options.limit);
  const path = indexPath(dump);
  await refuseOtherFile(path);
  const index = await inFile(path, 'WRITE_FAILED', () => open(path, 'a', options.mode ?? DEFAULT_FILE_MODE));
  try {
    await inFile(path, 'WRITE_FAILED', () => index.truncate(fileBytes(start.frames)));
    return await readFrames(dump, start, options, (bytes) =>
      inFile(path, 'WRITE_FAILED', async () => void (await index.appendFile(bytes))),
    );
  } finally {
    await index.close();
  }
}

/** Finds out how far a dump's frames go, and writes nothing. Throws as `makeIndex`. */
export async function measureDump(dump: string, options: MakeIndexOptions = {}): Promise<IndexedPart> {
  return readFrames(dump, await indexedPart(dump, options.limit), options, async () => {});
}

/** Bytes of an index with so many entries. */
function fileBytes(frames: number): number {
  return frames === 0 ? 0 : (frames + 1) * INDEX_ENTRY_BYTES;
}

/** Returns how far the index that is there reaches. Throws FRAME_HASH_MISMATCH for another last frame. */
async function indexedPart(dump: string, limit?: number): Promise<{ frames: number; bytes: number }> {
  const file = await inFile(dump, 'READ_FAILED', () => open(dump));
  let index: IndexReader | NoIndex | undefined;
  try {
    index = await inFile(dump, 'READ_FAILED', () => IndexReader.open(dump));
    if (typeof index === 'string') return { frames: 0, bytes: 0 };
    const { size } = await file.stat();
    const { entries, dumpBytes } = await index.coverage(Math.min(size, limit ?? size));
    const last = dumpBytes === 0 ? undefined : await index.at(dumpBytes - 1);
    // An index that was made anew would have the hash of what is damaged.
    if (last !== undefined && (await hashAt(file, last.offset, last.bytes)) !== last.hash) {
      throw hashMismatch(last).inFile(dump);
    }
    return { frames: entries, bytes: dumpBytes };
  } finally {
    await file.close();
    if (index instanceof IndexReader) await index.close();
  }
}

/** Makes the error for a frame that is not what the index says. */
export function hashMismatch({ offset, bytes, hash }: IndexEntry, found?: bigint): FastcacheError {
  const message =
    `These ${bytes} bytes, a frame, are not those that were written: ` +
    `they have another hash than the dump's index says.`;
  return new FastcacheError('FRAME_HASH_MISMATCH', message, {
    offset,
    expected: hex(hash),
    ...(found !== undefined && { found: hex(found) }),
  });
}

function hex(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}

async function readFrames(
  dump: string,
  start: { frames: number; bytes: number },
  { limit = Number.POSITIVE_INFINITY, signal, onRead }: MakeIndexOptions,
  take: (index: Buffer) => Promise<void>,
): Promise<IndexedPart> {
  const file = await inFile(dump, 'READ_FAILED', () => open(dump));
  const indexer = new Indexer(start.bytes);
  let indexBytes = fileBytes(start.frames);
  let at = start.bytes;
  try {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const until = Math.min(limit, await inFile(dump, 'READ_FAILED', () => roomStart(file, dump)));
    while (at < until) {
      signal?.throwIfAborted();
      const wanted = Math.min(chunk.length, until - at);
      const { bytesRead } = await inFile(dump, 'READ_FAILED', () => file.read(chunk, 0, wanted, at));
      if (bytesRead === 0) break;
      at += bytesRead;
      const made = indexer.push(chunk.subarray(0, bytesRead));
      indexBytes += made.length;
      if (made.length > 0) await take(made);
      onRead?.(at);
    }
  } finally {
    indexer.close();
    await file.close();
  }
  const { frameStart: indexedBytes, isBroken } = indexer;
  const frames = Math.max(0, indexBytes / INDEX_ENTRY_BYTES - 1);
  return { frames, indexedBytes, dumpBytes: at, isCut: at > indexedBytes && !isBroken };
}

/** Throws WRITE_FAILED for a file in the place of an index that is neither one nor a torn one. */
export async function refuseOtherFile(path: string): Promise<void> {
  const begin = await inFile(path, 'WRITE_FAILED', () => beginningOf(path));
  if (MAGIC.startsWith(begin.replace(/\0+$/, ''))) return;
  const message = 'This is no index, and a dump’s index would take its place: move it away.';
  throw new FastcacheError('WRITE_FAILED', message, { file: path });
}

/** Returns the first bytes of a file; none where there is none. */
async function beginningOf(path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const begin = Buffer.alloc(MAGIC.length);
    const { bytesRead } = await file.read(begin, 0, begin.length, 0);
    return begin.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function inFile<T>(
  file: string,
  code: 'READ_FAILED' | 'WRITE_FAILED',
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FastcacheError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT' && code === 'READ_FAILED';
    if (isMissing) throw new FastcacheError('NO_INPUT', 'There is no such file.', { file, cause });
    const what = code === 'READ_FAILED' ? 'Reading failed' : 'The index cannot be written';
    throw new FastcacheError(code, `${what}: ${reason}.`, { file, cause });
  }
}

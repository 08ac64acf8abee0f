/** The files of a data directory on the system's disk. */
import { constants, writev } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FastcacheError } from '../errors.js';
import { fileBlocks } from '../files/file-blocks.js';
import { lockDirectory } from '../transport/directory-lock.js';
import type { DataFile, DataFiles } from './data-files.js';

const DIRECTORY_MODE = 0o700;
const { O_CREAT, O_DSYNC, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** Elsewhere than on Linux such a write may end in the cache of the disk, which a sync empties. */
const WRITES_SYNC = process.platform === 'linux';
/** The errors of opening a link, a pipe, a socket or a directory, as `openPlain` does it. */
const OF_NO_FILE: ReadonlySet<string | undefined> = new Set(['ELOOP', 'EMLINK', 'ENXIO', 'EISDIR']);

/** Returns the files of the directory at `directory`; those that are made have the mode `mode`. */
export function systemDataFiles(directory: string, mode: number): DataFiles {
  const pathOf = (name: string) => join(directory, name);
  return {
    pathOf,
    async prepare() {
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    },
    lock: () => lockDirectory(directory),
    list: () => readdir(directory),
    async read(name, maxBytes, from = 0) {
      const file = await openPlain(pathOf(name), O_RDONLY).catch(unlessMissing);
      if (file === undefined) return undefined;
      return using(file, async () => {
        const bytes = Buffer.alloc(Math.min(maxBytes, Math.max(0, (await file.stat()).size - from)) + 1);
        let length = 0;
        for (let read = -1; read !== 0; length += read) {
          ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, from + length));
        }
        return bytes.subarray(0, length);
      });
    },
    async *blocks(name, from = 0) {
      yield* fileBlocks(await openPlain(pathOf(name), O_RDONLY), from);
    },
    async size(name) {
      const stats = await lstat(pathOf(name)).catch(unlessMissing);
      if (stats?.isFile() === false) throw noPlainFile(pathOf(name));
      return stats?.size;
    },
    async create(name) {
      const path = pathOf(name);
      return new SystemFile(await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode), path);
    },
    async reopen(name, bytes) {
      const path = pathOf(name);
      const file = await openPlain(path, O_WRONLY | O_CREAT, mode);
      await file.truncate(bytes).catch(async (error: Error) => {
        await file.close();
        throw error;
      });
      return new SystemFile(file, path, bytes);
    },
    rename: (from, to) => rename(pathOf(from), pathOf(to)),
    remove: (name) => rm(pathOf(name), { force: true }),
    async truncate(name, bytes) {
      const file = await openPlain(pathOf(name), O_RDWR);
      await using(file, async () => {
        await file.truncate(bytes);
        await file.datasync();
      });
    },
    async syncNames() {
      const folder = await open(directory, O_RDONLY);
      await using(folder, () => folder.sync());
    },
  };
}

class SystemFile implements DataFile {
  readonly #file: FileHandle;
  readonly #path: string;
  /** The same file, whose writes are on the disk when they end; undefined until the first of them. */
  #durable: FileHandle | undefined;
  #end: number;
  /** The write that was begun last, which nothing is closed under. */
  #writing: Promise<number> | undefined;

  constructor(file: FileHandle, path: string, end = 0) {
    this.#file = file;
    this.#path = path;
    this.#end = end;
  }

  append(pieces: readonly Uint8Array[]): Promise<void> {
    return this.#append(this.#file, pieces);
  }

  async appendSynced(pieces: readonly Uint8Array[]): Promise<void> {
    if (WRITES_SYNC) {
      this.#durable ??= await openPlain(this.#path, O_WRONLY | O_DSYNC);
      await this.#append(this.#durable, pieces);
    } else {
      await this.append(pieces);
      await this.sync();
    }
  }

  async #append(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
    let rest = pieces;
    while (rest.length > 0) {
      const writing = writtenBytes(file, rest, this.#end);
      this.#writing = writing;
      const bytes = await writing;
      this.#end += bytes;
      rest = behind(rest, bytes);
    }
  }

  async rewrite(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#file.write(bytes, at, bytes.length - at, at)).bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => {});
    await this.#durable?.close();
    await this.#file.close();
  }
}

/** Writes pieces at a place, or the first of them; that of a FileHandle takes 15 us more of its thread. */
function writtenBytes(file: FileHandle, pieces: readonly Uint8Array[], place: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(file.fd, pieces, place, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });
}

/**
 * Opens a file that is there. A link is not followed, and opening a pipe waits for nobody. Throws READ_FAILED
 * for anything but a plain file: somebody else has put it there.
 */
async function openPlain(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, mode).catch(
    (error: NodeJS.ErrnoException) => {
      throw OF_NO_FILE.has(error.code) ? noPlainFile(path, error) : error;
    },
  );
  try {
    if (!(await file.stat()).isFile()) throw noPlainFile(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

function noPlainFile(file: string, cause?: Error): FastcacheError {
  return new FastcacheError(
    'READ_FAILED',
    'It is no plain file, but a link, a directory, a pipe or a device, of which a data directory has none. ' +
      'Nothing was changed. Find out who has put it there, and put the file itself in its place.',
    { file, cause },
  );
}

/** Returns what is left of pieces of which the first `bytes` bytes are written. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    const taken = Math.min(left, piece.length);
    left -= taken;
    if (taken < piece.length) rest.push(piece.subarray(taken));
  }
  return rest;
}

async function using<T>(file: FileHandle, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } finally {
    await file.close();
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

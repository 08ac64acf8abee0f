/** The files of a data directory on the system's disk. */
import { constants, writev } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FastcacheError } from '../errors.js';
import { fileBlocks } from '../files/file-blocks.js';
import { orClosed } from '../files/or-closed.js';
import { roomStart } from '../files/room-start.js';
import { isSegment } from '../frame/room.js';
import { lockDirectory } from '../transport/directory-lock.js';
import type { DataFile, DataFiles } from './data-files.js';
import { FileRoom } from './file-room.js';

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
      const file = await openPlain(pathOf(name), O_RDONLY);
      yield* fileBlocks(file, from, await orClosed(file, () => roomStart(file, name)));
    },
    async size(name) {
      const stats = await lstat(pathOf(name)).catch(unlessMissing);
      if (stats?.isFile() === false) throw noPlainFile(pathOf(name));
      if (stats === undefined || !isSegment(name)) return stats?.size;
      const file = await openPlain(pathOf(name), O_RDONLY);
      return using(file, () => roomStart(file, name));
    },
    async create(name, own = mode) {
      const path = pathOf(name);
      return new SystemFile(await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, own), path);
    },
    async reopen(name, bytes) {
      const path = pathOf(name);
      const file = await openPlain(path, O_WRONLY | O_CREAT, mode);
      await orClosed(file, () => file.truncate(bytes));
      return new SystemFile(file, path, bytes);
    },
    rename: (from, to) => rename(pathOf(from), pathOf(to)),
    async shorten(name, bytes) {
      const path = pathOf(name);
      const { size = 0 } = (await lstat(path).catch(unlessMissing)) ?? {};
      if (size <= bytes) return false;
      const file = await openPlain(path, O_WRONLY);
      await using(file, () => file.truncate(size - bytes));
      return true;
    },
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

/** A synced write of more bytes gains nothing by room. */
const ROOMED_BYTES = 65_536;

class SystemFile implements DataFile {
  readonly #file: FileHandle;
  readonly #path: string;
  /** The same file, whose writes are on the disk when they end; undefined until the first of them. */
  #durable: FileHandle | undefined;
  readonly #room: FileRoom;
  #end: number;
  /** The write that was begun last, which nothing is closed under. */
  #writing: Promise<void> | undefined;

  constructor(file: FileHandle, path: string, end = 0) {
    this.#file = file;
    this.#path = path;
    this.#room = new FileRoom(file);
    this.#end = end;
  }

  append(pieces: readonly Uint8Array[]): Promise<void> {
    return this.#append(this.#file, pieces);
  }

  appendSynced(pieces: readonly Uint8Array[]): Promise<void> {
    if (!WRITES_SYNC) return this.append(pieces).then(() => this.sync());
    const bytes = lengthOf(pieces);
    if (bytes <= ROOMED_BYTES) this.#room.plan(this.#end + bytes);
    return this.#durable === undefined ? this.#appendDurably(pieces) : this.#append(this.#durable, pieces);
  }

  async #appendDurably(pieces: readonly Uint8Array[]): Promise<void> {
    this.#durable = await openPlain(this.#path, O_WRONLY | O_DSYNC);
    await this.#append(this.#durable, pieces);
  }

  #append(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
    const zeros = this.#room.before(this.#end + lengthOf(pieces));
    this.#writing =
      zeros === undefined ? this.#write(file, pieces) : zeros.then(() => this.#write(file, pieces));
    return this.#writing;
  }

  /** Writes the pieces at the end; that of a FileHandle takes 15 us more of its thread. */
  #write(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const write = (rest: readonly Uint8Array[]) => {
        writev(file.fd, rest, this.#end, (error, bytes) => {
          if (error !== null) return reject(error);
          this.#end += bytes;
          const left = behind(rest, bytes);
          return left.length === 0 ? resolve() : write(left);
        });
      };
      write(pieces);
    });
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
    await this.#room.giveBack(this.#end);
    await this.#durable?.close();
    await this.#file.close();
  }
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
  return orClosed(file, async () => {
    if (!(await file.stat()).isFile()) throw noPlainFile(path);
    return file;
  });
}

function noPlainFile(file: string, cause?: Error): FastcacheError {
  return new FastcacheError(
    'READ_FAILED',
    'It is no plain file, but a link, a directory, a pipe or a device, of which a data directory has none. ' +
      'Nothing was changed. Find out who has put it there, and put the file itself in its place.',
    { file, cause },
  );
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
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

/** The files of a data directory on the system's disk. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileBlocks } from '../files/file-blocks.js';
import { lockDirectory } from '../transport/directory-lock.js';
import type { DataFile, DataFiles } from './data-files.js';

const DIRECTORY_MODE = 0o700;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

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
      const file = await open(pathOf(name)).catch(unlessMissing);
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
      yield* fileBlocks(await open(pathOf(name)), from);
    },
    async size(name) {
      return (await stat(pathOf(name)).catch(unlessMissing))?.size;
    },
    async create(name) {
      return new SystemFile(
        await open(pathOf(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND, mode),
        pathOf(name),
      );
    },
    rename: (from, to) => rename(pathOf(from), pathOf(to)),
    remove: (name) => rm(pathOf(name), { force: true }),
    async truncate(name, bytes) {
      await truncate(pathOf(name), bytes);
      const file = await open(pathOf(name));
      await using(file, () => file.datasync());
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
  /** The file without appending, once it was asked for: Linux appends whatever the position says. */
  #placed: FileHandle | undefined;

  constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    let rest = pieces;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#file.writev(rest as Uint8Array[]);
      rest = behind(rest, bytesWritten);
    }
  }

  async rewrite(bytes: Uint8Array): Promise<void> {
    this.#placed ??= await open(this.#path, O_WRONLY);
    await this.#placed.write(bytes, 0, bytes.length, 0);
  }

  sync(): Promise<void> {
    return this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#placed?.close();
    await this.#file.close();
  }
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

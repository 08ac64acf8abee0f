/**
 * The lock of a directory (docs/data-directory.md, "The lock"): a Unix socket in it on which the process that
 * has the directory listens. Its name has a number, and each process that finds the highest one deserted
 * takes the next: to make a name is what only one of several can do, and one in use is never removed.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { link, readdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** The name of a lock, without its number. */
const NAME = /^lock-(\d{1,9})$/;

/** A lock that this process has. */
export interface DirectoryLock {
  /** Gives the directory to others. */
  release(): Promise<void>;
}

/** Resolves with whether a process has a directory, where nothing is changed. Rejects with system errors. */
export async function isDirectoryLocked(directory: string): Promise<boolean> {
  const { short, close } = shortPath(directory);
  try {
    const numbers = await numbersIn(directory);
    return numbers.length > 0 && (await isHeld(join(short, `lock-${Math.max(...numbers)}`)));
  } finally {
    close();
  }
}

/** Resolves with the lock of a directory; undefined: another process has it. Rejects with system errors. */
export async function lockDirectory(directory: string): Promise<DirectoryLock | undefined> {
  const { short, close } = shortPath(directory);
  const own = `lock-${process.pid}-${randomBytes(6).toString('hex')}`;
  let server: Server | undefined;
  try {
    server = await listenAt(join(short, own));
    const number = await takeNumber(directory, short, own);
    if (number !== undefined) {
      const listening = server;
      return {
        async release() {
          await removeNames(directory, number);
          await closed(listening);
          close();
        },
      };
    }
  } catch (error) {
    if (server !== undefined) await closed(server);
    close();
    throw error;
  } finally {
    await unlink(join(directory, own)).catch(() => {});
  }
  await closed(server);
  close();
  return undefined;
}

/** Returns a name of a directory, until `close`: a socket's address has room for about a hundred bytes. */
function shortPath(directory: string): { short: string; close(): void } {
  if (process.platform !== 'linux') return { short: directory, close() {} };
  const fd = openSync(directory, 'r');
  return { short: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}

/** Makes the first name behind all deserted ones; undefined: somebody listens. */
async function takeNumber(directory: string, short: string, own: string): Promise<number | undefined> {
  const numbers = await numbersIn(directory);
  for (let number = Math.max(1, ...numbers); ; number += 1) {
    try {
      await link(join(directory, own), join(directory, `lock-${number}`));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isHeld(join(short, `lock-${number}`))) return undefined;
  }
}

async function numbersIn(directory: string): Promise<number[]> {
  return (await readdir(directory)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
}

/** Removes the names up to this one, which is last: those before it are deserted. */
async function removeNames(directory: string, last: number): Promise<void> {
  for (const number of (await numbersIn(directory)).sort((one, other) => one - other)) {
    if (number <= last) await unlink(join(directory, `lock-${number}`)).catch(() => {});
  }
}

function listenAt(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server));
    // It alone keeps no process running.
    server.unref();
  });
}

function isHeld(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      // A queue that is full is one of somebody who listens.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

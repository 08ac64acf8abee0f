/** The lock of a directory: one process has it, and a crash leaves it to the next. */
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type DirectoryLock, lockDirectory } from '../../src/transport/directory-lock.js';

const root = mkdtempSync(join(tmpdir(), 'fastcache-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
function newDirectory(): string {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  return directory;
}

/** Leaves a socket on which nobody listens, as a process does that was killed. */
async function desert(directory: string, name: string): Promise<void> {
  const server = createServer();
  const own = join(directory, 'own');
  await new Promise<void>((resolve) => server.listen(own, resolve));
  linkSync(own, join(directory, name));
  await new Promise((resolve) => server.close(resolve));
}

const isLock = (lock: DirectoryLock | undefined): lock is DirectoryLock => lock !== undefined;

it('is had by one, and by the next once it is released', async () => {
  const directory = newDirectory();
  const first = await lockDirectory(directory);
  expect(await lockDirectory(directory)).toBeUndefined();
  await first!.release();
  expect(readdirSync(directory)).toEqual([]);
  const second = await lockDirectory(directory);
  await second!.release();
});

it('that was left by a crash is taken by one of all who come, and leaves nothing behind', async () => {
  for (let round = 0; round < 20; round += 1) {
    const directory = newDirectory();
    await desert(directory, 'lock-1');
    const locks = await Promise.all(Array.from({ length: 8 }, () => lockDirectory(directory)));
    const [lock, ...others] = locks.filter(isLock);
    expect(others).toEqual([]);
    await lock!.release();
    expect(readdirSync(directory)).toEqual([]);
  }
});

it('works where the name of the directory is longer than the address of a socket may be', async () => {
  const directory = join(newDirectory(), 'x'.repeat(200));
  mkdirSync(directory);
  const lock = await lockDirectory(directory);
  expect(await lockDirectory(directory)).toBeUndefined();
  await lock!.release();
});

/** A file in blocks: all bytes in their order, from any place on, from a pipe too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { blocksOf, fileBlocks } from '../../src/files/file-blocks.js';
import { RandomSource } from '../support/random.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-blocks-'));
afterAll(() => rmSync(directory, { recursive: true }));
const random = new RandomSource(1);

async function all(blocks: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const block of blocks) copies.push(Buffer.from(block));
  return Buffer.concat(copies);
}

it.each([0, 1, 4_096, 4_097, 1_048_576, 3_000_001])('a file of %i bytes is read whole', async (bytes) => {
  const path = join(directory, `of-${bytes}`);
  const content = random.bytes(bytes);
  writeFileSync(path, content);
  expect((await all(blocksOf(path))).equals(content)).toBe(true);
  const from = Math.floor(bytes / 3);
  expect((await all(fileBlocks(await open(path), from))).equals(content.subarray(from))).toBe(true);
  expect(await all(fileBlocks(await open(path), bytes + 1))).toHaveLength(0);
});

it('a pipe is read to its end', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const content = random.bytes(300_000);
  const [read] = await Promise.all([
    all(blocksOf(pipe)),
    open(pipe, 'w').then(async (writer) => {
      await writer.writeFile(content);
      await writer.close();
    }),
  ]);
  expect(read.equals(content)).toBe(true);
});

it('a file that is not read to its end is closed, and a fault is thrown to whoever asks for the next', async () => {
  const path = join(directory, 'left');
  writeFileSync(path, random.bytes(3_000_000));
  const file = await open(path);
  const blocks = fileBlocks(file);
  await blocks.next();
  await blocks.return();
  expect(file.fd).toBe(-1);
  await expect(all(blocksOf(directory))).rejects.toMatchObject({ code: 'EISDIR' });
});

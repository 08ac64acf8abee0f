/** A dump that is being written, when it is given up in the midst of that. */
import { expect, it } from 'vitest';
import { DumpFile } from '../../src/data/dump-file.js';
import { baseName } from '../../src/data/manifest.js';
import { DumpBuilder } from '../support/dump-builder.js';
import { LossyDisk } from '../support/lossy-disk.js';

it('a dump that is closed while it is written takes nothing more', async () => {
  const files = new LossyDisk();
  const file = await DumpFile.create(files, baseName(1), async () => {});
  const builder = new DumpBuilder(4);
  const under = file.append([builder.begin()]);
  const closed = file.close();
  await expect(file.append([builder.chunk(0, true)])).rejects.toThrow('is closed');
  await Promise.all([under, closed]);
  expect(file.bytes).toBe(file.writtenBytes);
});

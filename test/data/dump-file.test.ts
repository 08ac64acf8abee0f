/** A dump that is being written: given up in the midst of that, and synced with each write. */
import { expect, it } from 'vitest';
import { DumpFile } from '../../src/data/dump-file.js';
import { baseName, segmentName } from '../../src/data/manifest.js';
import { readMark } from '../../src/data/sync-mark.js';
import { indexPath } from '../../src/frame/index-entry.js';
import { DataNode } from '../support/data-node.js';
import { DumpBuilder } from '../support/dump-builder.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';
import { RandomSource } from '../support/random.js';

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

it.each([true, false])(
  'a synced write is on the disk with its index, behind others too: %s',
  async (isBehind) => {
    const files = new LossyDisk();
    const name = segmentName(1);
    const file = await DumpFile.create(files, name, async () => {});
    await files.syncNames();
    const builder = new DumpBuilder(4);
    if (isBehind) await file.append([builder.begin()]);
    await file.appendSynced([isBehind ? builder.chunk(0, true) : builder.begin()]);
    const [dump, index] = [name, indexPath(name)].map((each) => Buffer.from(files.bytesOf(each)!));
    expect(await readMark(files, name)).toBe(0);
    await file.mark();
    expect(await readMark(files, name)).toBe(dump!.length);
    files.crash(new RandomSource(1));
    expect(files.bytesOf(name)).toEqual(dump);
    expect(files.bytesOf(indexPath(name))).toEqual(index);
  },
);

it('with fsync always the mark follows what is written', async () => {
  const files = new LossyDisk();
  const node = await DataNode.start({ files, fsync: 'always', segmentBytes: 1_000_000 });
  for (let at = 0; at < 3; at += 1) {
    expect(await node.set(`key ${at}`, 'value')).toBe(true);
    const bytes = files.bytesOf(segmentName(1))!.length;
    await eventually(
      () => readMark(files, segmentName(1)),
      (marked) => marked >= bytes,
    );
  }
  await node.stop();
});

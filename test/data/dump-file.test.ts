/** A dump that is being written: given up in the midst of that, and synced with each write. */
import { expect, it } from 'vitest';
import { DumpFile } from '../../src/data/dump-file.js';
import { baseName, segmentName } from '../../src/data/manifest.js';
import { completeIndex, SegmentIndex } from '../../src/data/segment-index.js';
import { readMark } from '../../src/data/sync-mark.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { INDEX_ENTRY_BYTES, indexPath } from '../../src/frame/index-entry.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
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
  'a synced write is on the disk with its seal, behind others too: %s',
  async (isBehind) => {
    const files = new LossyDisk();
    const name = segmentName(1);
    const file = await DumpFile.create(files, name, async () => {});
    await files.syncNames();
    const builder = new DumpBuilder(4);
    if (isBehind) await file.append([builder.begin()]);
    await file.appendSealed([isBehind ? builder.chunk(0, true) : builder.begin()], true);
    const dump = Buffer.from(files.bytesOf(name)!);
    expect(await readMark(files, name)).toBe(0);
    expect(files.bytesOf(indexPath(name))).toHaveLength(0);
    expect(file.indexedBytes).toBe(0);
    await file.mark();
    expect(await readMark(files, name)).toBe(dump.length);
    expect(file.indexedBytes).toBe(dump.length);
    const index = Buffer.from(files.bytesOf(indexPath(name))!);
    files.crash(new RandomSource(1));
    // Behind it is room.
    expect(files.bytesOf(name)!.subarray(0, dump.length)).toEqual(dump);
    await files.truncate(name, dump.length);
    await completeIndex(files, name, index.length);
    expect(files.bytesOf(indexPath(name))).toEqual(index);
  },
);

it('frames that no seal proves are synced with their index', async () => {
  const files = new LossyDisk();
  const name = segmentName(1);
  const file = await DumpFile.create(files, name, async () => {});
  await files.syncNames();
  await file.append([new DumpBuilder(4).begin()]);
  await file.sync();
  const index = Buffer.from(files.bytesOf(indexPath(name))!);
  expect(index).toHaveLength(2 * INDEX_ENTRY_BYTES);
  files.crash(new RandomSource(1));
  expect(files.bytesOf(indexPath(name))).toEqual(index);
});

it('an index is written when much of it has gathered, and by two at once in order', async () => {
  const files = new LossyDisk();
  const name = segmentName(1);
  const file = await DumpFile.create(files, name, async () => {});
  const frame = encodeFrame(FrameKind.Ack, encodeWatermarks([1n]));
  await file.appendSealed(new Array(4_094).fill(frame), false);
  const entryBytes = files.bytesOf(indexPath(name))!.length;
  expect(entryBytes).toBe(4_096 * INDEX_ENTRY_BYTES);
  expect(file.indexedBytes).toBe(file.writtenBytes);
  await file.appendSealed([frame], false);
  expect(files.bytesOf(indexPath(name))).toHaveLength(entryBytes);
  await Promise.all([file.writeIndex(), file.appendSealed([frame], false), file.writeIndex()]);
  await file.writeIndex();
  expect(files.bytesOf(indexPath(name))).toHaveLength(entryBytes + 4 * INDEX_ENTRY_BYTES);
  let covered = 0;
  for await (const entries of new SegmentIndex(files, name).entries())
    covered = entries.end(entries.length - 1);
  expect(covered).toBe(file.bytes);
  await file.close();
});

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

/** A start with a torn end and with an index that is damaged: its work besides loading the content. */
import { describe, expect, it } from 'vitest';
import { segmentName } from '../../src/data/manifest.js';
import type { FastcacheError } from '../../src/errors.js';
import { INDEX_ENTRY_BYTES, indexPath } from '../../src/frame/index-entry.js';
import { DataNode } from '../support/data-node.js';
import { LossyDisk } from '../support/lossy-disk.js';

const SEGMENT = segmentName(1);
const TORN = `${SEGMENT}.torn`;

/** A disk with a segment of 20 records, whose server was killed. */
async function killedDisk(): Promise<LossyDisk> {
  const disk = new LossyDisk();
  const node = await DataNode.start({ files: disk, segmentBytes: 1_000_000 });
  for (let at = 0; at < 20; at += 1) await node.set(`key ${at}`, 'x'.repeat(100));
  node.kill();
  disk.kill();
  return disk;
}

describe('a torn end', () => {
  const TEAR = Buffer.from('what was never synced');

  async function tornDisk(): Promise<LossyDisk> {
    const disk = await killedDisk();
    disk.damage(SEGMENT, (bytes) => Buffer.concat([bytes, TEAR]));
    return disk;
  }

  it.each(['create', 'append', 'sync', 'syncNames'] as const)(
    'that cannot be kept aside, as %s fails, ends the start with its place, and nothing is cut',
    async (failing) => {
      const disk = await tornDisk();
      const before = disk.bytesOf(SEGMENT)!;
      let isKeeping = false;
      disk.before = (operation, name) => {
        isKeeping ||= name === TORN && operation === 'create';
        if (!isKeeping || operation !== failing) return;
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      };
      const fault = await DataNode.start({ files: disk }).then(
        () => undefined,
        (error: FastcacheError) => error,
      );
      expect(fault).toMatchObject({ code: 'WRITE_FAILED', file: disk.pathOf(TORN) });
      expect(fault?.message).toContain(`ends in a tear at byte ${before.length - TEAR.length}`);
      expect(fault?.message).toContain('ENOSPC: no space left on device');
      expect(disk.bytesOf(SEGMENT)).toEqual(before);
      // The part of the copy that a full disk has taken would be in the way of more room.
      expect(disk.bytesOf(TORN)).toBeUndefined();
      disk.before = () => {};
      const next = await DataNode.start({ files: disk });
      expect(next.engine.keyCount()).toBe(20);
      expect(disk.bytesOf(TORN)).toEqual(TEAR);
      await next.stop();
    },
  );

  it.each(['truncate', 'rename'] as const)(
    'that is kept aside is no fault of reading when %s fails behind that',
    async (failing) => {
      const disk = await tornDisk();
      disk.before = (operation) => {
        if (operation === failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      };
      await expect(DataNode.start({ files: disk })).rejects.toMatchObject({
        code: 'WRITE_FAILED',
        message: 'The data directory cannot be used: EIO: i/o error.',
      });
      expect(disk.bytesOf(TORN)).toEqual(TEAR);
      disk.before = () => {};
      const next = await DataNode.start({ files: disk });
      expect(next.engine.keyCount()).toBe(20);
      await next.stop();
    },
  );
});

describe('an index of a sealed segment', () => {
  async function sealedDisk(): Promise<LossyDisk> {
    const disk = new LossyDisk();
    const node = await DataNode.start({ files: disk, segmentBytes: 1_000_000 });
    for (let at = 0; at < 20; at += 1) await node.set(`key ${at}`, 'x'.repeat(100));
    await node.stop();
    return disk;
  }

  /** Offset of the frame with this entry, the header's being that of no frame. */
  const offsetOf = (index: Buffer, entry: number) => Number(index.readBigUInt64LE(entry * INDEX_ENTRY_BYTES));

  it.each([
    [
      'that is damaged in its middle',
      7,
      (bytes: Buffer) => bytes.fill(0xee, 7 * INDEX_ENTRY_BYTES, 8 * INDEX_ENTRY_BYTES),
    ],
    ['that ends before it does', 7, (bytes: Buffer) => bytes.subarray(0, 7 * INDEX_ENTRY_BYTES)],
    ['that is empty', undefined, () => Buffer.alloc(0)],
  ])('%s is named at the start, which goes on without it', async (_, entry, change) => {
    const disk = await sealedDisk();
    const index = Buffer.from(disk.bytesOf(indexPath(SEGMENT))!);
    disk.damage(indexPath(SEGMENT), change);
    const next = await DataNode.start({ files: disk });
    expect(next.engine.keyCount()).toBe(20);
    const offset = entry === undefined ? 0 : offsetOf(index, entry);
    expect(next.opened.notes).toEqual([
      expect.stringContaining(
        `${disk.pathOf(indexPath(SEGMENT))} has no sound entry for byte ${offset} of its dump and what is behind`,
      ),
    ]);
    await next.stop();
  });

  it('that is missing is named, and one that is whole is not', async () => {
    const disk = await sealedDisk();
    const second = await DataNode.start({ files: disk });
    expect(second.opened.notes).toEqual([]);
    await second.stop();
    await disk.remove(indexPath(SEGMENT));
    const third = await DataNode.start({ files: disk });
    expect(third.opened.notes).toEqual([expect.stringContaining('no sound entry for byte 0')]);
    await third.stop();
  });
});

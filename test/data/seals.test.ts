/** The frames of a segment that count behind the end of its index: those that its seals prove. */
import { describe, expect, it } from 'vitest';
import { CheckedDump, type DumpEnd } from '../../src/data/checked-dump.js';
import { DumpFile } from '../../src/data/dump-file.js';
import { segmentName } from '../../src/data/manifest.js';
import { MAX_SEALED_FRAMES, Sealing } from '../../src/data/sealing.js';
import { completeIndex, SegmentIndex } from '../../src/data/segment-index.js';
import { encodeMark, markName } from '../../src/data/sync-mark.js';
import type { FastcacheError } from '../../src/errors.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { INDEX_ENTRY_BYTES, indexPath } from '../../src/frame/index-entry.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { decodeSeal } from '../../src/frame/seal.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { Indexer } from '../../src/frame-index/indexer.js';
import { batch, del, hello, ofFirst, ofSecond, set } from '../support/data-fixture.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { piecesOf } from '../support/pieces.js';
import { RandomSource } from '../support/random.js';

const NAME = segmentName(1);
const INDEX = indexPath(NAME);
const SEAL_FRAME_BYTES = 36;
const PAGE_BYTES = 64;

const GROUPS: readonly (readonly Buffer[])[] = [
  [batch(set(1, 'a', 'first', 1))],
  [batch(set(2, 'b', 'x'.repeat(150), 1)), batch(set(3, 'c', 'third', 2)), batch(del(4, 'a', 2))],
  [batch(set(5, 'd', 'fifth', 3)), batch(set(6, 'e', 'sixth', 3))],
  [batch(set(7, 'd', 'svnth', 3)), batch(set(8, 'e', 'eigth', 3))],
];

interface Segment {
  readonly disk: LossyDisk;
  readonly bytes: Buffer;
  /** All of its index, of which the disk has the entry of the Hello. */
  readonly index: Buffer;
  /** The offset behind the Hello, and behind each seal. */
  readonly ends: readonly number[];
}

async function segmentOf(
  groups: readonly (readonly Buffer[])[],
  begin = hello(0, ofFirst),
): Promise<Segment> {
  const disk = new LossyDisk();
  const file = await DumpFile.create(disk, NAME, async () => {});
  await file.append([begin]);
  await file.sync();
  const ends = [file.bytes];
  for (const group of groups) {
    await file.appendSealed(group, true);
    ends.push(file.bytes);
  }
  await file.close();
  const bytes = Buffer.from(disk.bytesOf(NAME)!);
  const indexer = new Indexer();
  const index = indexer.push(bytes);
  indexer.close();
  return { disk, bytes, index, ends };
}

/** Returns how far a segment with these bytes counts, and what was found there. */
async function endOf(disk: LossyDisk, bytes: Buffer): Promise<DumpEnd & { frames: number }> {
  disk.damage(NAME, () => bytes);
  const dump = new CheckedDump(disk, { name: NAME, bytes: null });
  let frames = 0;
  await dump.frames(
    () => {
      frames += 1;
    },
    () => {},
  );
  expect(dump.uncheckedFrom).toBeUndefined();
  return { ...dump.end, frames };
}

/** Returns the last of the ends that is not behind `offset`. */
const endBefore = ({ ends }: Segment, offset: number) => ends.findLast((end) => end <= offset) ?? 0;

const changed = (bytes: Buffer, change: (copy: Buffer) => void) => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};

describe('a seal', () => {
  it('ends each group, and says how many frames it proves from where on', async () => {
    const { bytes, ends } = await segmentOf(GROUPS);
    const seals: unknown[] = [];
    new FrameSplitter().push(bytes, ({ header, wirePayload, offset }) => {
      if (header.kind !== FrameKind.Seal) return;
      const { start, frames } = decodeSeal(wirePayload);
      seals.push([start, frames, offset + SEAL_FRAME_BYTES]);
    });
    const sealAt = (at: number) => ends[at]! - SEAL_FRAME_BYTES;
    expect(seals).toEqual([
      [0, 2, ends[1]],
      [sealAt(1), 4, ends[2]],
      [sealAt(2), 3, ends[3]],
      [sealAt(3), 3, ends[4]],
    ]);
  });

  it('is the same when its group is sealed in one call and when it is taken in pieces', async () => {
    const random = new RandomSource(5);
    const value = (bytes: number) => 'v'.repeat(bytes);
    let sequence = 0;
    const batchOf = (bytes: number) => batch(set(++sequence, `key ${sequence}`, value(bytes), 1));
    // Groups of plain batches are sealed in one call; others, and those with a large one, are not.
    const groups = Array.from({ length: 60 }, () => {
      const most = random.chance(0.2) ? 200_000 : 0;
      const group = Array.from({ length: random.between(1, 9) }, () =>
        batchOf(random.pick([0, 5, 300, 5_000, most])),
      );
      if (random.chance(0.1)) group.push(encodeFrame(FrameKind.Ack, encodeWatermarks([1n])));
      if (random.chance(0.05)) group.push(batchOf(300_000));
      return group;
    });
    // The log of a stream hands out bytes without regard to frames.
    const { bytes, disk } = await segmentOf(
      groups.map((group) => piecesOf(Buffer.concat(group), () => random.between(1, 65_536))),
    );
    const indexer = new Indexer();
    const sealing = new Sealing();
    const pieces: Buffer[] = [];
    const take = (piece: Buffer) => {
      pieces.push(piece);
      const made = indexer.push(piece);
      sealing.take(pieces.length === 1 ? made.subarray(INDEX_ENTRY_BYTES) : made);
    };
    take(hello(0, ofFirst));
    for (const group of groups) {
      for (const piece of group) take(piece);
      take(sealing.seal());
    }
    indexer.close();
    sealing.close();
    expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
    expect((await endOf(disk, bytes)).tear).toBeUndefined();
  });

  it('has all before it count that is in no index', async () => {
    const segment = await segmentOf(GROUPS);
    const end = await endOf(segment.disk, segment.bytes);
    const { length } = segment.bytes;
    expect(end).toEqual({ bytes: length, tear: undefined, indexBytes: segment.index.length, frames: 13 });
  });
});

describe('a group counts whole or not at all', () => {
  it('when the segment is cut, at each byte', async () => {
    const segment = await segmentOf(GROUPS);
    for (let cut = segment.ends[0]!; cut < segment.bytes.length; cut += 1) {
      const { bytes, tear } = await endOf(segment.disk, segment.bytes.subarray(0, cut));
      expect(bytes, `cut at ${cut}`).toBe(endBefore(segment, cut));
      expect(tear === undefined, `cut at ${cut}`).toBe(bytes === cut);
    }
  });

  it('when any byte of it is another', async () => {
    const segment = await segmentOf(GROUPS);
    for (let at = segment.ends[0]!; at < segment.bytes.length; at += 1) {
      const bytes = changed(segment.bytes, (copy) => {
        copy[at]! ^= 1 << (at % 8);
      });
      const end = await endOf(segment.disk, bytes);
      expect(end.bytes, `byte ${at}`).toBe(endBefore(segment, at));
      expect(end.tear, `byte ${at}`).toBeDefined();
    }
  });

  it('when a page of it is zeros, or is not there while what follows is', async () => {
    const segment = await segmentOf(GROUPS);
    for (let at = segment.ends[0]!; at < segment.bytes.length; at += PAGE_BYTES / 2) {
      const zeroed = changed(segment.bytes, (copy) => copy.subarray(at, at + PAGE_BYTES).fill(0));
      expect((await endOf(segment.disk, zeroed)).bytes).toBe(endBefore(segment, at));
      const missing = Buffer.concat([segment.bytes.subarray(0, at), segment.bytes.subarray(at + PAGE_BYTES)]);
      expect((await endOf(segment.disk, missing)).bytes).toBe(endBefore(segment, at));
    }
  });

  it('when frames of it, or groups, have changed places', async () => {
    const segment = await segmentOf(GROUPS);
    const [, , second, third, fourth] = segment.ends as [number, number, number, number, number];
    const half = GROUPS[2]![0]!.length;
    expect(third - second).toBe(fourth - third);
    const frames = changed(segment.bytes, (copy) => {
      segment.bytes.copy(copy, second, second + half, second + 2 * half);
      segment.bytes.copy(copy, second + half, second, second + half);
    });
    expect((await endOf(segment.disk, frames)).bytes).toBe(second);
    const groups = changed(segment.bytes, (copy) => {
      segment.bytes.copy(copy, second, third, fourth);
      segment.bytes.copy(copy, third, second, third);
    });
    expect((await endOf(segment.disk, groups)).bytes).toBe(second);
  });

  it('when its seal is of another place, or all of it of another segment', async () => {
    const segment = await segmentOf(GROUPS);
    const [, , second, third, fourth] = segment.ends as [number, number, number, number, number];
    const seal = changed(segment.bytes, (copy) =>
      segment.bytes.copy(copy, fourth - SEAL_FRAME_BYTES, third - SEAL_FRAME_BYTES, third),
    );
    expect((await endOf(segment.disk, seal)).bytes).toBe(third);
    // The same groups at the same places, behind another first group.
    const others = [[batch(set(1, 'a', 'FIRST', 1))], ...GROUPS.slice(1)];
    const other = await segmentOf(others);
    expect(other.ends).toEqual(segment.ends);
    const mixed = changed(segment.bytes, (copy) => other.bytes.copy(copy, second, second, third));
    expect((await endOf(segment.disk, mixed)).bytes).toBe(second);
  });

  it('when a frame was put between, or taken out', async () => {
    const segment = await segmentOf(GROUPS);
    const [, first] = segment.ends as [number, number];
    const { length } = GROUPS[1]![0]!;
    const without = Buffer.concat([segment.bytes.subarray(0, first), segment.bytes.subarray(first + length)]);
    expect((await endOf(segment.disk, without)).bytes).toBe(first);
    const more = [segment.bytes.subarray(0, first), GROUPS[0]![0]!, segment.bytes.subarray(first)];
    expect((await endOf(segment.disk, Buffer.concat(more))).bytes).toBe(first);
  });
});

describe('with an index that ends before its segment', () => {
  it('at any byte, or is damaged at any entry, all counts, and the index is completed', async () => {
    const segment = await segmentOf(GROUPS);
    const { disk, bytes, index } = segment;
    const indexes = Array.from({ length: index.length }, (_, cut) => index.subarray(0, cut));
    for (let at = 0; at < index.length; at += INDEX_ENTRY_BYTES / 4) {
      indexes.push(changed(index, (copy) => copy.subarray(at, at + INDEX_ENTRY_BYTES).fill(0)));
    }
    for (const [at, stored] of indexes.entries()) {
      disk.damage(INDEX, () => stored);
      const end = await endOf(disk, bytes);
      expect(end, `index ${at}`).toMatchObject({ bytes: bytes.length, tear: undefined });
      await completeIndex(disk, NAME, end.indexBytes);
      expect(disk.bytesOf(INDEX)!.equals(index), `index ${at}`).toBe(true);
    }
  });

  it('what the index has counts without a seal', async () => {
    const { disk, bytes, index, ends } = await segmentOf(GROUPS);
    disk.damage(INDEX, () => index);
    const cut = bytes.subarray(0, ends[4]! - SEAL_FRAME_BYTES);
    expect(await endOf(disk, cut)).toMatchObject({ bytes: cut.length, tear: undefined });
  });

  it('an index that is ahead of its segment is cut', async () => {
    const { disk, bytes, index, ends } = await segmentOf(GROUPS);
    disk.damage(INDEX, () => index);
    const end = await endOf(disk, bytes.subarray(0, ends[2]));
    await completeIndex(disk, NAME, end.indexBytes);
    expect(end.bytes).toBe(ends[2]);
    expect(disk.bytesOf(INDEX)).toEqual(index.subarray(0, end.indexBytes));
    expect(end.indexBytes).toBe(index.length - 6 * INDEX_ENTRY_BYTES);
  });

  it('a segment that goes on behind another Hello counts as any other', async () => {
    const segment = await segmentOf(GROUPS, hello(100, ofSecond));
    expect((await endOf(segment.disk, segment.bytes)).bytes).toBe(segment.bytes.length);
  });
});

describe('a seal that does not fit', () => {
  /** A segment whose third group has another value, and that is marked as synced up to `end`. */
  async function damaged(marked: number): Promise<Segment> {
    const segment = await segmentOf(GROUPS);
    segment.disk.damage(markName(NAME), () => encodeMark(segment.ends[marked]!));
    const bytes = changed(segment.bytes, (copy) => {
      copy[segment.ends[2]! + 110]! ^= 1;
    });
    return { ...segment, bytes };
  }

  it('is damage before the bytes that are surely synced', async () => {
    const { disk, bytes, ends } = await damaged(3);
    const fault = await endOf(disk, bytes).catch((error: FastcacheError) => error);
    expect(fault).toMatchObject({ code: 'DATA_DAMAGED', offset: ends[2] });
    expect((fault as FastcacheError).message).toContain('a frame is not what the seal behind it says');
  });

  it('is a tear behind them', async () => {
    const { disk, bytes, ends } = await damaged(2);
    expect(await endOf(disk, bytes)).toMatchObject({ bytes: ends[2], tear: expect.stringContaining('seal') });
  });
});

it('more frames than one seal is for are read in memory that is bounded', async () => {
  const { disk, bytes } = await segmentOf([]);
  const frame = encodeFrame(FrameKind.Ack, encodeWatermarks([1n]));
  const many = Buffer.concat(new Array(3 * MAX_SEALED_FRAMES).fill(frame));
  disk.damage(NAME, () => Buffer.concat([bytes, many]));
  let read = 0;
  const { blocks } = disk;
  disk.blocks = async function* (...place) {
    for await (const block of blocks.apply(disk, place)) {
      read += block.length;
      yield block;
    }
  };
  const index = new SegmentIndex(disk, NAME);
  let entries = 0;
  for await (const some of index.entries()) entries += some.length;
  expect(entries).toBe(1);
  expect(read).toBeLessThan(bytes.length + 1.1 * MAX_SEALED_FRAMES * frame.length);
});

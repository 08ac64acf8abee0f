import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexDump, verifyDump } from '../../../src/frames/index.js';
import { DumpBuilder } from '../../support/dump-builder.js';

let folder: string;
let dump: string;
let frames: Buffer[];
let offsets: number[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-index-'));
  dump = join(folder, 'd.fcrp');
  const builder = new DumpBuilder(2);
  frames = Array.from({ length: 20 }, (_, at) => builder.batch(at % 2, 3, at === 7 ? 3_000_000 : 100));
  offsets = frames.map((_, at) => Buffer.concat(frames.slice(0, at)).length);
  writeFileSync(dump, Buffer.concat(frames));
  await indexDump(dump);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Flips one bit of the value that ends a frame. */
function flip(frame: number): void {
  const bytes = readFileSync(dump);
  const at = offsets[frame]! + frames[frame]!.length - 1;
  bytes[at]! ^= 0x10;
  writeFileSync(dump, bytes);
}

describe('a dump with an index', () => {
  it('is sound, and all of it was checked', async () => {
    const { isSound, index } = await verifyDump(dump);
    expect({ isSound, index }).toEqual({
      isSound: true,
      index: { state: 'used', frames: 20, bytes: readFileSync(dump).length },
    });
  });

  it.each([0, 1, 7, 19])(
    'with a flipped bit in a value of frame %i is not, and the frame is named',
    async (frame) => {
      flip(frame);
      const { isSound, faults, faultCount } = await verifyDump(dump);
      expect({ isSound, faultCount }).toEqual({ isSound: false, faultCount: 1 });
      expect(faults[0]).toMatchObject({
        fault: { code: 'FRAME_HASH_MISMATCH', file: dump, offset: offsets[frame] },
        isCutTail: false,
      });
    },
  );

  it('without its index passes for sound, and it is said that nothing was compared', async () => {
    flip(3);
    rmSync(`${dump}.idx`);
    expect(await verifyDump(dump)).toMatchObject({ isSound: true, index: { state: 'missing', frames: 0 } });
  });

  it('has damage that is found without the index once only', async () => {
    const bytes = readFileSync(dump);
    bytes[offsets[4]!]! ^= 1;
    writeFileSync(dump, bytes);
    const { faults } = await verifyDump(dump);
    expect(faults.map(({ fault }) => fault.code)).toEqual(['FCRP_BAD_MAGIC', 'SEQUENCE_GAP']);
  });

  it('has a torn tail that is no damage: inside a frame, and behind one', async () => {
    writeFileSync(dump, readFileSync(dump).subarray(0, -5));
    const inside = await verifyDump(dump);
    expect(inside).toMatchObject({ endsInsideLastFrame: true, faultCount: 1 });
    expect(inside.faults[0]).toMatchObject({
      fault: { code: 'FCRP_TRUNCATED', offset: offsets[19] },
      isCutTail: true,
    });
    writeFileSync(dump, readFileSync(dump).subarray(0, offsets[18]));
    const behind = await verifyDump(dump);
    expect(behind.faults).toMatchObject([
      { fault: { code: 'FCRP_TRUNCATED', offset: offsets[18], file: dump }, isCutTail: true },
    ]);
    expect(behind.faults[0]!.fault.message).toContain('its index has 2 more frames');
  });

  it('has damage that looks like a torn tail without the index, for the last frame was whole', async () => {
    const bytes = readFileSync(dump);
    bytes.writeUInt32LE(frames[19]!.length + 500, offsets[19]! + 8);
    bytes.writeUInt32LE(frames[19]!.length + 500, offsets[19]! + 12);
    writeFileSync(dump, bytes);
    const { faults, endsInsideLastFrame } = await verifyDump(dump);
    expect(faults).toMatchObject([{ fault: { offset: offsets[19] }, isCutTail: false }]);
    expect(endsInsideLastFrame).toBe(false);
    rmSync(`${dump}.idx`);
    expect(await verifyDump(dump)).toMatchObject({ endsInsideLastFrame: true });
  });

  it('is checked as far as the index goes', async () => {
    writeFileSync(`${dump}.idx`, readFileSync(`${dump}.idx`).subarray(0, 64 * 11 + 30));
    flip(15);
    expect(await verifyDump(dump)).toMatchObject({
      isSound: true,
      index: { state: 'used', frames: 10, bytes: offsets[10] },
    });
  });

  it('does not use the index of another dump', async () => {
    writeFileSync(dump, Buffer.concat(frames.slice(5)));
    expect(await verifyDump(dump)).toMatchObject({ index: { state: 'foreign' } });
  });

  it('does not get another index when it no longer fits the one it has', async () => {
    const before = readFileSync(`${dump}.idx`);
    flip(19);
    await expect(indexDump(dump)).rejects.toMatchObject({
      code: 'FRAME_HASH_MISMATCH',
      file: dump,
      offset: offsets[19],
    });
    expect(readFileSync(`${dump}.idx`)).toEqual(before);
  });
});

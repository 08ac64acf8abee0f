/** Files that count no longer are removed, large ones piece by piece. */
import { expect, it } from 'vitest';
import { Removals } from '../../src/data/removals.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { VirtualWorld } from '../support/virtual-world.js';

const MIB = 1_048_576;
const NAME = 'segment-00000001.fcrp';

/** A file of 30 MiB, on a disk that takes 2 ms to shorten it. */
async function largeFile() {
  const world = new VirtualWorld();
  const { clock, timers } = world.seams;
  const disk = new LossyDisk();
  const warnings: string[] = [];
  const log = { info() {}, error() {}, warn: (text: string) => warnings.push(text) };
  disk.delay = (run) => void timers.after(2, run);
  const file = disk.create(NAME);
  world.run(10);
  const write = (await settled(world, file)).append([Buffer.alloc(30 * MIB, 1)]);
  await settled(world, write);
  const removals = new Removals({ files: disk, clock, timers, log });
  return { world, disk, removals, warnings, bytes: () => disk.bytesOf(NAME)?.length };
}

/** Runs the world until a promise is settled. */
async function settled<T>(world: VirtualWorld, promise: Promise<T>): Promise<T> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  promise.then(end, end);
  for (let turns = 0; !isOver && turns < 10_000; turns += 1) {
    await new Promise(setImmediate);
    world.run(1);
  }
  return promise;
}

/** Runs the world for some ms, with what its promises bring in between. */
async function pass(world: VirtualWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1) {
    world.run(1);
    await new Promise(setImmediate);
  }
}

it('a large file goes in pieces, with pauses that leave the disk to others', async () => {
  const { world, removals, bytes } = await largeFile();
  const removal = removals.remove([NAME]);
  await pass(world, 4);
  expect(bytes()).toBe(22 * MIB);
  await pass(world, 12);
  expect(bytes()).toBe(22 * MIB);
  await pass(world, 10);
  expect(bytes()).toBe(14 * MIB);
  await settled(world, removal);
  expect(bytes()).toBeUndefined();
});

it.each(['hurry', 'stop'] as const)('%s ends the pauses: the rest goes at once', async (end) => {
  const { world, removals, bytes } = await largeFile();
  const removal = removals.remove([NAME]);
  await pass(world, 4);
  removals[end]();
  await pass(world, 4);
  await removal;
  expect(bytes()).toBeUndefined();
});

it('an urgent removal makes no pauses', async () => {
  const { world, removals, bytes } = await largeFile();
  const removal = removals.remove([NAME], { isUrgent: true });
  await pass(world, 4);
  await removal;
  expect(bytes()).toBeUndefined();
});

it('a hurry is of the removals under way, whichever was begun last, and the next one makes pauses again', async () => {
  const { world, removals, bytes } = await largeFile();
  const removal = removals.remove([NAME]);
  await pass(world, 4);
  await removals.remove([]);
  removals.hurry();
  await pass(world, 4);
  await removal;
  expect(bytes()).toBeUndefined();
  const again = await largeFile();
  again.removals.hurry();
  void again.removals.remove([NAME]);
  await pass(again.world, 8);
  expect(again.bytes()).toBe(22 * MIB);
});

it('a file that cannot be shortened is logged, and tried again', async () => {
  const { world, disk, removals, warnings, bytes } = await largeFile();
  disk.before = () => {
    throw new Error('EIO: i/o error');
  };
  await settled(world, removals.remove([NAME]));
  expect(warnings).toEqual([expect.stringContaining(`${NAME} is needed no more, and was not removed: EIO`)]);
  expect(bytes()).toBe(30 * MIB);
  disk.before = () => {};
  await pass(world, 10_100);
  expect(bytes()).toBeUndefined();
});

/** A dump takes the bytes of a stream in pieces, and all of them are written, however the writes fall. */
import { expect, it } from 'vitest';
import { DumpSink } from '../../src/data/dump-sink.js';
import { RandomSource } from '../support/random.js';
import { VirtualWorld } from '../support/virtual-world.js';

/** A sink into a file that takes some virtual ms for each write. */
function sinkOf(delayMs: () => number) {
  const world = new VirtualWorld();
  const { timers } = world.seams;
  const writes: number[] = [];
  const append = (pieces: readonly Buffer[]) =>
    new Promise<void>((resolve) => {
      writes.push(pieces.reduce((sum, { length }) => sum + length, 0));
      timers.after(delayMs(), resolve);
    });
  const faults: Error[] = [];
  const sink = new DumpSink({ append }, timers, (error) => faults.push(error));
  let drained = 0;
  sink.handlers.onDrain = () => {
    drained += 1;
  };
  /** Passes some ms, with what the promises bring in between. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1) {
      world.run(1);
      await new Promise(setImmediate);
    }
  };
  return { sink, writes, faults, pass, drained: () => drained };
}

it('gathers small pieces for some milliseconds, and writes much at once', async () => {
  const { sink, writes, pass } = sinkOf(() => 1);
  expect([sink.write(Buffer.alloc(100)), sink.write(Buffer.alloc(200))]).toEqual([true, true]);
  expect(writes).toEqual([]);
  await pass(10);
  expect(writes).toEqual([300]);
  expect(sink.write(Buffer.alloc(1_048_576))).toBe(false);
  expect(writes).toEqual([300, 1_048_576]);
});

it('goes on when the time to gather runs out while nothing waits', async () => {
  const { sink, writes, pass } = sinkOf(() => 1);
  sink.write(Buffer.alloc(100));
  await pass(2);
  // These are written with the first, whose time runs out a moment later.
  sink.write(Buffer.alloc(1_048_576));
  await pass(10);
  sink.write(Buffer.alloc(50));
  await pass(10);
  expect(writes).toEqual([1_048_676, 50]);
  expect(sink.bufferedBytes).toBe(0);
});

it.each([1, 2, 3, 4, 5])('writes all bytes, and asks for more behind each stop, seed %i', async (seed) => {
  const random = new RandomSource(seed);
  const { sink, writes, pass, drained } = sinkOf(() => random.below(8));
  let given = 0;
  for (let at = 0; at < 200; at += 1) {
    const bytes = random.below(400_000);
    given += bytes;
    const before = drained();
    if (!sink.write(Buffer.alloc(bytes))) {
      for (let waited = 0; drained() === before && waited < 100; waited += 1) await pass(1);
      expect(drained()).toBe(before + 1);
    }
    await pass(random.below(9));
  }
  const end = sink.written();
  await pass(50);
  await end;
  expect(writes.reduce((sum, bytes) => sum + bytes, 0)).toBe(given);
  expect([sink.sentBytes, sink.bufferedBytes]).toEqual([given, 0]);
});

it('names a fault', async () => {
  const { sink, faults, pass } = sinkOf(() => {
    throw new Error('EIO');
  });
  sink.write(Buffer.alloc(2_000_000));
  await pass(1);
  expect(faults).toEqual([expect.objectContaining({ message: 'EIO' })]);
});

it('writes nothing that gathers once it is given up', async () => {
  const { sink, writes, pass } = sinkOf(() => 1);
  sink.write(Buffer.alloc(10));
  sink.destroy();
  await pass(20);
  expect(writes).toEqual([]);
});

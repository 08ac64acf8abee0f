/** Cursors in a log whose blocks are used again: they read the bytes that were appended, whatever is held. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cursor, LogReader } from '../../../src/replication/stream/cursor.js';
import { FrameLog } from '../../../src/replication/stream/frame-log.js';

const SHARDS = 3;
const HEADER = Buffer.alloc(0);

/** A frame as it was appended. */
interface Appended {
  shard: number;
  sequence: bigint;
  bytes: Buffer;
  offset: number;
}

function logOf(maxBytes: number) {
  const appended: Appended[] = [];
  const dropped: number[] = [];
  const log = new FrameLog({
    watermarks: new Array<bigint>(SHARDS).fill(0n),
    maxBytes,
    dropped: (_shard, _last, _bytes, offset) => dropped.push(offset),
  });
  const append = (shard: number, frameBytes: number) => {
    const sequence = log.end.watermarks[shard]! + 1n;
    const bytes = Buffer.alloc(frameBytes, appended.length + 1);
    const { endOffset } = log;
    appended.push({ shard, sequence, bytes, offset: endOffset });
    log.append(shard, HEADER, bytes, sequence, appended.length);
  };
  return { log, append, appended, dropped };
}

/** Keeps what it has read as the log's own memory, as a socket does, until that is taken. */
class HoldingReader implements LogReader {
  readonly read: Buffer[] = [];
  readonly untaken: Buffer[] = [];
  isInterrupted = false;
  cursor!: Cursor;

  get untakenBytes(): number {
    return this.untaken.reduce((sum, { length }) => sum + length, 0);
  }

  ready(): void {}

  interrupt(): void {
    this.isInterrupted = true;
  }

  /** Reads a piece, which stays in use. */
  pull(): boolean {
    const piece = this.cursor.next();
    if (piece !== undefined) this.untaken.push(piece);
    return piece !== undefined;
  }

  /** Takes the oldest piece in use, as it is by now. */
  take(): void {
    const piece = this.untaken.shift();
    if (piece !== undefined) this.read.push(Buffer.from(piece));
  }

  finish(): Buffer {
    while (this.pull());
    while (this.untaken.length > 0) this.take();
    return Buffer.concat(this.read);
  }
}

function readerOf(log: FrameLog): HoldingReader {
  const reader = new HoldingReader();
  reader.cursor = log.open(reader);
  return reader;
}

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('append' as const),
      shard: fc.nat(SHARDS - 1),
      bytes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 9_000 })),
    }),
    fc.record({ kind: fc.constantFrom('pull' as const, 'take' as const, 'open' as const), index: fc.nat(9) }),
    fc.record({ kind: fc.constantFrom('skip' as const, 'close' as const), index: fc.nat(9) }),
  ),
  { maxLength: 200 },
);

describe('a log', () => {
  it('gives every cursor what was appended, whatever is dropped and used again meanwhile', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 500, 20_000), (run, maxBytes) => {
        const { log, append, appended } = logOf(maxBytes);
        const readers: { reader: HoldingReader; expected: () => Buffer }[] = [];
        const from = (offset: number) => () =>
          Buffer.concat(appended.filter((frame) => frame.offset >= offset).map(({ bytes }) => bytes));
        for (const step of run) {
          if (step.kind === 'append') append(step.shard, step.bytes);
          else if (step.kind === 'open') {
            readers.push({ reader: readerOf(log), expected: from(log.endOffset) });
          } else {
            const at = step.index % Math.max(1, readers.length);
            const found = readers[at];
            if (found === undefined) continue;
            if (step.kind === 'pull') found.reader.pull();
            else if (step.kind === 'take') found.reader.take();
            else if (step.kind === 'skip') {
              const { reader } = found;
              const read = Buffer.concat([...reader.read, ...reader.untaken]);
              const rest = reader.cursor.pause() ?? Buffer.alloc(0);
              log.invariants();
              reader.cursor.resume();
              const follows = from(log.endOffset);
              // The bytes that were read before, the rest of a frame that was read in part, and the frames
              // that come.
              const before = Buffer.concat([read, rest]);
              expect(found.expected().subarray(0, before.length)).toEqual(before);
              if (rest.length > 0) reader.untaken.push(rest);
              found.expected = () => Buffer.concat([before, follows()]);
            } else {
              found.reader.cursor.close();
              readers.splice(at, 1);
            }
          }
          log.invariants();
        }
        for (const { reader, expected } of readers) expect(reader.finish()).toEqual(expected());
      }),
    );
  });

  it('gives who comes back what it lacks of each shard, and then all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ shard: fc.nat(SHARDS - 1), bytes: fc.integer({ min: 1, max: 3_000 }) }), {
          maxLength: 80,
        }),
        fc.array(fc.nat(30), { minLength: SHARDS, maxLength: SHARDS }),
        (frames, lacked) => {
          const { log, append, appended } = logOf(1_000_000);
          for (const { shard, bytes } of frames) append(shard, bytes);
          const held = lacked.map((count, shard) => {
            const watermark = Number(log.end.watermarks[shard]);
            return BigInt(Math.max(0, watermark - count));
          });
          const offsets = held.map((sequence, shard) => {
            const place = log.firstAbove(shard, sequence);
            return place === undefined ? log.endOffset : place.block.frameStart(place.index);
          });
          const reader = readerOf(log);
          reader.cursor.rewind(Math.min(...offsets), Math.max(...offsets), held);
          const frameReader = readerOf(log);
          frameReader.cursor.rewind(Math.min(...offsets), Math.max(...offsets), held);
          append(0, 100);
          const expected = appended.filter(({ shard, sequence }) => sequence > held[shard]!);
          expect(reader.finish()).toEqual(Buffer.concat(expected.map(({ bytes }) => bytes)));
          const read: Buffer[] = [];
          const next = () => frameReader.cursor.nextFrame();
          for (let frame = next(); frame !== undefined; frame = next()) read.push(frame);
          expect(read).toEqual(expected.map(({ bytes }) => bytes));
        },
      ),
    );
  });

  it('uses the blocks again that nobody needs, so that a stream takes no fresh memory', () => {
    const { log, append } = logOf(20_000);
    const reader = readerOf(log);
    const memories = new Set<ArrayBufferLike>();
    for (let index = 0; index < 1_000; index += 1) {
      append(0, 1_000);
      while (reader.pull()) memories.add(reader.untaken.at(-1)!.buffer);
      while (reader.untaken.length > 3) reader.take();
    }
    expect(memories.size).toBeLessThan(12);
  });

  it('keeps the bytes of whoever left with some in use, and writes them never again', () => {
    const { log, append } = logOf(5_000);
    const reader = readerOf(log);
    append(0, 6_000);
    while (reader.pull());
    const copy = Buffer.concat(reader.untaken);
    reader.cursor.close();
    for (let index = 0; index < 100; index += 1) append(1, 4_000);
    expect(Buffer.concat(reader.untaken)).toEqual(copy);
  });

  it('keeps the bytes of whoever pauses within a long frame, of which the rest is a copy', () => {
    const { log, append, appended } = logOf(5_000);
    const reader = readerOf(log);
    append(0, 20_000);
    reader.pull();
    const rest = reader.cursor.pause();
    for (let index = 0; index < 20; index += 1) append(1, 4_000);
    expect(Buffer.concat([...reader.untaken, rest!])).toEqual(appended[0]!.bytes);
    log.invariants();
  });

  it('knows the watermarks and the number of frames at every place between two frames', () => {
    const { log, append, appended } = logOf(1_000_000);
    for (let index = 0; index < 200; index += 1) append(index % SHARDS, 1 + ((index * 977) % 5_000));
    const watermarks = new Array<bigint>(SHARDS).fill(0n);
    for (const [index, { shard, sequence, offset }] of appended.entries()) {
      expect(log.watermarksAt(offset)).toEqual(watermarks);
      expect(log.framesFrom(offset)).toBe(appended.length - index);
      watermarks[shard] = sequence;
    }
    expect(log.watermarksAt(log.endOffset)).toEqual(watermarks);
    expect(log.framesFrom(log.endOffset)).toBe(0);
  });

  it('keeps sequences and times that are far apart, and a shard that jumped', () => {
    const { log } = logOf(1_000_000);
    log.append(0, HEADER, Buffer.alloc(10), 5n, 1_000);
    log.append(0, HEADER, Buffer.alloc(10), 1n << 40n, 1_000 + 2 ** 33);
    log.pass(1, 1n << 50n);
    log.append(1, HEADER, Buffer.alloc(10), (1n << 50n) + 1n, 5);
    const place = log.firstAbove(0, 5n)!;
    expect(place.block.lastSequence(place.index)).toBe(1n << 40n);
    expect(place.block.timeMs(place.index)).toBe(1_000 + 2 ** 33);
    expect(log.firstAbove(1, 1n << 50n)?.block.frameStart(2)).toBe(20);
    expect(log.firstAbove(1, (1n << 50n) + 1n)).toBeUndefined();
    log.invariants();
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DumpLimits } from '../../../src/dump/choose/batch-limit.js';
import { dropExpired } from '../../../src/dump/fold/load.js';
import { FastcacheError } from '../../../src/errors.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { recordedPairs } from '../../../src/replication/history.js';
import { setRecord } from '../../support/decode-dumps.js';
import { type Compression, DumpBuilder } from '../../support/dump-builder.js';
import { contentOf, newEngine, StandingClock } from '../../support/engines.js';
import { foldBytes, Tape } from '../../support/fold-bytes.js';
import { hostileFrames } from '../../support/hostile-frames.js';
import { repositoryRoot } from '../../support/processes.js';
import { RandomSource } from '../../support/random.js';

const clockBase = 1_760_000_000_000n << 11n;
const key = (index: number) => Buffer.from(`key:${index}`);

/** A primary whose writes are taped, and some writes. */
function taped(compression: Compression = 'none', base = clockBase, seed = 1) {
  const clock = new StandingClock();
  const primary = newEngine({ clock, batchMaxRecords: 16 });
  primary.setWatermarks([base, base, base, base]);
  const tape = new Tape(primary, { compression });
  const random = new RandomSource(seed);
  const write = (count: number) => {
    for (let index = 0; index < count; index++) {
      const target = key(random.below(500));
      const expireAtMs = random.below(4) === 0 ? BigInt(clock.ms + random.below(5_000)) : undefined;
      const op = random.below(5);
      if (op === 0) primary.del(target);
      else if (op === 1) primary.expire(target, expireAtMs ?? 2n ** 64n - 1n);
      else primary.set(target, Buffer.alloc(random.below(300), index), expireAtMs);
      clock.pass(1);
    }
  };
  return { primary, tape, write, clock };
}

function faultOf(dump: Uint8Array, limits?: DumpLimits): FastcacheError {
  try {
    foldBytes(dump, limits);
  } catch (error) {
    if (error instanceof FastcacheError) return error;
    throw error;
  }
  throw new Error('there was no fault');
}

describe('a dump leads to what the primary held', () => {
  it.each(['none', 'zstd'] as const)('that recorded it from its start, %s', (compression) => {
    const { primary, tape, write } = taped(compression);
    write(5_000);
    const { store, watermarks, newestMs } = foldBytes(tape.bytes());
    expect(contentOf(store)).toEqual(contentOf(primary));
    expect(watermarks).toEqual(primary.watermarks());
    expect(newestMs).toBeGreaterThan(1_800_000_000_000);
  });

  it('that counts from 1, and wrote to one shard alone', () => {
    const build = new DumpBuilder(4);
    const { watermarks, store } = foldBytes(build.batch(0, 3));
    expect({ watermarks, keys: store.keyCount() }).toEqual({ watermarks: [3n], keys: 3 });
  });

  it('that sent a classic snapshot, and what was written meanwhile behind it', () => {
    const { primary, tape, write } = taped();
    write(2_000);
    tape.bytes();
    tape.frames.length = 0;
    tape.begin();
    const begun = primary.watermarks();
    const { frames } = tape;
    const held: Buffer[] = [];
    // Records that are written while the snapshot travels are held back.
    tape.chunks(0n, () => {
      write(20);
      primary.flush();
    });
    for (let index = frames.length - 1; index >= 0; index--) {
      if (frames[index]![5] === FrameKind.MutationBatch) held.unshift(...frames.splice(index, 1));
    }
    tape.end(begun);
    const cut = faultOf(tape.bytes());
    expect(cut).toMatchObject({ code: 'SNAPSHOT_OUT_OF_ORDER', offset: 0, file: 'dump' });
    expect(cut.message).toContain('brought to one moment');
    const { store, watermarks } = foldBytes(Buffer.concat([...frames, ...held]));
    expect(contentOf(store)).toEqual(contentOf(primary));
    expect(watermarks).toEqual(primary.watermarks());
  });

  it.each([1, 2, 3])(
    'that let batches and chunks travel in one order, the first of any number (%s)',
    (seed) => {
      const { primary, tape, write } = taped('none', clockBase, seed);
      write(3_000);
      tape.bytes();
      tape.frames.length = 0;
      tape.begin();
      tape.chunks(BigInt(seed * 7), () => write(50));
      write(10);
      tape.end();
      const { store, watermarks } = foldBytes(tape.bytes());
      expect(contentOf(store)).toEqual(contentOf(primary));
      expect(watermarks).toEqual(primary.watermarks());
      // A batch that is missing shows at the end.
      const lost = tape.frames.findIndex((frame) => frame[5] === FrameKind.MutationBatch);
      const lacking = faultOf(Buffer.concat(tape.frames.toSpliced(lost, 1)));
      expect(lacking.code).toBe('SEQUENCE_GAP');
    },
  );

  it('of which the newest whole snapshot replaces all', () => {
    const first = new DumpBuilder(4);
    const other = new DumpBuilder(2);
    const half = [other.begin(), other.chunk(9, false)];
    const { store, watermarks } = foldBytes(
      Buffer.concat([first.batch(1, 9), ...half, ...other.snapshot(2), other.batch(1, 1)]),
    );
    expect(watermarks).toEqual([0n, 1n]);
    expect(store.keyCount()).toBe(11);
    const hello = encodeHelloFrame({ role: 'replica' });
    const again = foldBytes(Buffer.concat([first.snapshot(2), half, hello, first.batch(1, 1)].flat()));
    expect(again.store.keyCount()).toBe(11);
  });

  it('of the crate: the golden dump ends in a snapshot', () => {
    const { store, watermarks } = foldBytes(readFileSync(join(repositoryRoot, 'fixtures/golden/all.fcrp')));
    expect(watermarks).toEqual([10n, 20n, 30n, 40n]);
    expect(store.keyCount()).toBe(100);
    const content = contentOf(store);
    expect(content.get('snap:0')).toMatch(/@1\d{12}$/);
    expect(content.get('snap:1')).toMatch(/@null$/);
  });

  it('of nothing, when its Hello says that there was nothing, and not otherwise', () => {
    const at = (watermark: bigint) =>
      encodeHelloFrame(
        { role: 'replica', watermarks: [watermark] },
        { margin: new Map(recordedPairs({ id: 'a'.repeat(32), base: 7n }, false)) },
      );
    expect(foldBytes(at(7n))).toMatchObject({ watermarks: [0n], newestMs: undefined });
    const empty = { code: 'DUMP_EMPTY' };
    for (const dump of [Buffer.alloc(0), at(8n), new DumpBuilder().ack()]) {
      expect(() => foldBytes(dump)).toThrowError(expect.objectContaining(empty));
    }
  });
});

describe('a part of a dump', () => {
  it('ends at a sequence of each shard, within a batch too', () => {
    const { primary, tape, write } = taped('none', 0n);
    const stops: { content: Map<string, string>; watermarks: bigint[] }[] = [];
    for (let round = 0; round < 20; round++) {
      write(37);
      stops.push({ content: contentOf(primary), watermarks: primary.watermarks() });
    }
    const dump = tape.bytes();
    for (const limit of [1n, 20n, 55n]) {
      const { watermarks } = foldBytes(dump, { endSequence: limit });
      expect(watermarks).toEqual([limit, limit, limit, limit]);
    }
    expect(contentOf(foldBytes(dump, { endSequence: 10_000n }).store)).toEqual(stops.at(-1)!.content);
    expect(foldBytes(dump, { endSequence: 0n }).store.keyCount()).toBe(0);
    for (const { content, watermarks: endWatermarks } of stops) {
      const { store, watermarks } = foldBytes(dump, { endWatermarks });
      expect([contentOf(store), watermarks]).toEqual([content, endWatermarks]);
    }
  });

  it('ends at a time: as the primary was then', () => {
    const { primary, tape, write, clock } = taped('zstd');
    write(400);
    const content = contentOf(primary);
    const untilMs = BigInt(clock.ms - 1);
    write(400);
    expect(contentOf(foldBytes(tape.bytes(), { untilMs }).store)).toEqual(content);
  });

  it('is not fooled by a clock that was set back', () => {
    const records = [1000n, 3000n, 2000n].map((timestampMs, index) =>
      setRecord({ sequence: BigInt(index + 1), timestampMs, value: Buffer.from(`${timestampMs}`) }),
    );
    const { store, watermarks } = foldBytes(encodeFrame(FrameKind.MutationBatch, encodeBatch(records)), {
      untilMs: 2500n,
    });
    expect(watermarks).toEqual([1n]);
    expect([...contentOf(store).values()]).toEqual(['1000 @null']);
  });

  it('takes no snapshot from behind its end', () => {
    const build = new DumpBuilder(2);
    const before = [...build.snapshot(1), build.batch(0, 3), build.batch(1, 3)];
    const later = [...build.snapshot(3), build.batch(0, 4), build.batch(1, 4)];
    const dump = Buffer.concat([...before, ...later]);
    expect(foldBytes(dump, { endSequence: 2n })).toMatchObject({ watermarks: [2n, 2n] });
    expect(foldBytes(dump, { endSequence: 3n })).toMatchObject({ watermarks: [3n, 3n] });
    expect(foldBytes(dump, { endSequence: 5n })).toMatchObject({ watermarks: [5n, 5n] });
    const unknown = faultOf(Buffer.concat(later), { endSequence: 2n });
    expect(unknown).toMatchObject({ code: 'BAD_OPTION', offset: 0, file: 'dump' });
    // The records between the link that was lost and the next snapshot are in no dump.
    const lost = Buffer.concat([...before.slice(0, -1), ...later]);
    expect(faultOf(lost, { endSequence: 2n }).code).toBe('BAD_OPTION');
    expect(foldBytes(lost, { endSequence: 4n }).watermarks).toEqual([4n, 4n]);
  });

  it('says so when a snapshot may be of a later time', () => {
    const build = new DumpBuilder(2);
    const dump = Buffer.concat([...build.snapshot(1), build.batch(0, 3)]);
    expect(faultOf(dump, { untilMs: 1_759_999_999_999n })).toMatchObject({ code: 'BAD_OPTION', offset: 0 });
    expect(foldBytes(dump, { untilMs: 1_760_000_000_000n }).watermarks).toEqual([3n, 0n]);
    const alone = Buffer.concat(new DumpBuilder(2).snapshot(1));
    expect(faultOf(alone, { untilMs: 1_760_000_000_000n })).toMatchObject({ code: 'BAD_OPTION', offset: 0 });
  });
});

describe('what a dump lacks', () => {
  it('is named with its place, unless a snapshot makes up for it', () => {
    const build = new DumpBuilder(2);
    const [one, two, three] = [build.batch(0, 2), build.batch(0, 2), build.batch(0, 2)];
    const fault = faultOf(Buffer.concat([one, three]));
    expect(fault).toMatchObject({ code: 'SEQUENCE_GAP', offset: one.length + 16 + 4 + 4, file: 'dump' });
    expect(fault.message).toBe('Shard 0 lacks the sequences 3 to 4.');
    expect(foldBytes(Buffer.concat([one, three, ...build.snapshot(1)])).store.keyCount()).toBe(5);
    expect(faultOf(Buffer.concat([two, three]))).toMatchObject({ code: 'SEQUENCE_GAP', offset: 24 });
    expect(foldBytes(Buffer.concat([one, two, two, one, three])).watermarks).toEqual([6n]);
  });

  it('shows too where a shard does not begin with the others', () => {
    const [here, there] = [new DumpBuilder(2, 'none', clockBase), new DumpBuilder(2, 'none', clockBase + 1n)];
    expect(faultOf(Buffer.concat([here.batch(0, 1), there.batch(1, 1)])).code).toBe('SEQUENCE_GAP');
    expect(faultOf(there.batch(1, 1)).message).toContain('in the middle of a history');
  });

  it('a snapshot that is not whole', () => {
    const build = new DumpBuilder(2);
    const [begin, one, two, end] = [build.begin(), build.chunk(0, false), build.chunk(1, true), build.end()];
    const first = new DumpBuilder(2).batch(0, 1);
    for (const frames of [
      [first, begin, one],
      [begin, one, end],
      [begin, two, one, end],
      [begin, one, one, end],
      [one, begin],
      [end],
      [begin, one, two, end, two],
    ]) {
      const fault = faultOf(Buffer.concat(frames));
      expect(fault).toMatchObject({ code: 'SNAPSHOT_OUT_OF_ORDER', exitCode: 65 });
      expect(fault.offset).toBeGreaterThanOrEqual(0);
    }
  });
});

it('what two empty histories in a row lead to begins with nothing, and only then', () => {
  const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32));
  const hello = (id: string | undefined, base: bigint, prev?: [string | undefined, bigint, bigint]) => {
    const pairs: [string, string][] = [
      ['history', id!],
      ['base', String(base)],
    ];
    if (prev !== undefined)
      pairs.push(['prev', `${prev[0]}@${prev[1]},${prev[1]}`], ['prevbase', String(prev[2])]);
    return encodeHelloFrame({ role: 'replica', watermarks: [base, base] }, { margin: new Map(pairs) });
  };
  const bases = [0n, 1n, 2n].map((minutes) => clockBase + ((minutes * 60_000n) << 11n));
  const build = new DumpBuilder(2, 'none', bases[2]);
  const records = build.batch(1, 3);
  const [first, second, third] = bases as [bigint, bigint, bigint];
  const empty = [
    hello(one, first),
    hello(two, second, [one, first, first]),
    hello(three, third, [two, second, second]),
  ];
  const { store, watermarks } = foldBytes(Buffer.concat([...empty, records]));
  expect(store.keyCount()).toBe(3);
  expect(watermarks).toEqual([third, third + 3n]);
  // The second had given out something, which the dump does not have.
  const full = [
    hello(one, first),
    hello(two, second, [one, first, first]),
    hello(three, third, [two, second + 1n, second]),
  ];
  expect(faultOf(Buffer.concat([...full, records]))).toMatchObject({ code: 'SEQUENCE_GAP' });
  expect(faultOf(Buffer.concat([hello(three, third, [two, second, second]), records]))).toMatchObject({
    code: 'SEQUENCE_GAP',
  });
});

describe('hostile dumps', () => {
  it('are refused with their place', () => {
    for (const { bytes, refusedBy, name } of hostileFrames) {
      if (refusedBy === 'frame') continue;
      const fault = faultOf(bytes);
      expect([name, fault.exitCode]).toEqual([name, 65]);
      expect(fault.offset).toBeGreaterThanOrEqual(0);
    }
  });

  it('are folded or refused, wherever they are damaged', () => {
    const { tape, write } = taped();
    write(40);
    tape.bytes();
    tape.begin();
    tape.chunks(5n, () => write(2), 1024);
    tape.end();
    write(40);
    const sound = tape.bytes();
    const random = new RandomSource(9);
    let refused = 0;
    for (let mutant = 0; mutant < 500; mutant++) {
      const dump = Buffer.from(sound);
      for (let flips = random.below(3); flips >= 0; flips--)
        dump[random.below(dump.length)]! ^= 1 << random.below(8);
      const limits: DumpLimits[] = [{}, { endSequence: clockBase + 9n }, { untilMs: 1_800_000_000_050n }];
      try {
        foldBytes(
          dump.subarray(0, random.below(4) === 0 ? random.below(dump.length) : undefined),
          limits[mutant % 3],
        );
      } catch (error) {
        if (!(error instanceof FastcacheError)) throw error;
        expect([2, 65]).toContain(error.exitCode);
        expect(error.offset).toBeGreaterThanOrEqual(0);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  it('take neither time nor memory by beginning snapshots', () => {
    const build = new DumpBuilder(4);
    const pieces = Array.from({ length: 20_000 }, () =>
      Buffer.concat([build.begin(), build.chunk(0, false, 1)]),
    );
    const before = process.memoryUsage().rss;
    const { store } = foldBytes(Buffer.concat([...pieces, ...build.snapshot(1)]));
    expect(store.keyCount()).toBe(5);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });

  it('may name expiries and times that no clock shows', () => {
    const records = [0n, 1n, 2n ** 64n - 2n].map((expireAtMs, index) =>
      setRecord({ sequence: BigInt(index + 1), expireAtMs, timestampMs: 2n ** 64n - 1n, key: key(index) }),
    );
    const { store, newestMs } = foldBytes(encodeFrame(FrameKind.MutationBatch, encodeBatch(records)));
    expect(newestMs).toBe(2 ** 64);
    expect(store.keyCount()).toBe(3);
    expect(dropExpired(store)).toBe(1);
  });
});

describe('a recording that was begun where nothing had been written', () => {
  const [first, second] = [clockBase, clockBase + (1n << 31n)];
  const [one, two] = ['a1'.repeat(16), 'b2'.repeat(16)] as const;
  const namesFirst = { history: one, base: String(first) };
  const namesSecond = {
    history: two,
    base: String(second),
    prev: `${one}@${first + 2n},${first}`,
    prevbase: String(first),
  };
  const hello = (margin: Record<string, string>) =>
    encodeHelloFrame(
      { role: 'replica', watermarks: [first, first] },
      { margin: new Map(Object.entries(margin)) },
    );
  const batch = (shard: number, sequence: bigint) =>
    encodeFrame(FrameKind.MutationBatch, encodeBatch([setRecord({ key: key(shard), shard, sequence })]));

  it('has what it is sent of that history behind the Hello of the one that continues it', () => {
    const records = [batch(0, first + 1n), batch(0, first + 2n), batch(1, second + 1n)];
    const { store, watermarks } = foldBytes(
      Buffer.concat([hello(namesFirst), hello(namesSecond), ...records]),
    );
    expect(watermarks).toEqual([second, second + 1n]);
    expect(store.keyCount()).toBe(2);
  });

  it('may end behind that Hello', () => {
    expect(foldBytes(Buffer.concat([hello(namesFirst), hello(namesSecond)])).store.keyCount()).toBe(0);
  });

  it('lacks what was before a record that is not the first', () => {
    const dump = Buffer.concat([hello(namesFirst), hello(namesSecond), batch(0, first + 2n)]);
    expect(faultOf(dump)).toMatchObject({ code: 'SEQUENCE_GAP' });
  });
});

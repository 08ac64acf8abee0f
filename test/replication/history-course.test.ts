/** The table of history-course.ts, row by row. */
import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { type History, historyPairs, recordedPairs } from '../../src/replication/history.js';
import { HistoryCourse, type KnownSequences, type Positions } from '../../src/replication/history-course.js';
import { setRecord } from '../support/decode-dumps.js';
import { foldBytes } from '../support/fold-bytes.js';
import { verifyBytes } from '../support/verify-bytes.js';

const OLD: History = { id: 'a'.repeat(32), base: 100n };
const NEW: History = { id: 'b'.repeat(32), base: 1000n, previous: { ...OLD, watermarks: [110n, 120n] } };
/** Plausible bases, a day apart. */
const BASES = [1n, 2n, 3n].map((day) => (1_760_000_000_000n + day * 86_400_000n) << 11n);
const startMs = 1_760_000_000_000;

/** Where two shards stand. */
class List implements Positions {
  at: (bigint | undefined)[];
  constructor(...at: (bigint | undefined)[]) {
    this.at = at;
  }
  list(): KnownSequences {
    return this.at;
  }
  move(to: KnownSequences): void {
    for (let shard = 0; shard < to.length; shard += 1) this.at[shard] = to[shard] ?? this.at[shard];
  }
}

const margin = (history: History) => new Map(historyPairs(history));

describe('a Hello', () => {
  it.each([
    ['of the same history has sequences go on', OLD, OLD, [105n, 106n], 'same', [105n, 106n]],
    ['of one that continues it moves who is at its end', OLD, NEW, [110n, 119n], 'continues', [1000n, 119n]],
    ['of one that continues less than is held begins', OLD, NEW, [111n, 120n], 'begins', [111n, 120n]],
    ['of another history begins', NEW, { ...OLD, id: 'c'.repeat(32) }, [1001n, 1n], 'begins', [1001n, 1n]],
    ['where nothing is held begins', undefined, NEW, [], 'begins', []],
    [
      'at the end of one that is not named continues it',
      undefined,
      NEW,
      [110n, 120n],
      'continues',
      [1000n, 1000n],
    ],
    ['of a history, at what is held, names it', undefined, OLD, [7n, 8n], 'same', [7n, 8n]],
  ] as const)('%s', (_, before, told, held, outcome, after) => {
    const course = new HistoryCourse({ history: before });
    const positions = new List(...held);
    expect(course.hello(margin(told), [7n, 8n], positions)).toBe(outcome);
    expect(positions.at).toEqual(after);
    expect(course.history).toEqual(told);
  });

  it('of the history of what is kept returns to it, where another one had only begun', () => {
    const other = margin({ ...OLD, id: 'c'.repeat(32) });
    for (const [keepsContent, told, outcome] of [
      [true, OLD, 'same'],
      [true, NEW, 'continues'],
      [false, OLD, 'begins'],
    ] as const) {
      const course = new HistoryCourse({ history: OLD, keepsContent });
      const positions = new List(110n, 119n);
      for (const attempt of [1, 2]) {
        const isAgain = attempt === 2 && !keepsContent;
        expect(course.hello(other, [7n, 8n], positions)).toBe(isAgain ? 'same' : 'begins');
        course.begin([7n, 8n], 0, positions);
      }
      expect(course.hello(margin(told), [110n, 119n], positions)).toBe(outcome);
      expect(course.history).toEqual(told);
    }
  });

  it('does not return once content of the other has come', () => {
    for (const come of ['snapshot', 'batch'] as const) {
      const course = new HistoryCourse({ history: OLD, keepsContent: true });
      const positions = new List(110n, 119n);
      course.hello(margin({ ...OLD, id: 'c'.repeat(32) }), [7n, 8n], positions);
      if (come === 'snapshot') course.settle(positions);
      else course.batch({ records: 1, shard: 0, sequence: 101n, timestampMs: startMs }, positions);
      expect(course.hello(margin(OLD), [110n, 119n], positions)).toBe('begins');
    }
  });

  it('without a base, or without a margin, names no history', () => {
    const course = new HistoryCourse({ history: OLD });
    expect(course.hello(new Map([['history', NEW.id]]), [], new List(1n))).toBe('claims');
    expect(course.hello(undefined, [], new List(1n))).toBe('unnamed');
    expect(course.history).toBe(OLD);
    course.begin([], 0, new List(1n));
    expect(course.history).toBeUndefined();
  });

  it('that says so continues whatever stands before it, in every shard', () => {
    const positions = new List(3n, undefined);
    const told = new Map(recordedPairs({ id: NEW.id, base: 1000n }, true));
    expect(new HistoryCourse().hello(told, [1000n, 1000n], positions)).toBe('continues');
    expect(positions.at).toEqual([1000n, 1000n]);
  });

  it('abandons a snapshot', () => {
    const course = new HistoryCourse();
    course.begin([0n], 7, new List());
    course.hello(undefined, [], new List());
    expect(course.snapshot).toMatchObject({ isOpen: false, abandonedCount: 1 });
  });
});

describe('a step', () => {
  it('from the end of the history before to the base is none, and any other is a gap', () => {
    const course = new HistoryCourse({ history: NEW });
    const positions = new List(110n, 119n);
    expect(course.goesOn({ shard: 0, expected: 111n, found: 1001n }, undefined, positions)).toBe(true);
    expect(positions.at).toEqual([1000n, 119n]);
    expect(course.goesOn({ shard: 1, expected: 120n, found: 1001n }, undefined, positions)).toBe(false);
    expect(course.goesOn({ shard: 0, expected: 111n, found: 1002n }, undefined, positions)).toBe(false);
    expect(positions.at).toEqual([1000n, 119n]);
  });

  it.each([
    ['no clock made', BASES[1]! + 1n, [5n, 6n]],
    ['is below another shard', BASES[1]!, [5n, BASES[2]!]],
    ['is from before what came', BASES[0]!, [5n, 6n]],
  ])('to a base that %s is a gap where no history is named', (_, base, held) => {
    const course = new HistoryCourse();
    const newestMs = Number(BASES[1]! >> 11n);
    course.batch({ records: 1, shard: 0, sequence: 5n, timestampMs: newestMs }, new List(...held));
    expect(course.goesOn({ shard: 0, expected: 6n, found: base + 1n }, undefined, new List(...held))).toBe(
      false,
    );
  });

  it('goes on a bounded number of times without a word', () => {
    const course = new HistoryCourse();
    const positions = new List(5n);
    const steps = Array.from({ length: 20 }, (_, day) => {
      const base = (BigInt(startMs) + BigInt(day) * 86_400_000n) << 11n;
      return course.goesOn(
        { shard: 0, expected: positions.at[0]! + 1n, found: base + 1n },
        undefined,
        positions,
      );
    });
    expect(steps.filter(Boolean)).toHaveLength(16);
  });
});

describe('in a dump that names no history', () => {
  const record = (shard: number, sequence: bigint, key: string) =>
    encodeFrame(
      FrameKind.MutationBatch,
      encodeBatch([setRecord({ shard, sequence, key: Buffer.from(key), timestampMs: BigInt(startMs) })]),
    );
  const before = [record(0, 1n, 'a'), record(1, 1n, 'b')];
  const jump = record(0, BASES[0]! + 1n, 'c');
  const sound = Buffer.concat([...before, jump, record(1, 2n, 'd'), record(1, BASES[0]! + 1n, 'e')]);
  const torn = Buffer.concat([...before, jump, record(1, 2n, 'd')]);

  it('shards may come to a promotion one after the other', () => {
    expect(verifyBytes(sound)).toMatchObject({ places: [], content: { histories: [{ base: BASES[0] }] } });
    const { watermarks, unsaid } = foldBytes(sound);
    expect(watermarks).toEqual([BASES[0]! + 1n, BASES[0]! + 1n]);
    expect(unsaid).toMatchObject([{ base: BASES[0], place: { offset: Buffer.concat(before).length + 24 } }]);
  });

  it('what looked like one is a gap when another shard has gone on as before', () => {
    const offset = Buffer.concat(before).length + 24;
    expect(verifyBytes(torn)).toMatchObject({
      places: [`SEQUENCE_GAP@${offset}`],
      content: { histories: [] },
    });
    expect(() => foldBytes(torn)).toThrow(
      expect.objectContaining({ code: 'SEQUENCE_GAP', offset, shard: 0 }),
    );
  });
});

it('a gap before the end of a history says what of it is missing, and nothing beyond', () => {
  const hello = (history: History, watermarks: bigint[]) =>
    encodeHelloFrame({ role: 'replica', watermarks }, { margin: margin(history) });
  const record = (sequence: bigint) =>
    encodeFrame(FrameKind.MutationBatch, encodeBatch([setRecord({ shard: 0, sequence })]));
  const old: History = { id: OLD.id, base: 100n };
  const next: History = { id: NEW.id, base: 1000n, previous: { ...old, watermarks: [110n] } };
  const dump = Buffer.concat([hello(old, [100n]), record(101n), hello(next, [101n]), record(1003n)]);
  const message = `Shard 0 lacks the sequences 102 to 110 of history ${old.id}, and the sequences 1001 to 1002.`;
  expect(verifyBytes(dump).faults.map((fault) => fault.message)).toEqual([message]);
  expect(() => foldBytes(dump)).toThrow(message);
});

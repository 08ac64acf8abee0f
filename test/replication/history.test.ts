/** Histories in margins, and where a claim of one stands in another: the one rule of both sides. */
import { describe, expect, it } from 'vitest';
import { decodeMargin, encodeMargin } from '../../src/frame/margin.js';
import {
  clockBase,
  goesBackTo,
  type History,
  historyPairs,
  isHistoryBase,
  placeIn,
  readHistory,
} from '../../src/replication/history.js';
import { promotedHistory } from '../../src/replication/relay/promotion.js';
import { VirtualWorld } from '../support/virtual-world.js';

const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(32);
const promoted: History = { id: NEW, base: 1_000n, previous: { id: OLD, base: 3n, watermarks: [10n, 20n] } };

const read = (pairs: [string, string][]) => readHistory(decodeMargin(encodeMargin(new Map(pairs))));

describe('a history in a margin', () => {
  it.each([
    { id: NEW, base: 0n },
    promoted,
    { ...promoted, recordsBefore: 24n },
    { id: NEW, base: 0n, isRust: true },
    { ...promoted, past: [OLD, 'c'.repeat(32)], isFresh: true },
  ])('comes out as it went in (%o)', (history) => {
    expect(read(historyPairs(history))).toEqual(history);
  });

  it.each([
    ['is none without an id', [['base', '7']], undefined],
    ['is none with a malformed id', [['history', 'x'.repeat(32)]], undefined],
    ['begins at 0 without a base', [['history', NEW]], { id: NEW, base: 0n }],
    [
      'has no base past u64',
      [
        ['history', NEW],
        ['base', String(2n ** 64n)],
      ],
      { id: NEW, base: 0n },
    ],
    [
      'has no malformed base',
      [
        ['history', NEW],
        ['base', '-1'],
      ],
      { id: NEW, base: 0n },
    ],
    [
      'has no malformed count before it',
      [
        ['history', NEW],
        ['before', '1e9'],
      ],
      { id: NEW, base: 0n },
    ],
    [
      'continues none that is malformed',
      [
        ['history', NEW],
        ['base', '5'],
        ['prev', `${OLD}@1,,2`],
      ],
      { id: NEW, base: 5n },
    ],
    [
      'continues none that is past its base',
      [
        ['history', NEW],
        ['base', '5'],
        ['prev', `${OLD}@6`],
      ],
      { id: NEW, base: 5n },
    ],
  ] as [string, [string, string][], History | undefined][])('%s', (_, pairs, history) => {
    expect(read(pairs)).toEqual(history);
  });

  it('tells up to about 180 shards of the one before, and nothing of it when there are more', () => {
    const { seams } = new VirtualWorld();
    const of = (shards: number) => {
      const watermarks = new Array<bigint>(shards).fill(3_686_400_000_411_653n);
      return promotedHistory(seams, { id: OLD, base: 0n }, watermarks);
    };
    expect(read(historyPairs(of(128)))?.previous?.watermarks).toHaveLength(128);
    expect(read(historyPairs(of(256)))).not.toHaveProperty('previous');
    expect(placeIn(of(256), OLD, [0n])).toBeUndefined();
  });

  it('names the last 16 that it goes back to, and at 128 shards beside the one before', () => {
    const { seams } = new VirtualWorld();
    const ids = Array.from({ length: 20 }, (_, at) => at.toString(16).padStart(32, '0'));
    let history: History = { id: ids[0]!, base: 3_686_400_000_411_653n };
    for (const id of ids.slice(1)) {
      history = { ...promotedHistory(seams, history, new Array<bigint>(128).fill(history.base)), id };
    }
    const margin = decodeMargin(encodeMargin(new Map([...historyPairs(history), ['path', 'f'.repeat(544)]])));
    const told = readHistory(margin)!;
    expect(told.past).toEqual(ids.slice(3, 19).reverse());
    expect(goesBackTo(told, ids[3])).toBe(true);
    expect(goesBackTo(told, ids[2])).toBe(false);
    expect(goesBackTo(told, undefined)).toBe(false);
  });

  it('names fewer of them where the one before is long', () => {
    const past = new Array(16).fill(OLD);
    const history: History = {
      id: NEW,
      base: 10n ** 17n,
      previous: { id: OLD, base: 0n, watermarks: new Array<bigint>(175).fill(10n ** 15n) },
      past,
      recordsBefore: 10n ** 18n,
      isFresh: true,
    };
    const margin = encodeMargin(new Map([...historyPairs(history), ['path', 'f'.repeat(544)]]));
    expect(readHistory(decodeMargin(margin))?.past).toHaveLength(9);
  });

  it.each(['x', `${OLD},`, `${OLD} ${OLD}`, new Array(17).fill(OLD).join()])(
    'goes back to none by %s',
    (text) => {
      expect(
        read([
          ['history', NEW],
          ['past', text.replaceAll(' ', '_')],
        ]),
      ).toEqual({ id: NEW, base: 0n });
    },
  );

  it('begins past all that was given out, however far the clock was set back', () => {
    const { seams } = new VirtualWorld();
    const late = 2n ** 60n + 5n;
    const { base } = promotedHistory(seams, { id: OLD, base: 0n }, [1n, late]);
    expect(base).toBeGreaterThan(late);
    expect(isHistoryBase(base)).toBe(true);
    const last = 2n ** 64n - 1n;
    expect(promotedHistory(seams, { id: OLD, base: 0n }, [last]).base).toBe(last);
  });

  it('begins far above what is held, so that no other replica can be past that', () => {
    const { seams } = new VirtualWorld();
    const held = clockBase(seams.clock) + 10n;
    const { base } = promotedHistory(seams, { id: OLD, base: held - 10n }, [held, held - 5n]);
    expect(base).toBeGreaterThanOrEqual(held + 2n ** 32n);
    expect(isHistoryBase(base)).toBe(true);
    // A clock that is far enough ahead makes the base by itself.
    const early = held - 2n ** 40n;
    expect(promotedHistory(seams, { id: OLD, base: 0n }, [early]).base).toBe(clockBase(seams.clock));
  });
});

describe('a claim', () => {
  it.each([
    ['of the history itself stands where it says', NEW, [1_001n, 1_000n], [1_001n, 1_000n]],
    ['of the history itself may still have old numbers', NEW, [9n, 20n], [9n, 1_000n]],
    ['of the one before, level or below, is part of it', OLD, [10n, 3n], [1_000n, 3n]],
    ['of the one before with fewer shards is no part of it', OLD, [4n], undefined],
    ['of the one before that is still numbered in one earlier is no part of it', OLD, [10n, 2n], undefined],
    ['of the one before that is above in one shard is no part of it', OLD, [10n, 21n], undefined],
    ['of the one before with more shards is no part of it', OLD, [1n, 1n, 0n], undefined],
    ['of another history is no part of it', 'c'.repeat(32), [1n, 1n], undefined],
    ['of no history is no part of it', undefined, [1n, 1n], undefined],
  ])('%s', (_, id, claimed, place) => {
    expect(placeIn(promoted, id, claimed)).toEqual(place);
  });

  it.each([
    ['level with it is part of the history that follows', [50n, 2n], [1_000n, 1_000n]],
    ['behind it where it is named is part of that, too', [41n, 2n], [41n, 1_000n]],
    ['behind it in the history before is no part of it', [50n, 1n], undefined],
    ['past it in the history before is no part of it', [50n, 3n], undefined],
  ])(
    'of a node that was promoted while a shard was still numbered in the history before: who is %s',
    (_, claimed, place) => {
      const previous = { id: OLD, base: 40n, watermarks: [50n, 2n] };
      expect(placeIn({ id: NEW, base: 1_000n, previous }, OLD, claimed)).toEqual(place);
    },
  );
});

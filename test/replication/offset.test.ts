/** Redis' replication offset from a history: it goes on where the history before ended. */
import { describe, expect, it } from 'vitest';
import type { History } from '../../src/replication/history.js';
import { offsetIn, secondOffset } from '../../src/replication/offset.js';
import { promotedHistory } from '../../src/replication/relay/promotion.js';
import { VirtualWorld } from '../support/virtual-world.js';

const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(32);
const previous = { id: OLD, base: 3n, watermarks: [10n, 20n] };

describe('the offset', () => {
  it.each([
    ['counts from the base', { id: NEW, base: 5n }, [7n, 5n], 2n],
    ["is the sum of a Rust primary's sequences", undefined, [7n, 5n], 12n],
    ['is 0 of whoever holds nothing', { id: NEW, base: 100n, recordsBefore: 40n, previous }, [], 0n],
    [
      'goes on from what the histories before gave',
      { id: NEW, base: 100n, recordsBefore: 40n },
      [101n, 100n],
      41n,
    ],
    ['lacks what a shard lacks', { id: NEW, base: 100n, recordsBefore: 40n, previous }, [101n, 18n], 39n],
    [
      'goes on from the one before when no more is told',
      { id: NEW, base: 100n, previous },
      [101n, 100n],
      25n,
    ],
    ['is no less than 0', { id: NEW, base: 100n, recordsBefore: 1n, previous }, [4n, 4n], 0n],
    ['counts no shard that there was not', { id: NEW, base: 100n, previous }, [100n, 100n, 7n], 24n],
    ['counts nothing from below any base', { id: NEW, base: 100n }, [7n, 101n], 1n],
  ] as [string, History | undefined, bigint[], bigint][])('%s', (_, history, watermarks, offset) => {
    expect(offsetIn(history, watermarks)).toBe(offset);
  });

  it('rises with each record of a chain of promotions, whatever each shard has of it', () => {
    const { seams } = new VirtualWorld();
    let history: History = { id: OLD, base: 0n };
    let watermarks = [0n, 0n, 0n];
    let records = 0n;
    for (let promotion = 0; promotion < 20; promotion += 1) {
      for (let record = 0; record < 50; record += 1) {
        const shard = seams.random.u32() % watermarks.length;
        watermarks = watermarks.map((own, index) => (index === shard ? own + 1n : own));
        records += 1n;
        expect(offsetIn(history, watermarks)).toBe(records);
      }
      history = promotedHistory(seams, history, watermarks);
      expect(secondOffset(history)).toBe(String(records + 1n));
      watermarks = watermarks.map(() => history.base);
      expect(offsetIn(history, watermarks)).toBe(records);
    }
  });

  it('has none that is second where nothing is continued', () => {
    expect(secondOffset({ id: NEW, base: 5n })).toBe('-1');
    expect(secondOffset(undefined)).toBe('-1');
  });
});

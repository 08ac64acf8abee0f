/** When a key counts as different that was listed with other content at another time. */
import { expect, it } from 'vitest';
import type { Timers } from '../../src/clock.js';
import { type Candidate, type ConfirmOptions, confirm } from '../../src/compare/confirm.js';
import type { Side } from '../../src/compare/side.js';
import type { KeyState } from '../../src/frame/compare.js';

/** A look at the key: its shard's watermark, its content (`''`: none), and whether it was changed since. */
type Look = [watermark: number, content: string, isChanged?: boolean];

const timers: Timers = {
  after(_, run) {
    const handle = setImmediate(run);
    return { cancel: () => clearImmediate(handle) };
  },
  endOfTurn: (run) => void setImmediate(run),
};

function stateOf([watermark, content, isChanged = false]: Look): KeyState {
  const entry = content === '' ? undefined : { print: BigInt(content.charCodeAt(0)), expiresAtMs: 1n };
  return { shard: 0, watermark: BigInt(watermark), isChanged, entry };
}

/** Answers look after look, and the last one for ever. */
function sideOf(looks: Look[]): Side & { asked: number } {
  return {
    name: 'a side',
    isServer: true,
    asked: 0,
    async ask() {
      const look = looks[Math.min(this.asked, looks.length - 1)]!;
      this.asked += 1;
      return { answers: 'keys', keys: [stateOf(look)] };
    },
    close() {},
  };
}

async function verdictOf(leading: Look[], other: Look[], options: Partial<ConfirmOptions> = {}) {
  const candidate: Candidate = { key: Buffer.from('k'), shards: [0, 0], entries: [undefined, undefined] };
  const { different, changing, behind } = await confirm([sideOf(leading), sideOf(other)], [candidate], {
    timers,
    signal: new AbortController().signal,
    leader: 0,
    isOneHistory: true,
    isGone: () => false,
    ...options,
  });
  if (different.length > 0) return different[0]!.sort;
  return changing > 0 ? 'changing' : behind > 0 ? 'behind' : 'equal';
}

it.each<[string, string, Look[], Look[]]>([
  [
    'unchanged around the other’s sequence',
    'value',
    [
      [5, 'a', true],
      [7, 'a'],
    ],
    [[6, 'b', true]],
  ],
  [
    'unchanged at the very sequence',
    'only-first',
    [
      [5, 'a', true],
      [5, 'a'],
    ],
    [[5, '', true]],
  ],
  [
    'only where it should not be',
    'only-second',
    [
      [5, '', true],
      [5, ''],
    ],
    [[5, 'b', true]],
  ],
  [
    'equal at once',
    'equal',
    [
      [5, 'a', true],
      [7, 'a'],
    ],
    [[6, 'a', true]],
  ],
  [
    'changed and changed back meanwhile, and equal then',
    'equal',
    [
      [5, 'a', true],
      [7, 'a', true],
      [7, 'a'],
    ],
    [
      [6, 'b', true],
      [7, 'a'],
    ],
  ],
  ['changed whenever it is looked at', 'changing', [[5, 'a', true]], [[6, 'b', true]]],
  [
    'behind, and equal once it has come on',
    'equal',
    [
      [9, 'a', true],
      [9, 'a'],
    ],
    [
      [6, 'b', true],
      [8, 'b'],
      [9, 'a'],
    ],
  ],
  [
    'behind, and different once it has come on',
    'value',
    [
      [9, 'a', true],
      [9, 'a'],
    ],
    [
      [6, 'b', true],
      [9, 'b'],
    ],
  ],
  [
    'behind for ever',
    'behind',
    [
      [9, 'a', true],
      [9, 'a'],
    ],
    [[6, 'b', true]],
  ],
  [
    'deleted of what had expired before',
    'equal',
    [
      [5, 'a', true],
      [7, ''],
    ],
    [
      [6, 'a', true],
      [7, ''],
    ],
  ],
  [
    'deleted of what had expired before, and not yet there',
    'equal',
    [
      [5, 'a', true],
      [7, ''],
      [7, ''],
    ],
    [
      [6, 'b', true],
      [7, ''],
    ],
  ],
])('in one history: %s', async (_, verdict, leading, other) => {
  expect(await verdictOf(leading, other)).toBe(verdict);
});

it('either side may be the one that is ahead', async () => {
  const ahead: Look[] = [
    [9, 'a', true],
    [9, 'a'],
  ];
  expect(await verdictOf([[9, '', true]], ahead, { leader: 1 })).toBe('only-second');
  expect(await verdictOf([[8, '', true]], ahead, { leader: 1 })).toBe('behind');
});

it('without a common history neither side may change a key, and what has expired is gone', async () => {
  const foreign = { isOneHistory: false };
  expect(
    await verdictOf(
      [
        [900, 'a', true],
        [900, 'a'],
      ],
      [
        [3, 'b', true],
        [3, 'b'],
      ],
      foreign,
    ),
  ).toBe('value');
  expect(
    await verdictOf(
      [
        [900, 'a', true],
        [900, 'a'],
      ],
      [[3, 'b', true]],
      foreign,
    ),
  ).toBe('changing');
  expect(
    await verdictOf(
      [[9, 'a', true]],
      [
        [3, 'b', true],
        [3, 'b'],
      ],
      foreign,
    ),
  ).toBe('changing');
  const expired = { ...foreign, isGone: () => true };
  expect(
    await verdictOf(
      [
        [9, 'a', true],
        [9, 'a'],
      ],
      [
        [3, '', true],
        [3, ''],
      ],
      expired,
    ),
  ).toBe('equal');
});

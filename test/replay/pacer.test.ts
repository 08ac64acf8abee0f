import { expect, it } from 'vitest';
import { Pacer } from '../../src/replay/pacer.js';

it('a rate spaces records evenly, and lets a server that fell behind catch up with a second at the most', () => {
  const pacer = new Pacer({ type: 'rate', perSecond: 100 }, 5_000_000);
  expect([0, 1, 2].map(() => pacer.dueInMs(undefined, 5_000_000))).toEqual([0, 10, 20]);
  expect(pacer.dueInMs(undefined, 5_030_000)).toBe(0);
  const lateUs = 65_000_000;
  const atOnce = Array.from({ length: 300 }, () => pacer.dueInMs(undefined, lateUs)).filter((ms) => ms === 0);
  expect(atOnce).toHaveLength(101);
});

it('the pace of the recording is that times a factor, and what has no time does not wait', () => {
  const pacer = new Pacer({ type: 'recorded', factor: 4 }, 1_000_000);
  expect(pacer.dueInMs(undefined, 1_000_000)).toBe(0);
  expect(pacer.dueInMs(1_760_000_000_000n, 1_000_000)).toBe(0);
  expect(pacer.dueInMs(1_760_000_001_000n, 1_000_000)).toBe(250);
  expect(pacer.dueInMs(1_760_000_001_000n, 1_200_000)).toBe(50);
  expect(pacer.dueInMs(1_759_999_999_000n, 1_200_000)).toBe(0);
});

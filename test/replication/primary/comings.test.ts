import { expect, it } from 'vitest';
import { Comings } from '../../../src/replication/primary/comings.js';

it('a coming counts for a minute, by the id of the node, of the nodes that came last', () => {
  const clock = { us: 0, monotonicUs: () => clock.us, nowMs: () => 0 };
  const comings = new Comings(clock);
  const come = (nodeId: string | undefined, times: number) => {
    for (let time = 0; time < times; time += 1) comings.note(nodeId);
  };
  come('a', 3);
  come('b', 1);
  come(undefined, 5);
  clock.us = 30_000_000;
  come('a', 2);
  expect(['a', 'b', undefined].map((id) => comings.count(id))).toEqual([5, 1, 0]);
  clock.us = 60_000_001;
  expect(['a', 'b'].map((id) => comings.count(id))).toEqual([2, 0]);
  come('c', 1_000);
  expect(comings.count('c')).toBe(100);
  for (let node = 0; node < 63; node += 1) come(`${node}`, 1);
  expect([comings.count('a'), comings.count('c'), comings.count('0')]).toEqual([0, 100, 1]);
});

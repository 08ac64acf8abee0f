/** How much older than it seems what replicas said may be, behind a halt of the process. */
import { expect, it } from 'vitest';
import { Halts } from '../../../src/replication/primary/halts.js';

function halts() {
  let us = 0;
  const watch = new Halts({ nowMs: () => 0, monotonicUs: () => us });
  return { watch, pass: (seconds: number) => (us += seconds * 1_000_000) };
}

it('a process that looks about once a second has no doubt', () => {
  const { watch, pass } = halts();
  for (let look = 0; look < 10; look += 1) {
    pass(1.9);
    expect(watch.doubtSeconds).toBe(0);
    watch.look();
    expect(watch.doubtSeconds).toBe(0);
  }
});

it('a halt is doubted before the look behind it, and until the next look', () => {
  const { watch, pass } = halts();
  pass(6);
  expect(watch.doubtSeconds).toBe(6);
  watch.look();
  pass(0.5);
  expect(watch.doubtSeconds).toBe(6);
  pass(0.5);
  watch.look();
  expect(watch.doubtSeconds).toBe(0);
});

it('the time without replicas is no halt', () => {
  const { watch, pass } = halts();
  pass(3_600);
  watch.begin();
  expect(watch.doubtSeconds).toBe(0);
});

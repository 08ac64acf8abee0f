/** Commands of many keys run in the kernel, one call for all of them, whatever their keys have in common. */
import '../../support/debug-kernel.js';

import { expect, it } from 'vitest';
import { STATUS_DONE } from '../../../src/kernel/layout.js';
import { newEngine, StandingClock } from '../../support/engines.js';
import { command, RespDriver } from '../../support/resp-driver.js';

const keysFrom = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `key:${from + n}`);

it.each([1, 2, 15, 16, 17, 33, 1000])('%i keys are set, found, touched and deleted', (count) => {
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  const driver = new RespDriver(engine);
  const keys = keysFrom(0, count);
  const run = (...words: string[]): string => {
    const { status, replies } = driver.run(command(...words));
    expect(status).toBe(STATUS_DONE);
    return replies.toString();
  };
  expect(run('MSET', ...keys.flatMap((key) => [key, `${key}'s`]))).toBe('+OK\r\n');
  const values = keys.map((key) => `$${key.length + 2}\r\n${key}'s\r\n`).join('');
  expect(run('MGET', ...keys)).toBe(`*${count}\r\n${values}`);
  clock.pass(10_000);
  expect(run('EXISTS', ...keys, keys[0]!, 'none')).toBe(`:${count + 1}\r\n`);
  expect(engine.uses.idleSeconds(Buffer.from(keys.at(-1)!))).toBe(10);
  expect(run('TOUCH', ...keys, 'none')).toBe(`:${count}\r\n`);
  expect(engine.uses.idleSeconds(Buffer.from(keys.at(-1)!))).toBe(0);
  const half = Math.floor(count / 2);
  expect(run('UNLINK', 'none', keys.at(-1)!, ...keys.slice(half), keys.at(-1)!)).toBe(`:${count - half}\r\n`);
  expect(run('DEL', ...keys)).toBe(`:${half}\r\n`);
  expect(engine.keyCount()).toBe(0);
  engine.kernel.invariants();
});

it.each([
  ['values alike', (index: number) => 'v'.repeat(100 + (index % 2))],
  ['values that grow', (index: number) => 'v'.repeat(index)],
  ['a large one first', (index: number) => 'v'.repeat(index === 0 ? 300_000 : 1)],
  ['a large one last', (index: number) => 'v'.repeat(index === 1_999 ? 3_000_000 : 1)],
  ['more than is asked for without the sum', (index: number) => 'v'.repeat(index < 40 ? 1_000_000 : 1)],
])('a reply longer than its room is whole and counted once: %s', (_, valueAt) => {
  const engine = newEngine({ maxValueBytes: 4_000_000 });
  const driver = new RespDriver(engine);
  const keys = keysFrom(0, 2_000);
  for (const [index, key] of keys.entries()) engine.set(Buffer.from(key), Buffer.from(valueAt(index)));
  const { replies } = driver.run(command('MGET', ...keys, 'none'));
  const values = keys.map((_key, index) => {
    const value = valueAt(index);
    return `$${value.length}\r\n${value}\r\n`;
  });
  // The texts are too long to be shown.
  expect(replies.equals(Buffer.from(`*2001\r\n${values.join('')}$-1\r\n`))).toBe(true);
  const { exports } = engine.kernel;
  expect([exports.keyspaceHits(), exports.keyspaceMisses()]).toEqual([2_000, 1]);
});

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

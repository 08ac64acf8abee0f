/** When an attempt with a password or a token may be compared. */
import { expect, it } from 'vitest';
import { Guesses } from '../../../src/replication/link/guesses.js';
import { VirtualWorld } from '../../support/virtual-world.js';

function guessing() {
  const world = new VirtualWorld();
  const guesses = new Guesses(world.seams.clock);
  const fail = (address: string, times = 10) => {
    for (let count = 0; count < times; count += 1) guesses.failed(address);
  };
  return { world, guesses, fail };
}

it('nine failures cost nothing, ten a turn a second, and few may wait for one', () => {
  const { world, guesses, fail } = guessing();
  fail('10.0.0.1:1', 9);
  expect(guesses.waitMs('10.0.0.1:2')).toBe(0);
  fail('10.0.0.1:3', 1);
  expect([4, 5, 6, 7, 8].map((port) => guesses.waitMs(`10.0.0.1:${port}`))).toEqual([
    1_000,
    2_000,
    3_000,
    undefined,
    undefined,
  ]);
  expect(guesses.waitMs('10.0.0.2:1')).toBe(0);
  world.run(60_000);
  expect(guesses.waitMs('10.0.0.1:9')).toBe(0);
});

it('an IPv6 network is one address, and a mapped IPv4 address is itself', () => {
  const { guesses, fail } = guessing();
  fail('[2001:db8::1]:1');
  expect(guesses.waitMs('[2001:db8:0:0:ffff::2]:1')).toBe(1_000);
  expect(guesses.waitMs('[2001:db8:0:1::1]:1')).toBe(0);
  fail('[::ffff:10.0.0.1]:1');
  expect(guesses.waitMs('[::ffff:10.0.0.1]:2')).toBe(1_000);
  expect(guesses.waitMs('[::ffff:10.0.0.2]:2')).toBe(0);
});

it('remembers some thousands of addresses', () => {
  const { guesses, fail } = guessing();
  fail('10.0.0.1:1');
  for (let index = 0; index < 5_000; index += 1) guesses.failed(`host-${index}:1`);
  expect(guesses.waitMs('10.0.0.1:2')).toBe(0);
});

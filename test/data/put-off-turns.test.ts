/** Turns that end while a write to the disk is under way wait for it, and not for long. */
import { expect, it } from 'vitest';
import { PutOffTurns } from '../../src/data/put-off-turns.js';
import { VirtualWorld } from '../support/virtual-world.js';

function putOff() {
  const world = new VirtualWorld();
  const turns = new PutOffTurns(world.seams);
  const ended: string[] = [];
  return { world, turns, ended, turn: (name: string) => () => ended.push(name) };
}

it('a turn ends at once while nothing is written', () => {
  const { turns, turn } = putOff();
  expect(turns.putsOff(turn('a'))).toBe(false);
  turns.begin();
  turns.end();
  expect(turns.putsOff(turn('a'))).toBe(false);
});

it('turns end with the write, in their order, and each once', () => {
  const { world, turns, ended, turn } = putOff();
  turns.begin();
  expect(turns.putsOff(turn('a'))).toBe(true);
  expect(turns.putsOff(turn('b'))).toBe(true);
  expect(ended).toEqual([]);
  turns.end();
  expect(ended).toEqual(['a', 'b']);
  world.run(100);
  turns.begin();
  turns.end();
  expect(ended).toEqual(['a', 'b']);
});

it('a turn joins others that wait, and ends now where none does: nothing of it waits for the disk then', () => {
  const { turns, ended, turn } = putOff();
  turns.begin();
  expect(turns.joins(turn('read'))).toBe(false);
  turns.putsOff(turn('write'));
  expect(turns.joins(turn('read'))).toBe(true);
  turns.end();
  expect(ended).toEqual(['write', 'read']);
});

it('turns do not wait for a disk that is slow, and none waits for that write any more', () => {
  const { world, turns, ended, turn } = putOff();
  turns.begin();
  turns.putsOff(turn('a'));
  world.run(10);
  expect(ended).toEqual(['a']);
  expect(turns.putsOff(turn('b'))).toBe(false);
  turns.end();
  expect(ended).toEqual(['a']);
});

it('the limit is that of the write at hand, not of one before', () => {
  const { world, turns, ended, turn } = putOff();
  turns.begin();
  turns.putsOff(turn('a'));
  world.run(4);
  turns.end();
  turns.begin();
  turns.putsOff(turn('b'));
  world.run(2);
  expect(ended).toEqual(['a']);
  world.run(5);
  expect(ended).toEqual(['a', 'b']);
});

it('turns that wait end when their stream is left, and no timer of theirs stays', () => {
  const { world, turns, ended, turn } = putOff();
  turns.begin();
  turns.putsOff(turn('a'));
  turns.close();
  expect(ended).toEqual(['a']);
  expect(world.pending).toBe(0);
  // Another stream may be written then, and its turns have a limit as well.
  turns.begin();
  turns.putsOff(turn('b'));
  world.run(10);
  expect(ended).toEqual(['a', 'b']);
});

it.each([
  { roundUs: 10, rounds: 4 },
  { roundUs: 60, rounds: 2 },
  { roundUs: 1_000, rounds: 1 },
])('clients that are answered have $rounds rounds of $roundUs µs to write', async ({ roundUs, rounds }) => {
  let nowUs = 5;
  const ends: (() => void)[] = [];
  const clock = { nowMs: () => 0, monotonicUs: () => nowUs };
  const timers = { after: () => ({ cancel() {} }), endOfTurn: (run: () => void) => void ends.push(run) };
  const turns = new PutOffTurns({ clock, timers });
  let isOver = false;
  void turns.rounds().then(() => {
    isOver = true;
  });
  let passed = 0;
  for (; !isOver && passed < 10; passed += 1) {
    nowUs += roundUs;
    ends.shift()?.();
    await new Promise(setImmediate);
  }
  expect(passed).toBe(rounds);
});

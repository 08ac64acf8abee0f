import { expect, it } from 'vitest';
import { StrangerLog } from '../../../src/replication/link/stranger-log.js';
import { MemoryLog } from '../../support/virtual-cluster.js';
import { VirtualWorld } from '../../support/virtual-world.js';

function open() {
  const world = new VirtualWorld();
  const log = new MemoryLog();
  const strangers = new StrangerLog(log, world.seams.timers);
  const warn = (kind: string, count: number) => {
    for (let port = 1; port <= count; port += 1) strangers.warn(kind, `10.0.0.1:${port} ${kind}`);
  };
  return { world, log, strangers, warn };
}

const kindsOf = ({ lines }: MemoryLog) => lines.map((line) => line.replace(/10\.0\.0\.1:\d+ /, ''));

it('logs ten lines of a kind in a minute and counts the others, each kind for itself', () => {
  const { world, log, warn } = open();
  warn('says nothing', 120_000);
  warn('is no peer', 3);
  expect(kindsOf(log)).toEqual([...Array(10).fill('warn says nothing'), ...Array(3).fill('warn is no peer')]);
  world.run(59_000);
  expect(log.lines).toHaveLength(13);
  world.run(2_000);
  expect(log.lines.slice(13)).toEqual(['warn 119990 more connections in a minute: says nothing']);
});

it('logs them again in the next minute, and counts from the start', () => {
  const { world, log, warn } = open();
  warn('says nothing', 30);
  world.run(61_000);
  log.lines.length = 0;
  warn('says nothing', 12);
  world.run(61_000);
  expect(kindsOf(log)).toEqual([
    ...Array(10).fill('warn says nothing'),
    'warn 2 more connections in a minute: says nothing',
  ]);
});

it('logs what it has counted when it is stopped, and leaves no timer', () => {
  const { world, log, strangers, warn } = open();
  warn('says nothing', 11);
  strangers.stop();
  expect(log.lines.at(-1)).toBe('warn 1 more connections in a minute: says nothing');
  expect(world.pending).toBe(0);
});

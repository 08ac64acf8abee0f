/** The list of planted bugs keeps up with the code: each can be planted, and every room has some. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../support/processes.js';
import { bugs } from './bugs.js';
import { plant } from './planted-bug.js';

it.each(bugs.map((bug) => [bug.name, bug] as const))('%s: its place is there, once', (_, bug) => {
  const text = readFileSync(join(repositoryRoot, bug.file), 'utf8');
  expect(plant(text, bug)).not.toBe(text);
});

it('they are thirty at least, twenty of them in replication and server, and some in every room', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(30);
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  const inRoom = (room: RegExp) => bugs.filter(({ file }) => room.test(file)).length;
  expect(inRoom(/^src\/(replication|server)\//)).toBeGreaterThanOrEqual(20);
  const rooms = [
    'kernel',
    'engine',
    'frame',
    'dump',
    'replay',
    'data',
    'resp',
    'files',
    'transport',
    'status',
    'cli',
  ];
  expect(rooms.filter((room) => inRoom(new RegExp(`^src/${room}/`)) === 0)).toEqual([]);
});

/** Long commands of all clients are gathered in memory that is used again, by one at a time. */
import { expect, it } from 'vitest';
import { CommandInput } from '../../src/resp/command-input.js';
import type { CommandSink } from '../../src/resp/command-window.js';
import { CommandWindow } from '../../src/resp/command-window.js';
import { LONG_BUFFERS_MAX_BYTES, LongBuffers } from '../../src/resp/long-buffers.js';
import { newEngine, StandingClock } from '../support/engines.js';
import { command } from '../support/resp-driver.js';

const MIB = 1024 * 1024;
const limits = { queryBufferBytes: 64 * MIB, maxValueBytes: 16 * MIB };

/** A pool that remembers what it gave out, and fails where two have one buffer. */
class WatchedBuffers extends LongBuffers {
  readonly taken: Buffer[] = [];
  readonly inUse = new Set<Buffer>();

  override take(bytes: number): Buffer {
    const buffer = super.take(bytes);
    expect(this.inUse.has(buffer)).toBe(false);
    this.inUse.add(buffer);
    this.taken.push(buffer);
    return buffer;
  }

  override give(buffer: Buffer): void {
    expect(this.inUse.delete(buffer)).toBe(true);
    super.give(buffer);
  }
}

function open() {
  const buffers = new WatchedBuffers();
  const engine = newEngine();
  const window = new CommandWindow(engine, new StandingClock());
  const faults: string[] = [];
  const sink: CommandSink = {
    mode: 0,
    reply: () => true,
    ran() {},
    changedOwn() {},
    command: () => 'next',
    fail: (bytes) => faults.push(bytes.toString()),
  };
  const inputOf = () => new CommandInput(sink, limits, buffers);
  const feed = (input: CommandInput, bytes: Buffer) => {
    for (let at = 0; at < bytes.length && faults.length === 0; at += 65_536) {
      input.feed(bytes.subarray(at, at + 65_536), window);
    }
  };
  return { buffers, engine, inputOf, feed, faults };
}

it('the next long command, of whatever client, has the memory of the one before', () => {
  const { buffers, engine, inputOf, feed } = open();
  const value = Buffer.alloc(MIB, 'a');
  feed(inputOf(), command('SET', 'a', value));
  const first = [...buffers.taken];
  expect(buffers.inUse.size).toBe(0);
  feed(inputOf(), command('SET', 'b', value.fill('b')));
  expect(buffers.taken.slice(first.length)).toHaveLength(first.length);
  const isSame = first.map((buffer, at) => buffers.taken[first.length + at] === buffer);
  expect(isSame).toEqual(isSame.map(() => true));
  expect(engine.get(Buffer.from('a'))?.equals(Buffer.alloc(MIB, 'a'))).toBe(true);
  expect(engine.get(Buffer.from('b'))?.equals(Buffer.alloc(MIB, 'b'))).toBe(true);
});

it('two clients whose commands are not whole share nothing', () => {
  const { engine, inputOf, feed } = open();
  const commands = ['x', 'y'].map((name) => command('SET', name, Buffer.alloc(MIB, name)));
  const inputs = commands.map(() => inputOf());
  for (let at = 0; at < commands[0]!.length; at += 50_000) {
    for (const [index, input] of inputs.entries()) feed(input, commands[index]!.subarray(at, at + 50_000));
  }
  for (const name of ['x', 'y']) {
    expect(engine.get(Buffer.from(name))?.equals(Buffer.alloc(MIB, name))).toBe(true);
  }
});

it('a client that leaves, or sends too much, gives its memory back, and 8 MiB at most are kept', () => {
  const { buffers, inputOf, feed, faults } = open();
  const half = command('SET', 'key', Buffer.alloc(3 * MIB)).subarray(0, 2 * MIB);
  const inputs = Array.from({ length: 6 }, inputOf);
  for (const input of inputs) feed(input, half);
  expect(buffers.inUse.size).toBe(6);
  for (const input of inputs) input.close();
  expect(buffers.inUse.size).toBe(0);
  const greedy = Buffer.concat([
    Buffer.from('*9\r\n'),
    ...Array.from({ length: 5 }, () => argument(15 * MIB)),
  ]);
  feed(inputOf(), greedy);
  expect(faults).toEqual([expect.stringContaining('larger than the query buffer')]);
  expect(buffers.inUse.size).toBe(0);
  expect(buffers.freeBytes).toBeGreaterThan(4 * MIB);
  expect(buffers.freeBytes).toBeLessThanOrEqual(LONG_BUFFERS_MAX_BYTES);
});

function argument(bytes: number): Buffer {
  return Buffer.concat([Buffer.from(`$${bytes}\r\n`), Buffer.alloc(bytes), Buffer.from('\r\n')]);
}

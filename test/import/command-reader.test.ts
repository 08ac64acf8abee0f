import { expect, it } from 'vitest';
import { CommandReader } from '../../src/import/command-reader.js';
import { parseRedisUrl } from '../../src/import/redis-url.js';
import { respCommand } from '../support/resp-client.js';

it('a stream is cut into commands, and its bytes are counted, whatever pieces it comes in', () => {
  const commands = [['SET', 'k', ''], ['PING'], ['SET', 'k', 'x'.repeat(5_000)]];
  const stream = Buffer.concat(commands.map((args) => respCommand(...args)));
  for (const size of [1, 7, 1_000, stream.length]) {
    const reader = new CommandReader();
    const found: string[][] = [];
    let bytes = 0;
    for (let at = 0; at < stream.length; at += size) {
      for (const command of reader.push(stream.subarray(at, at + size))) {
        found.push(command.args.map(String));
        bytes += command.bytes;
      }
    }
    expect(found).toEqual(commands);
    expect(bytes).toBe(stream.length);
  }
});

it('what is no command, or claims too much, is refused', () => {
  for (const wrong of [
    '+OK\r\n',
    '*1\r\n$536870913\r\n',
    '*99999999999\r\n',
    '*1\r\n:5\r\n',
    `*${'1'.repeat(40)}`,
  ]) {
    expect(() => [...new CommandReader().push(Buffer.from(wrong))]).toThrow(
      expect.objectContaining({ code: 'REPLY_MALFORMED' }),
    );
  }
});

it('a command of many arguments in pieces of one byte is read once, not once a piece', () => {
  const args = ['MSET', ...Array.from({ length: 20_000 }, (_, index) => `${index}`), 'x'.repeat(200_000)];
  const stream = respCommand(...args);
  const reader = new CommandReader();
  const found: { args: string[]; bytes: number }[] = [];
  // One buffer is used again, as a socket does.
  const piece = Buffer.alloc(1);
  for (const byte of stream) {
    piece[0] = byte;
    for (const command of reader.push(piece)) {
      found.push({ args: command.args.map(String), bytes: command.bytes });
    }
  }
  expect(found).toEqual([{ args, bytes: stream.length }]);
});

it('a command is refused as soon as it announces more bytes than are taken', () => {
  const stream = Buffer.concat([respCommand('SET', 'k', 'x'.repeat(900)), respCommand('SET', 'k', 'y')]);
  expect([...new CommandReader(1_000).push(stream)]).toHaveLength(2);
  const announced = Buffer.from(`*3\r\n$3\r\nSET\r\n$500\r\n${'k'.repeat(500)}\r\n$500\r\n`);
  expect(() => [...new CommandReader(1_000).push(announced)]).toThrow(
    expect.objectContaining({ code: 'REPLY_MALFORMED', expected: 'a command of 1000 bytes at most' }),
  );
});

it('the URL of a Redis has a default port and database, and quotes no password', () => {
  expect(parseRedisUrl('redis://h')).toEqual({
    address: { host: 'h', port: 6379 },
    isTls: false,
    user: undefined,
    password: undefined,
    database: 0,
  });
  expect(parseRedisUrl('rediss://u:p%40ss@[::1]:7000/3')).toMatchObject({
    address: { host: '::1', port: 7000 },
    isTls: true,
    user: 'u',
    password: 'p@ss',
    database: 3,
  });
  for (const wrong of ['http://h', 'redis://:secret@h/x', 'h:6379', 'redis://', 'redis://h?x=1']) {
    expect(() => parseRedisUrl(wrong)).toThrow(/redis:\/\/\[user/);
    expect(() => parseRedisUrl(wrong)).not.toThrow(/secret/);
  }
});

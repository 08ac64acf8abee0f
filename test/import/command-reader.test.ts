import { expect, it } from 'vitest';
import { CommandReader } from '../../src/import/command-reader.js';
import { parseRedisUrl } from '../../src/import/redis-url.js';
import { ReplyError, type ReplyValue, ReplyValues } from '../../src/redis-client/reply-values.js';
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

it('replies of any shape are read, whatever pieces they come in', () => {
  const stream = Buffer.from('+OK\r\n:-5\r\n$3\r\na\r\n\r\n*2\r\n$-1\r\n*2\r\n-ERR no\r\n*0\r\n*-1\r\n');
  for (const size of [1, 5, stream.length]) {
    const found: ReplyValue[] = [];
    const replies = new ReplyValues((reply) => found.push(reply));
    for (let at = 0; at < stream.length; at += size) replies.push(stream.subarray(at, at + size));
    expect(found).toEqual([
      ...[Buffer.from('OK'), -5, Buffer.from('a\r\n')],
      [null, [new ReplyError('ERR no'), []]],
      null,
    ]);
  }
  const deep = Buffer.from('*1\r\n'.repeat(20));
  expect(() => new ReplyValues(() => {}).push(deep)).toThrow(/lists within lists/);
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

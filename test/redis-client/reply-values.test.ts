import { expect, it } from 'vitest';
import { ReplyError, type ReplyValue, ReplyValues } from '../../src/redis-client/reply-values.js';

/** Returns the replies of a stream that comes in pieces of so many bytes, all in one buffer. */
function repliesTo(stream: Buffer, pieceBytes = stream.length): ReplyValue[] {
  const found: ReplyValue[] = [];
  const replies = new ReplyValues((reply) => found.push(reply));
  const room = Buffer.alloc(pieceBytes);
  for (let at = 0; at < stream.length; at += pieceBytes) {
    replies.push(room.subarray(0, stream.copy(room, 0, at, at + pieceBytes)));
    room.fill(0xff);
  }
  return found;
}

it('replies of any shape are read, whatever pieces they come in', () => {
  const stream = Buffer.from(
    '+OK\r\n:-5\r\n$3\r\na\r\n\r\n*2\r\n$-1\r\n*2\r\n-ERR no\r\n*0\r\n*-1\r\n+a\rb\nc\r\n',
  );
  for (let size = 1; size <= stream.length; size += 1) {
    expect(repliesTo(stream, size)).toEqual([
      ...[Buffer.from('OK'), -5, Buffer.from('a\r\n')],
      [null, [new ReplyError('ERR no'), []]],
      null,
      Buffer.from('a\rb\nc'),
    ]);
  }
});

it('lists and strings in pieces of one byte are read once, not once a piece', () => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => index);
  const text = 'x'.repeat(200_000);
  const stream = Buffer.from(
    `*2\r\n*${numbers.length}\r\n${numbers.map((number) => `:${number}\r\n`).join('')}$${text.length}\r\n${text}\r\n`,
  );
  // Read once a piece it would be a billion numbers.
  const [reply] = repliesTo(stream, 1) as [[number[], Buffer]];
  expect(reply[0]).toEqual(numbers);
  expect(reply[1].equals(Buffer.from(text))).toBe(true);
});

it('a string is given memory as it comes, not as it is announced', () => {
  const replies = new ReplyValues(() => {});
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < 8; index += 1) replies.push(Buffer.from(index === 0 ? '$500000000\r\n' : 'x'));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

it.each([
  ['another protocol, by its first byte', 'H', /0x48/],
  ['a byte that is no text', '\x15', /0x15/],
  ['a line end', '\r', /0x0d/],
  ['a line without end', `+${'x'.repeat(70_000)}`, /a line without end/],
  ['a string that is too long', '$536870913\r\n', /a length of 536870913/],
  ['a length below none', '$-2\r\n', /a length of -2/],
  ['a length that is none', '*x\r\n', /a length of x/],
  ['a number that is none', ':x\r\n', /a number of x/],
  ['a list that is too long', '*1048577\r\n', /a length of 1048577/],
  ['lists that are too long together', '*2\r\n*600000\r\n*600000\r\n', /a length of 600000/],
  ['lists that nest too deep', '*1\r\n'.repeat(20), /lists within lists/],
])('%s is refused', (_, text, words) => {
  for (const size of [1, 4_096, text.length]) {
    expect(() => repliesTo(Buffer.from(text, 'latin1'), size)).toThrow(
      expect.objectContaining({ code: 'REPLY_MALFORMED', message: expect.stringMatching(words) }),
    );
  }
});

it('a reply is refused as soon as it announces more bytes than are taken', () => {
  const replies = new ReplyValues(() => {}, 1_000);
  for (let count = 0; count < 5; count += 1) replies.push(Buffer.from(`$900\r\n${'x'.repeat(900)}\r\n`));
  replies.push(Buffer.from(`*2\r\n$600\r\n${'x'.repeat(600)}\r\n`));
  expect(() => replies.push(Buffer.from('$600\r\n'))).toThrow(/a reply of more than 1000 bytes/);
});

it('what one reply has is not counted for the next', () => {
  const list = `*700000\r\n${':1\r\n'.repeat(700_000)}`;
  expect(repliesTo(Buffer.from(list.repeat(2)))).toHaveLength(2);
});

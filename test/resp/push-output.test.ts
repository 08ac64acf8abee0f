/** What a client is sent out of turn: where it stands among its replies, and what becomes of too much. */
import { expect, it } from 'vitest';
import { encodeReply, Push } from '../../src/resp/reply.js';

it('encodes a message as a push in RESP3 and as an array in RESP2', () => {
  const message = new Push(['message', Buffer.from('a'), 1]);
  expect(String(encodeReply(message, 3))).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n');
  expect(String(encodeReply(message, 2))).toBe('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n');
});

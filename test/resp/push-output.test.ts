/**
 * The bytes that a client is sent out of turn, which are made once for all clients that are sent the same.
 */
import { expect, it } from 'vitest';
import { ClientState } from '../../src/resp/client-state.js';
import { PubSub } from '../../src/resp/pubsub/pubsub.js';
import { encodeReply, Push } from '../../src/resp/reply.js';
import { Joiner } from '../../src/resp/reply-turn.js';

it('a message is a push in RESP3 and an array in RESP2', () => {
  const message = new Push(['message', Buffer.from('a'), 1]);
  expect(String(encodeReply(message, 3))).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n');
  expect(String(encodeReply(message, 2))).toBe('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n');
});

it('ten thousand subscribers of a channel share one encoding for each protocol', () => {
  const pubsub = new PubSub(() => false);
  const sent: [protocol: number, bytes: Buffer][] = [];
  for (let id = 1; id <= 10_000; id += 1) {
    const client = new ClientState({
      id,
      address: `127.0.0.1:${id}`,
      localAddress: '127.0.0.1:6380',
      nowMs: 0,
      isAuthenticated: true,
    });
    client.protocol = id % 2 === 0 ? 2 : 3;
    client.output = { push: (bytes) => sent.push([client.protocol, bytes]), takes: () => true };
    pubsub.subscribe(client, 'channels', 'channel');
  }
  expect(pubsub.publish(Buffer.from('channel'), Buffer.from('hello'))).toBe(10_000);
  expect(sent.length).toBe(10_000);
  expect(new Set(sent.map(([, bytes]) => bytes)).size).toBe(2);
  const marks = sent.map(([protocol, bytes]) => `${protocol} ${String.fromCharCode(bytes[0]!)}`);
  expect(new Set(marks)).toEqual(new Set(['2 *', '3 >']));
});

it('clients that are sent the same in a turn share the joined bytes, and others do not', () => {
  const [first, second, third] = ['first', 'second', 'third'].map((text) => Buffer.from(text));
  const joiner = new Joiner();
  const joined = joiner.join([first!, second!], 11);
  expect(String(joined)).toBe('firstsecond');
  expect(joiner.join([first!, second!], 11)).toBe(joined);
  expect(String(joiner.join([first!, third!], 10))).toBe('firstthird');
  expect(String(joiner.join([third!, second!], 11))).toBe('thirdsecond');
  expect(joiner.join([third!], 5)).toBe(third);
});

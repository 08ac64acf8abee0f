/** The pipeline against a server that is played by hand, and that answers nothing, too much, or nonsense. */
import { expect, it } from 'vitest';
import { Pipeline } from '../../src/replay/pipeline.js';
import type { Connection, ConnectionHandlers } from '../../src/transport/connection.js';

class PlayedServer {
  readonly errors: [string, number][] = [];
  /** The bytes that it was sent. */
  sent = '';
  isClosed = false;
  #handlers: ConnectionHandlers | undefined;
  #onDeadline: () => void = () => {};

  /** Resolves when the server has said that it is there. */
  async open(password?: string): Promise<Pipeline> {
    const opening = this.start(password);
    this.say('+PONG\r\n');
    return opening;
  }

  start(password?: string): Promise<Pipeline> {
    return Pipeline.open({
      transport: {
        connect: (_address, _options, handlers) => {
          this.#handlers = handlers;
          handlers.opened({
            bufferedBytes: 0,
            write: (bytes: Uint8Array) => {
              this.sent += Buffer.from(bytes).toString('latin1');
              return true;
            },
            destroy: () => {
              this.isClosed = true;
            },
          } as Partial<Connection> as Connection);
          return { destroy() {} };
        },
      },
      address: { host: '127.0.0.1', port: 6379 },
      connectTimeoutMs: 500,
      password,
      timers: {
        after: (_delayMs, run) => {
          this.#onDeadline = run;
          return { cancel() {} };
        },
        endOfTurn() {},
      },
      onError: (message, place) => this.errors.push([message, place]),
    });
  }

  /** Behind what the pipeline has begun. */
  say(text: string): void {
    setImmediate(() => this.#handlers?.onData(Buffer.from(text)));
  }

  passDeadline(): void {
    setImmediate(() => this.#onDeadline());
  }
}

const PING = [Buffer.from('PING')];

it('presents the password, sends commands as they are, and tells refusals with their places', async () => {
  const server = new PlayedServer();
  const opening = server.start('secret');
  server.say('+OK\r\n');
  setImmediate(() => server.say('+PONG\r\n'));
  const pipeline = await opening;
  pipeline.push([Buffer.from('SET'), Buffer.from('k\r\n'), Buffer.alloc(0)], 11);
  pipeline.push(PING, 22);
  server.say('+OK\r\n-ERR no\r\n');
  await pipeline.drain();
  expect(server.sent).toBe(
    '*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n',
  );
  expect(server.errors).toEqual([['ERR no', 22]]);
  expect([pipeline.sent, pipeline.answered]).toEqual([2, 2]);
});

it('has no more under way than its window, and goes on when half of it is free', async () => {
  const server = new PlayedServer();
  const pipeline = await server.open();
  let count = 0;
  while (!pipeline.isFull) pipeline.push(PING, count++);
  expect(count).toBe(16_384);
  let hasRoom = false;
  const room = pipeline.room().then(() => {
    hasRoom = true;
  });
  server.say('+PONG\r\n'.repeat(8_191));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(hasRoom).toBe(false);
  server.say('+PONG\r\n');
  await room;
  expect(pipeline.answered).toBe(8_192);
});

it.each([
  ['PEER_SILENT', (server: PlayedServer) => server.passDeadline()],
  ['REPLY_MALFORMED', (server: PlayedServer) => server.say('HTTP/1.1 400 Bad Request\r\n')],
  ['REPLY_MALFORMED', (server: PlayedServer) => server.say('+PONG\r\n+PONG\r\n')],
  ['PASSWORD_REFUSED', (server: PlayedServer) => server.say('-NOAUTH Authentication required.\r\n')],
  ['SERVER_REFUSED', (server: PlayedServer) => server.say('-READONLY You can not write.\r\n')],
])('ends with %s', async (code, happen) => {
  const server = new PlayedServer();
  const pipeline = await server.open();
  pipeline.push(PING, 0);
  happen(server);
  await expect(pipeline.drain().then(() => pipeline.drain())).rejects.toMatchObject({ code });
  expect(server.isClosed).toBe(true);
});

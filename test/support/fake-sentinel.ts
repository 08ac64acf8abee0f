/** A Sentinel, as far as a server asks one, or a peer that answers what a test wants. */
import { createServer, type Server, type Socket } from 'node:net';

export interface SentinelState {
  /** `host:port` of the primary that it names. */
  primary: string;
  epoch?: number;
  replicas?: number;
  password?: string;
}

/** Bulk strings in a list. */
export function respList(...texts: (string | number)[]): string {
  const elements = texts.map((text) => `$${Buffer.byteLength(String(text))}\r\n${text}\r\n`);
  return `*${texts.length}\r\n${elements.join('')}`;
}

/**
 * Listens on a port of its own; `state` may change at any time, and undefined is a Sentinel that knows
 * nobody.
 */
export class FakeSentinel {
  state: SentinelState | undefined;
  /** Sent in place of an answer; undefined: it answers as a Sentinel does. */
  raw: string | undefined;
  asked = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(state?: SentinelState): Promise<FakeSentinel> {
    const sentinel = new FakeSentinel(state);
    await new Promise<void>((resolve) => sentinel.#server.listen(0, '127.0.0.1', resolve));
    return sentinel;
  }

  private constructor(state: SentinelState | undefined) {
    this.state = state;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      let hasAuthenticated = false;
      socket.on('data', (chunk) => {
        if (this.raw !== undefined) {
          if (socket.bytesWritten === 0) socket.write(this.raw);
          return;
        }
        // A command comes in one piece.
        for (const command of chunk.toString().split('*').slice(1)) {
          const words = command.split('\r\n').filter((_, at) => at > 0 && at % 2 === 0);
          if (words[0] === 'AUTH') hasAuthenticated = words[1] === this.state?.password;
          socket.write(this.#answer(words, hasAuthenticated));
        }
      });
    });
  }

  get address(): string {
    const bound = this.#server.address();
    return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(words: readonly string[], hasAuthenticated: boolean): string {
    const { primary, epoch = 0, replicas = 0, password } = this.state ?? { primary: '' };
    if (words[0] === 'AUTH')
      return hasAuthenticated ? '+OK\r\n' : '-WRONGPASS invalid username-password pair\r\n';
    if (password !== undefined && !hasAuthenticated) return '-NOAUTH Authentication required.\r\n';
    const [host, port] = [
      primary.slice(0, primary.lastIndexOf(':')),
      primary.slice(primary.lastIndexOf(':') + 1),
    ];
    if (words[1] === 'GET-MASTER-ADDR-BY-NAME') {
      this.asked += 1;
      return this.state === undefined ? '*-1\r\n' : respList(host, port);
    }
    if (this.state === undefined) return '-ERR No such master with that name\r\n';
    const facts = ['name', 'mymaster', 'ip', host, 'flags', 'master', 'config-epoch', epoch];
    return respList(...facts, 'num-slaves', replicas);
  }
}

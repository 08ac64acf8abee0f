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
      // A question comes in one piece.
      socket.on('data', (chunk) => socket.write(this.#answer(chunk.toString())));
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

  #answer(question: string): string {
    this.asked += 1;
    if (this.raw !== undefined) return this.raw;
    const { primary, epoch = 0, replicas = 0, password } = this.state ?? { primary: '' };
    if (password !== undefined) {
      if (!question.includes('AUTH')) return '-NOAUTH Authentication required.\r\n'.repeat(2);
      if (!question.includes(password)) return '-WRONGPASS invalid username-password pair\r\n'.repeat(3);
    }
    const greeting = password === undefined ? '' : '+OK\r\n';
    if (this.state === undefined) return `${greeting}*-1\r\n-ERR No such master with that name\r\n`;
    const [host, port] = [
      primary.slice(0, primary.lastIndexOf(':')),
      primary.slice(primary.lastIndexOf(':') + 1),
    ];
    const facts = ['name', 'mymaster', 'ip', host, 'flags', 'master', 'config-epoch', epoch];
    return greeting + respList(host, port) + respList(...facts, 'num-slaves', replicas);
  }
}

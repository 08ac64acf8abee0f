/**
 * A TCP relay between a replica and its primary that counts the kinds of frames that go down, as they were
 * really sent. It can be slow, so that bytes that usually come at once come bit by bit.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { frameKindName } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';

const PAUSE_MS = 1;

export interface WiretapOptions {
  /** Bytes for replicas go in pieces of at most this, with a pause between them. */
  pieceBytes?: number;
}

export class Wiretap {
  readonly address: string;
  /** Turned off, it hangs up on whoever connects. */
  isOpen = true;
  /** Where new connections go, `host:port`. */
  primary: string;
  /** How many frames of each kind have gone to replicas, all connections together. */
  readonly sent: Record<string, number> = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  readonly #pieceBytes: number | undefined;

  private constructor(server: Server, primary: string, { pieceBytes }: WiretapOptions) {
    this.#server = server;
    this.primary = primary;
    this.#pieceBytes = pieceBytes;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port');
    this.address = `127.0.0.1:${bound.port}`;
    server.on('connection', (socket) => this.#relay(socket));
  }

  /** Relays to `primary`, `host:port`. */
  static async start(primary: string, options: WiretapOptions = {}): Promise<Wiretap> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Wiretap(server, primary, options);
  }

  /** Breaks every connection that is there; new ones are relayed. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #relay(replica: Socket): void {
    if (!this.isOpen) {
      replica.destroy();
      return;
    }
    const [host, port] = this.primary.split(':');
    const primary = connect(Number(port), host!);
    const splitter = new FrameSplitter();
    for (const [from, to] of [
      [replica, primary],
      [primary, replica],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        if (from === primary) splitter.push(chunk, ({ header }) => this.#count(frameKindName(header.kind)));
        if (from === primary && this.#pieceBytes !== undefined) void drip(from, to, chunk, this.#pieceBytes);
        else if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    }
  }

  #count(kind: string): void {
    this.sent[kind] = (this.sent[kind] ?? 0) + 1;
  }
}

/**
 * Nothing more is taken from `from` before all of the chunk is out, or its rest and what follows would change
 * places.
 */
async function drip(from: Socket, to: Socket, chunk: Buffer, pieceBytes: number): Promise<void> {
  from.pause();
  for (let at = 0; at < chunk.length && !to.destroyed; at += pieceBytes) {
    await new Promise<void>((resolve) => to.write(chunk.subarray(at, at + pieceBytes), () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  from.resume();
}

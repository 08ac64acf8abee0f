/**
 * The port of clients, on which peers of another protocol are served as well: it finds the protocol by the
 * first bytes, and keeps clients to their number, in which peers do not count.
 */
import type { Server, Socket } from 'node:net';
import { formatAddress } from './address.js';
import type { ClientSocket } from './client-socket.js';
import type { Address, StrangerWarning } from './connection.js';
import { ExcessConnections } from './excess-connections.js';
import { type PeerDoor, readByProtocol } from './first-bytes.js';
import { listenOn } from './tcp.js';

/** A connection that a client may use. */
export interface AcceptedClient {
  /** `host:port` of the client, and of the port that it connected to. */
  readonly address: string;
  readonly localAddress: string;
  /** Starts to read: `onData` is called with each chunk, and may use its bytes until it returns. */
  read(onData: (chunk: Buffer) => void): ClientSocket;
}

/** The options of a port of clients. */
export interface ClientPortOptions extends PeerDoor {
  readonly address: Address;
  /** Seconds of silence after which the system asks whether the other machine is still there. */
  readonly keepAliveSeconds: number;
  /** The bytes that a client beyond the number is sent. */
  readonly refusal: Buffer;
  /** Whether there are as many clients as there may be. */
  isFull(): boolean;
  /** Called with each connection, before it is known whose it is. */
  onConnection(): void;
  /** Called with a connection, which is to read; one that turns out to be a peer's is closed to it. */
  onClient(accepted: AcceptedClient): void;
  /** Called for each client that was refused. */
  onRefused(): void;
  /** Warns of a client that was closed because it speaks another protocol than this port. */
  warn: StrangerWarning;
}

/** A port that clients and peers connect to. */
export class ClientPort {
  readonly #options: ClientPortOptions;
  readonly #server: Server;
  readonly #excess: ExcessConnections;
  #listening: string | undefined;

  constructor(options: ClientPortOptions) {
    this.#options = options;
    this.#excess = new ExcessConnections(options, options.refusal, () => options.onRefused());
    const { sockets, warn, keepAliveSeconds } = options;
    this.#server = sockets.createServer({ keepAliveMs: keepAliveSeconds * 1000, warn }, (socket) =>
      this.#accept(socket),
    );
  }

  /** Resolves when it listens. Throws PORT_TAKEN, LISTEN_FAILED. */
  async listen(): Promise<void> {
    this.#listening = await listenOn(this.#server, this.#options.address);
  }

  /** The `host:port` that is really listened on; undefined until it is. */
  get listening(): string | undefined {
    return this.#listening;
  }

  /** The port that is really listened on. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : this.#options.address.port;
  }

  /** Stops accepting; clients and peers keep their connections, and nobody waits for these. */
  close(): void {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#options.sockets.release(this.#server);
    this.#excess.close();
  }

  #accept(socket: Socket): void {
    const options = this.#options;
    options.onConnection();
    if (options.isFull()) {
      this.#excess.take(socket);
      return;
    }
    const address = formatAddress({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
    options.onClient({
      address,
      localAddress: formatAddress({ host: socket.localAddress ?? '', port: socket.localPort ?? 0 }),
      read(onData) {
        const refuse = (kind: string) => {
          options.warn(kind, `client ${address} is closed: it ${kind}`);
          reading.destroy();
        };
        const reading = readByProtocol(socket, options, {
          onData,
          onLate: () => refuse('sent the beginning of an FCRP frame and no more in time'),
          onTls: () => refuse('speaks TLS on a port without it (--listen-tls opens one)'),
        });
        return reading;
      },
    });
  }
}

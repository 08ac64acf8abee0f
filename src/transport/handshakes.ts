/**
 * The TLS handshakes of a server that are not finished (docs/operations.md, "TLS"). They cost memory and come
 * from anybody, so their number and the time for each are bounded; those that fail are logged.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { formatAddress } from './address.js';
import type { StrangerWarning } from './connection.js';
import { clientFault } from './tls-faults.js';

/** The milliseconds that a handshake may take. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/**
 * The most at one time, more than the system lets wait to be accepted. One more costs the oldest its place: a
 * client has sent its part long before a crowd that sends nothing gets round to it.
 */
const MAX_UNFINISHED = 1_024;

/** The handshakes of one server. */
export class Handshakes {
  /** The sockets below TLS, by the two ends of each, the oldest first. */
  readonly #unfinished = new Map<string, Socket>();

  /** Watches a server that does not listen yet. */
  constructor(server: Server, warn: StrangerWarning) {
    server.on('connection', (socket: Socket) => this.#begin(socket));
    server.on('secureConnection', (socket) => this.#unfinished.delete(endsOf(socket)));
    server.on('tlsClientError', (error, socket) => {
      const fault = clientFault(error, refusalOf(socket));
      if (fault !== undefined)
        warn(fault.kind, `${addressOf(socket)} ${fault.kind} (${fault.detail}); closed`);
      socket.destroy();
    });
  }

  /** Drops all of them, so that a server that closes need not wait for them. */
  drop(): void {
    for (const socket of this.#unfinished.values()) socket.destroy();
    this.#unfinished.clear();
  }

  #begin(socket: Socket): void {
    const ends = endsOf(socket);
    this.#unfinished.set(ends, socket);
    socket.once('close', () => {
      if (this.#unfinished.get(ends) === socket) this.#unfinished.delete(ends);
    });
    if (this.#unfinished.size <= MAX_UNFINISHED) return;
    const [oldest] = this.#unfinished.keys();
    this.#unfinished.get(oldest!)?.destroy();
    this.#unfinished.delete(oldest!);
  }
}

/** Node offers no way from a socket of TLS to the one below it, but both have the same two ends. */
function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

/** The code for which a certificate was refused; Node gives null for none. */
function refusalOf({ authorizationError }: TLSSocket): string | undefined {
  return authorizationError ? String(authorizationError) : undefined;
}

/** The peer's address; of a socket that is closed already only the one below it knows it. */
function addressOf(socket: TLSSocket): string {
  const below = (socket as { _parent?: Socket | null })._parent;
  const host = socket.remoteAddress ?? below?.remoteAddress;
  const port = socket.remotePort ?? below?.remotePort;
  return host === undefined ? 'a client that is gone' : formatAddress({ host, port: port ?? 0 });
}

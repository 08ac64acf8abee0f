/**
 * TCP behind the seam of `connection.ts`: sockets in, bytes and backpressure out. It knows nothing about
 * frames, and imports nothing of the core but its errors.
 */
import { createServer, type OnReadOpts, connect as openSocket, type Server, type Socket } from 'node:net';
import { type ErrorCode, FastcacheError } from '../errors.js';
import { formatAddress } from './address.js';
import type { SocketKind } from './client-socket.js';
import type { Address, Connection, ConnectionHandlers, Listener, Transport } from './connection.js';
import { readShared } from './shared-read.js';

/** A peer whose machine is gone is noticed by probes that start after this much silence. */
export const KEEP_ALIVE_MS = 10_000;
const READ_BYTES = 1_048_576;
/**
 * Milliseconds after which a passed deadline is looked at a second time: a process that was halted finds it
 * past before it has looked at its sockets, and by then it has. A process that is later than that gives the
 * whole time once more, since a connection may take several steps.
 */
const SECOND_LOOK_MS = 50;
/** Bytes that a connection takes before it is full: a turn's frames rather than one. */
const WRITE_BYTES = 1_048_576;

/** Connections over TCP. */
export const tcpTransport: Transport = { listen, connect };

function listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    highWaterMark: WRITE_BYTES,
  });
  server.on('connection', (socket) => {
    // The socket may be reset before it is handed out: it then has no address, and there is no peer to
    // answer.
    if (socket.remoteAddress === undefined) socket.destroy();
    else accept(new SocketConnection(socket));
  });
  return listenOn(server, address).then((listening) => ({
    address: listening,
    close: () => closeServer(server),
  }));
}

/** The sockets of plain ports that clients use. */
export const plainSockets: SocketKind = {
  createServer: ({ keepAliveMs }, accept) =>
    createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs, pauseOnConnect: true },
      accept,
    ),
  release() {},
  read: readShared,
  take(socket) {
    const reader = { onData: (chunk: Buffer) => connection.handlers.onData(chunk) };
    const taken = readShared(socket as Socket, reader, WRITE_BYTES).setKeepAlive(true, KEEP_ALIVE_MS);
    const connection = new SocketConnection(taken);
    return connection;
  },
};

/** Resolves with `host:port` when `server` listens. Throws `PORT_TAKEN` or `LISTEN_FAILED`. */
export function listenOn(server: Server, address: Address): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => reject(listenError(address, cause));
    server.once('error', refuse);
    server.listen(address.port, address.host, () => {
      server.off('error', refuse);
      // An accept that fails (too many open files) costs that connection alone.
      server.on('error', () => {});
      resolve(listeningAddress(server));
    });
  });
}

/** Makes `PORT_TAKEN` or `LISTEN_FAILED`, for what `listen` of a server failed with. */
function listenError(address: Address, cause: unknown): FastcacheError {
  const place = formatAddress(address);
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    const message = `Another process listens on ${place} already: stop it, or choose another port, 0 for a free one.`;
    return new FastcacheError('PORT_TAKEN', message, { address: place, cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FastcacheError('LISTEN_FAILED', `Cannot listen on ${place}: ${reason}.`, {
    address: place,
    cause,
  });
}

/** Returns the `host:port` that a server really listens on. */
function listeningAddress(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has an address and a port');
  return formatAddress({ host: bound.address, port: bound.port });
}

/** Resolves when `server` accepts no more and its last connection is closed. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function connect(
  address: Address,
  options: { connectTimeoutMs: number },
  handlers: ConnectionHandlers & { opened(connection: Connection): void },
): { destroy(): void } {
  return openConnection(PLAIN, address, options, handlers);
}

/** How sockets are opened. */
export interface Opening {
  /** Starts to connect; bytes that are read go to `onread`. */
  open(address: Address, onread: OnReadOpts): Socket;
  /** The event of a socket that can be used. */
  readonly openedEvent: 'connect' | 'secureConnect';
  /** Returns why a connection failed or broke, in words that follow a colon, without a full stop. */
  reasonOf(error: Error, place: string): string;
  /** The code of a failure to connect. */
  codeOf(error: Error): ErrorCode;
}

const PLAIN: Opening = {
  open: ({ host, port }, onread) =>
    openSocket({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread,
    }),
  openedEvent: 'connect',
  reasonOf: connectReason,
  codeOf: () => 'PRIMARY_UNREACHABLE',
};

/** Connects as `Transport.connect` does, by sockets of this kind. */
export function openConnection(
  opening: Opening,
  address: Address,
  { connectTimeoutMs }: { connectTimeoutMs: number },
  handlers: ConnectionHandlers & { opened(connection: Connection): void },
): { destroy(): void } {
  let connection: SocketConnection | undefined;
  const socket = opening.open(address, {
    // One buffer serves for good, and is large: a primary's stream comes in frames of tens of KiB.
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (bytes, buffer) => {
      connection?.handlers.onData((buffer as Buffer).subarray(0, bytes));
      return true;
    },
  });
  const place = formatAddress(address);
  const unreachable = (why: string, code: ErrorCode = 'PRIMARY_UNREACHABLE', cause?: unknown) =>
    new FastcacheError(code, `Cannot reach ${place}: ${why}.`, { address: place, cause });

  let fault: FastcacheError | undefined;
  let givenUp = false;
  const dueAtMs = performance.now() + connectTimeoutMs;
  const giveUp = () => {
    fault = unreachable(`no connection within ${connectTimeoutMs} ms`);
    socket.destroy();
  };
  let deadline = setTimeout(() => {
    const isLate = performance.now() - dueAtMs > SECOND_LOOK_MS;
    deadline = setTimeout(giveUp, isLate ? connectTimeoutMs : SECOND_LOOK_MS);
  }, connectTimeoutMs);
  const onError = (cause: Error) => {
    fault ??= unreachable(
      opening.reasonOf(cause, place) || 'the connection was refused',
      opening.codeOf(cause),
      cause,
    );
  };
  const onClose = () => {
    clearTimeout(deadline);
    if (!givenUp) handlers.onClose(fault ?? unreachable('the connection closed while it was being opened'));
  };
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.once(opening.openedEvent, () => {
    clearTimeout(deadline);
    socket.off('error', onError);
    socket.off('close', onClose);
    connection = new SocketConnection(socket, { remoteAddress: place, reasonOf: opening.reasonOf });
    connection.handlers = handlers;
    handlers.opened(connection);
  });
  return {
    destroy() {
      givenUp = true;
      clearTimeout(deadline);
      socket.destroy();
    },
  };
}

function messageOf(error: Error): string {
  return error.message;
}

function connectReason(error: Error): string {
  const isRefused = 'code' in error && error.code === 'ECONNREFUSED';
  return isRefused
    ? 'nobody listens there (ECONNREFUSED); check that the server runs, and its port'
    : error.message;
}

/** The handlers until others are set: bytes wait in the socket, which flows only from then on. */
const NO_HANDLERS: ConnectionHandlers = { onData() {}, onDrain() {}, onClose() {} };

/** The connection of a socket, plain or of TLS. */
export class SocketConnection implements Connection {
  readonly remoteAddress: string;
  handlers: ConnectionHandlers = NO_HANDLERS;
  readonly #socket: Socket;
  #isCorked = false;
  #acceptedBytes = 0;

  constructor(
    socket: Socket,
    {
      remoteAddress = formatAddress({
        host: socket.remoteAddress ?? 'unknown',
        port: socket.remotePort ?? 0,
      }),
      reasonOf = messageOf,
    }: { remoteAddress?: string; reasonOf?: Opening['reasonOf'] } = {},
  ) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    let error: Error | undefined;
    socket.on('data', (chunk: Buffer) => this.handlers.onData(chunk));
    socket.on('drain', () => this.handlers.onDrain());
    socket.on('error', (cause) => {
      const reason = reasonOf(cause, remoteAddress);
      error = new FastcacheError('CONNECTION_LOST', `The connection broke: ${reason}.`, {
        address: remoteAddress,
        cause,
      });
    });
    socket.once('close', () => {
      const { handlers } = this;
      this.handlers = NO_HANDLERS;
      handlers.onClose(error);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  get sentBytes(): number {
    return this.#acceptedBytes - this.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return false;
    this.#gather();
    this.#acceptedBytes += bytes.length;
    // A socket of TLS says that it is full far earlier.
    return this.#socket.write(bytes) || this.#socket.writableLength < WRITE_BYTES;
  }

  flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  /** Gathers what one callback writes, a frame for each shard perhaps, so that it is one system call. */
  #gather(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => this.flush());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** The sockets of a port that clients use, with the same operations over TCP and TLS. */
import type { Server, Socket } from 'node:net';
import type { Connection, StrangerWarning } from './connection.js';

/** A client's socket, for code that is handed a connection and opens none. */
export interface ClientSocket {
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  /** Bytes that the network has not taken yet. */
  readonly writableLength: number;
  /** Whether so much waits that `drain` is to come. */
  readonly writableNeedDrain: boolean;
  on(event: 'drain' | 'error', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  write(bytes: Uint8Array): boolean;
  /** Closes when what was written, and the last bytes, are sent. */
  end(): unknown;
  end(bytes: Uint8Array): unknown;
  destroy(): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** The reader of a connection; another one may take its place between two chunks. */
export interface ChunkReader {
  /** Called with each chunk; its bytes may be used until it returns. */
  onData(chunk: Buffer): void;
}

/** How the server of a port is made. */
export interface PortServerOptions {
  /** Milliseconds of silence after which the system asks whether the other machine is still there. */
  readonly keepAliveMs: number;
  /** Warns of a client that was refused before it was accepted. */
  readonly warn: StrangerWarning;
}

/** The kind of sockets of a port: TCP or TLS. */
export interface SocketKind {
  /** Makes a server that hands out sockets which are not read yet. */
  createServer(options: PortServerOptions, accept: (socket: Socket) => void): Server;
  /** Called with such a server that is closed. */
  release(server: Server): void;
  /** Starts to read a socket that such a server has accepted. The one that is returned takes its place. */
  read(accepted: Socket, reader: ChunkReader): ClientSocket;
  /**
   * Makes a connection of a socket that `read` has returned, which is closed without it: it has the options
   * of one that a transport's `listen` hands out. The caller hands bytes that had been read to its handlers.
   */
  take(socket: ClientSocket): Connection;
}

/**
 * A client's socket over TLS. The state of TLS cannot be moved from one of Node's sockets to another, so this
 * one stands in front, and leaves when the connection turns out to be a peer's.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ChunkReader, ClientSocket } from './client-socket.js';

const NOTHING = new Uint8Array(0);

/** The front of a socket of TLS. */
export class SecureClientSocket extends EventEmitter implements ClientSocket {
  readonly #socket: Socket;
  /** The functions that are called with each event of the socket. */
  readonly #listeners: [event: 'data' | 'drain' | 'error' | 'close', listener: (value: unknown) => void][];
  #hasLeft = false;

  /** Starts to read. */
  constructor(socket: Socket, reader: ChunkReader) {
    super();
    this.#socket = socket;
    this.#listeners = [
      ['data', (chunk) => reader.onData(chunk as Buffer)],
      ['drain', () => this.emit('drain')],
      ['error', (error) => this.emit('error', error)],
      ['close', () => this.emit('close')],
    ];
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
  }

  get destroyed(): boolean {
    return this.#hasLeft || this.#socket.destroyed;
  }

  get writableEnded(): boolean {
    return this.#hasLeft || this.#socket.writableEnded;
  }

  get writableLength(): number {
    return this.#hasLeft ? 0 : this.#socket.writableLength;
  }

  get writableNeedDrain(): boolean {
    return !this.#hasLeft && this.#socket.writableNeedDrain;
  }

  write(bytes: Uint8Array): boolean {
    return !this.#hasLeft && this.#socket.write(bytes);
  }

  end(bytes: Uint8Array = NOTHING): void {
    if (!this.#hasLeft) this.#socket.end(bytes);
  }

  destroy(): void {
    if (!this.#hasLeft) this.#socket.destroy();
  }

  pause(): void {
    if (!this.#hasLeft) this.#socket.pause();
  }

  resume(): void {
    if (!this.#hasLeft) this.#socket.resume();
  }

  /** Leaves the socket, which it returns, and closes without it. */
  leave(): Socket {
    this.#hasLeft = true;
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener);
    process.nextTick(() => this.emit('close'));
    return this.#socket;
  }
}

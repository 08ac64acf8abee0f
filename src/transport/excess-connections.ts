/**
 * Connections that come while there are as many clients as there may be. Clients are refused, but a peer of
 * the other protocol may come nevertheless, so what decides is the first bytes, which have a deadline.
 */
import type { Socket } from 'node:net';
import type { Timer } from '../clock.js';
import type { ClientSocket } from './client-socket.js';
import { type PeerDoor, readByProtocol } from './first-bytes.js';

/** The most at one time, as many as unauthenticated replicas; one more costs the oldest its place. */
const MAX_EXCESS = 256;

/** The connections that are refused unless they are a peer's. */
export class ExcessConnections {
  readonly #door: PeerDoor;
  readonly #refusal: Buffer;
  readonly #onRefused: () => void;
  /** Those that are open, each with the deadline of its present step, the oldest first. */
  readonly #open = new Map<ClientSocket, { deadline: Timer; isRefused: boolean }>();

  /** A client is sent `refusal`, and `onRefused` is called for each. */
  constructor(door: PeerDoor, refusal: Buffer, onRefused: () => void) {
    this.#door = door;
    this.#refusal = refusal;
    this.#onRefused = onRefused;
  }

  /** Takes a connection that a server with `pauseOnConnect` accepted. */
  take(accepted: Socket): void {
    const refuse = () => this.#refuse(socket);
    const socket = readByProtocol(accepted, this.#door, { onData: refuse, onLate: refuse, onTls: refuse });
    socket.on('error', () => {});
    socket.once('close', () => this.#forget(socket));
    const deadline = this.#door.timers.after(this.#door.deadlineMs, refuse);
    this.#open.set(socket, { deadline, isRefused: false });
    if (this.#open.size <= MAX_EXCESS) return;
    const [oldest] = this.#open.keys();
    this.#refuse(oldest!);
    this.#forget(oldest!);
    oldest!.destroy();
  }

  /** Drops all of them. */
  close(): void {
    for (const socket of [...this.#open.keys()]) {
      this.#forget(socket);
      socket.destroy();
    }
  }

  /** Sends the refusal; the client has until a deadline to take it and to close as well. */
  #refuse(socket: ClientSocket): void {
    const entry = this.#open.get(socket);
    if (entry === undefined || entry.isRefused) return;
    entry.isRefused = true;
    entry.deadline.cancel();
    entry.deadline = this.#door.timers.after(this.#door.deadlineMs, () => socket.destroy());
    this.#onRefused();
    socket.end(this.#refusal);
  }

  #forget(socket: ClientSocket): void {
    this.#open.get(socket)?.deadline.cancel();
    this.#open.delete(socket);
  }
}

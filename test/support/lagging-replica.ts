/**
 * A replica of ours over TCP that has what it is told to have: it says so, every half second, and applies
 * nothing.
 */
import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { parseAddress } from '../../src/transport/address.js';

const ACK_EVERY_MS = 500;

export class LaggingReplica {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #watermarks: readonly bigint[];

  /**
   * Follows `primary`, `host:port`, in its `history`; `pairs` stand in its margin as well. It ends without a
   * Leave.
   */
  constructor(
    primary: string,
    history: string,
    watermarks: readonly bigint[],
    pairs: readonly [string, string][] = [],
    token?: string,
  ) {
    this.#watermarks = watermarks;
    this.#socket = connect(parseAddress(primary));
    this.#socket.on('error', () => {});
    this.#socket.resume();
    const margin = new Map([['history', history], ...pairs]);
    this.#socket.write(encodeHelloFrame({ role: 'replica', token, watermarks }, { margin }));
    // Before the answer nothing more may come of a peer whose token is compared.
    this.#socket.once('data', () => this.#acknowledge());
    this.#timer = setInterval(() => this.#acknowledge(), ACK_EVERY_MS);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.localPort}`;
  }

  reach(watermarks: readonly bigint[]): void {
    this.#watermarks = watermarks;
    this.#acknowledge();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }

  #acknowledge(): void {
    this.#socket.write(encodeFrame(FrameKind.Ack, encodeWatermarks(this.#watermarks)));
  }
}

/**
 * A connection to a Redis-protocol server for a caller that sends and then waits: for an answer, for room, or
 * for the next bytes.
 */
import type { Timers } from '../clock.js';
import type { Connection } from '../transport/connection.js';
import { connectTo, type RedisServerOptions, serverError } from './connect.js';

/** A server that answers nothing for longer is taken for dead. */
const REPLY_DEADLINE_MS = 30_000;

/** How the connection is made and waited for. */
export interface AwaitedOptions extends RedisServerOptions {
  timers: Timers;
}

/** One connection; the caller that opens it ends it by `fail`. */
export class AwaitedConnection {
  readonly #options: AwaitedOptions;
  readonly #onData: (chunk: Buffer) => void;
  /** Gives up the connection that is being made, or that was. */
  #attempt: { destroy(): void } | undefined;
  #connection: Connection | undefined;
  #refuseOpening: (fault: Error) => void = () => {};
  #fault: Error | undefined;
  #wake: () => void = () => {};

  /**
   * `onData` takes the bytes that the server sends until the connection has ended; an error that it throws
   * ends the connection.
   */
  constructor(options: AwaitedOptions, onData: (chunk: Buffer) => void) {
    this.#options = options;
    this.#onData = onData;
  }

  /** Resolves when the server has taken the connection. Throws `PRIMARY_UNREACHABLE`, and what `fail` has. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refuseOpening = reject;
      this.#attempt = connectTo(this.#options, {
        opened: (connection) => {
          this.#connection = connection;
          resolve();
        },
        data: (chunk) => {
          if (this.#fault === undefined) this.#onData(chunk);
          this.#wake();
        },
        drained: () => this.#wake(),
        ended: (fault) => this.fail(fault),
      });
    });
  }

  /** Why the connection has ended; undefined while it has not. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Bytes that wait for the network. */
  get bufferedBytes(): number {
    return this.#connection?.bufferedBytes ?? 0;
  }

  write(bytes: Uint8Array): void {
    this.#connection?.write(bytes);
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  /**
   * Resolves when that is so, which is asked whenever something has come or gone. Throws the fault that ends
   * the connection, `PEER_SILENT` among them.
   */
  async until(isReached: () => boolean): Promise<void> {
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault;
      if (isReached()) return;
      if (await this.hasNews(REPLY_DEADLINE_MS)) continue;
      const what = `has not answered for ${REPLY_DEADLINE_MS / 1000} s`;
      this.fail(serverError(this.#options.address, 'PEER_SILENT', what));
    }
  }

  /** Resolves with true when something has come or gone, the connection too; with false after `waitMs`. */
  hasNews(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = this.#options.timers.after(waitMs, () => settle(false));
      const settle = (isNews: boolean) => {
        deadline.cancel();
        this.#wake = () => {};
        resolve(isNews);
      };
      this.#wake = () => settle(true);
    });
  }

  /** Drops the connection; the first fault is the one that everybody is given. */
  fail(fault: Error): void {
    this.#fault ??= fault;
    this.#attempt?.destroy();
    this.#connection?.destroy();
    this.#refuseOpening(this.#fault);
    this.#wake();
  }
}

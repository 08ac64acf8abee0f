/** One connection on which commands are sent one after the other; it is opened anew when it has ended. */
import type { Reply, RespClient } from '../support/resp-client.js';

/** A connection that many may ask on. */
export class Line {
  readonly #connect: () => Promise<RespClient>;
  #client: RespClient | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(connect: () => Promise<RespClient>) {
    this.#connect = connect;
  }

  /** Throws when nobody listens, or when a new connection closes before there is an answer. */
  ask(...args: string[]): Promise<Reply> {
    const reply = this.#last.then(() => this.#ask(args));
    this.#last = reply.catch(() => {});
    return reply;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #ask(args: readonly string[]): Promise<Reply> {
    const open = this.#client;
    if (open !== undefined && !open.socket.destroyed) {
      // Sentinel closes clients of servers at any time, and these commands can be sent twice.
      const reply = await open.command(...args).catch(() => undefined);
      if (reply !== undefined) return reply;
    }
    this.close();
    this.#client = await this.#connect();
    return this.#client.command(...args);
  }
}

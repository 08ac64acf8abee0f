/** One end of a connection of a transport, for tests that wait for what comes to it. */
import type { Connection, ConnectionHandlers } from '../../src/transport/connection.js';

/** A connection with what it was told, and promises for what is to come. */
export class End implements ConnectionHandlers {
  connection!: Connection;
  bytes = Buffer.alloc(0);
  closes: (Error | undefined)[] = [];
  drains = 0;
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor(connection?: Connection) {
    if (connection === undefined) return;
    this.connection = connection;
    connection.handlers = this;
  }
  opened(connection: Connection): void {
    this.connection = connection;
    this.#check();
  }
  onData(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.#check();
  }
  onDrain(): void {
    this.drains += 1;
    this.#check();
  }
  onClose(error?: Error): void {
    this.closes.push(error);
    this.#check();
  }
  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ done, resolve });
      this.#check();
    });
  }
  #check(): void {
    this.#waiting = this.#waiting.filter(({ done, resolve }) => {
      if (done()) resolve();
      return !done();
    });
  }
}

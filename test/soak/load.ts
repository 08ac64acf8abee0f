/** Full load of mixed commands on whichever server leads. */
import { RandomSource } from '../support/random.js';
import { RespClient } from '../support/resp-client.js';

/** Keys are of a fixed number, so that memory comes to an end. */
export const KEYS = 50_000;
const PIPELINE = 64;
const VALUE = Buffer.alloc(4_096, 'v');

/** A few clients that never pause, unless they are told to. */
export class Load {
  readonly #random = new RandomSource(1);
  readonly #clients: number;
  /** Milliseconds between two pipelines of a client, at least. */
  readonly #everyMs: number;
  #running: Promise<void>[] = [];
  #isOn = false;
  #commands = 0;

  /** `commandsPerSecond`: all clients together send no more. */
  constructor(clients: number, commandsPerSecond = Number.POSITIVE_INFINITY) {
    this.#clients = clients;
    this.#everyMs = (1_000 * clients * PIPELINE) / commandsPerSecond;
  }

  /** How many commands have been answered. */
  get commands(): number {
    return this.#commands;
  }

  /** Begins to write to the server at `address`. */
  start(address: string): void {
    this.#isOn = true;
    this.#running = Array.from({ length: this.#clients }, () => this.#run(address));
  }

  /** Resolves when the last command is answered. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#running);
  }

  async #run(address: string): Promise<void> {
    const client = await RespClient.connect(address);
    while (this.#isOn) {
      const nextAt = Date.now() + this.#everyMs;
      const commands = Array.from({ length: PIPELINE }, () => this.#draw());
      const replies = await client.pipeline(commands);
      this.#commands += replies.length;
      const leftMs = nextAt - Date.now();
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
    client.close();
  }

  #draw(): (string | Buffer)[] {
    const random = this.#random;
    const key = `key:${random.between(0, KEYS - 1)}`;
    const value = () => VALUE.subarray(0, random.between(1, random.chance(0.1) ? VALUE.length : 200));
    switch (random.between(0, 11)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return ['SET', key, value()];
      case 4:
      case 5:
        return ['GET', key];
      case 6:
        return ['SET', key, value(), 'PX', String(random.between(1, 20_000))];
      case 7:
        return ['INCR', `counter:${random.between(0, 999)}`];
      case 8:
        return ['DEL', key];
      case 9:
        return ['SETRANGE', key, String(random.between(0, 500)), 'xyz'];
      case 10:
        return ['MSET', key, value(), `key:${random.between(0, KEYS - 1)}`, value()];
      default:
        return ['MGET', key, `key:${random.between(0, KEYS - 1)}`];
    }
  }
}

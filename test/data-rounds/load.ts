/**
 * Clients that write without pause, through restarts and crashes of the server, and remember what was
 * acknowledged and when, so that what was lost can be counted.
 */
import type { RespClient } from '../support/resp-client.js';
import type { DataServer } from './server.js';

const MGET_KEYS = 1_000;
/** The pause before each try to connect, and the one behind a refusal, milliseconds. */
const RETRY_MS = 20;
/** No answer may take longer. */
const PATIENCE_MS = 20_000;

export interface LoadOptions {
  readonly writers?: number;
  readonly inFlight?: number;
  /** Keys of each writer, which go round; each value has a greater number than the one before it. */
  readonly keysOfWriter?: number;
  readonly valueBytes?: number;
  /** Pause between the batches of a writer. */
  readonly pauseMs?: number;
}

/** A write that was acknowledged. */
interface Acknowledged {
  readonly key: string;
  readonly number: number;
  readonly atMs: number;
}

/** The acknowledged writes that were lost, and values that cannot be there. */
export interface Losses {
  readonly acknowledged: number;
  readonly lost: number;
  /** How long before `sinceMs` the oldest lost write was acknowledged; 0: none was lost. */
  readonly lostMs: number;
  /** Values that nobody has written, or that are not whole. */
  readonly wrong: number;
}

/** Load on one server. */
export class Load {
  readonly #server: DataServer;
  readonly #options: Required<LoadOptions>;
  readonly #numbers: number[];
  /** The last acknowledged write of each key that survived the count before, and all since. */
  #kept = new Map<string, number>();
  #acknowledged: Acknowledged[] = [];
  #isOn = false;
  #running: Promise<void>[] = [];
  #lastMs = 0;
  #longestPauseMs = 0;
  #refusals = new Map<string, number>();

  constructor(server: DataServer, options: LoadOptions = {}) {
    const defaults = { writers: 8, inFlight: 8, keysOfWriter: 500, valueBytes: 100, pauseMs: 0 };
    this.#server = server;
    this.#options = { ...defaults, ...options };
    this.#numbers = new Array(this.#options.writers).fill(0);
  }

  start(): void {
    this.#isOn = true;
    this.#lastMs = performance.now();
    this.#longestPauseMs = 0;
    this.#running = this.#numbers.map((_, writer) => this.#run(writer));
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#running);
  }

  /** Writes that were acknowledged since the last count of losses. */
  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** The longest time since the start in which no write was acknowledged, milliseconds. */
  get longestPauseMs(): number {
    return Math.max(this.#longestPauseMs, performance.now() - this.#lastMs);
  }

  /** Refusals since the start of all, by the first word of the error. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  /** Every key that could have been written. */
  get keys(): string[] {
    const { keysOfWriter } = this.#options;
    return this.#numbers.flatMap((last, writer) =>
      Array.from({ length: Math.min(last, keysOfWriter) }, (_, index) => keyOf(writer, index)),
    );
  }

  /**
   * Counts what was acknowledged and is not at the server, which must be up, and begins to count anew.
   * `sinceMs`: of the fault, by performance.now().
   */
  async losses(sinceMs = performance.now()): Promise<Losses> {
    const { found, wrong } = await this.#found();
    const acknowledged = this.#acknowledged;
    this.#acknowledged = [];
    // A later write of the same key may be there, acknowledged or not.
    const lost = acknowledged.filter(({ key, number }) => (found.get(key) ?? -1) < number);
    const older = [...this.#kept].filter(([key, number]) => (found.get(key) ?? -1) < number);
    this.#kept = found;
    const lostMs = lost.reduce((most, { atMs }) => Math.max(most, sinceMs - atMs), 0);
    return {
      acknowledged: acknowledged.length,
      lost: lost.length + older.length,
      lostMs: older.length > 0 ? Number.POSITIVE_INFINITY : lostMs,
      wrong,
    };
  }

  async #found(): Promise<{ found: Map<string, number>; wrong: number }> {
    const client = await this.#server.connect();
    const found = new Map<string, number>();
    let wrong = 0;
    const { keys } = this;
    for (let at = 0; at < keys.length; at += MGET_KEYS) {
      const asked = keys.slice(at, at + MGET_KEYS);
      const values = await client.command('MGET', ...asked);
      if (!Array.isArray(values)) throw new Error(`MGET is answered ${values}`);
      for (const [index, value] of values.entries()) {
        if (value === null) continue;
        const number = Number.parseInt(String(value), 10);
        const key = asked[index]!;
        if (String(value) !== this.#valueOf(number) || number >= this.#numbers[writerOf(key)]!) wrong += 1;
        found.set(key, number);
      }
    }
    client.close();
    return { found, wrong };
  }

  #valueOf(number: number): string {
    const text = `${number} `;
    return text + String.fromCharCode(97 + (number % 26)).repeat(this.#options.valueBytes);
  }

  async #run(writer: number): Promise<void> {
    while (this.#isOn) {
      const client = await this.#server.connect().catch(() => undefined);
      if (client !== undefined) {
        await this.#write(writer, client).catch(() => {});
        client.close();
      }
      await pause(RETRY_MS);
    }
  }

  /** Writes batches until the connection ends. */
  async #write(writer: number, client: RespClient): Promise<void> {
    const { inFlight, keysOfWriter, pauseMs } = this.#options;
    while (this.#isOn) {
      const numbers = Array.from({ length: inFlight }, () => this.#numbers[writer]!++);
      const sets = numbers.map((number) => [
        'SET',
        keyOf(writer, number % keysOfWriter),
        this.#valueOf(number),
      ]);
      const replying = client.pipeline(sets);
      const late = setTimeout(() => client.close(), PATIENCE_MS);
      const replies = await replying.finally(() => clearTimeout(late));
      const atMs = performance.now();
      let isRefused = false;
      for (const [index, number] of numbers.entries()) {
        if (replies[index] === '+OK') {
          this.#acknowledged.push({ key: keyOf(writer, number % keysOfWriter), number, atMs });
        } else {
          isRefused = true;
          const [word = ''] = String(replies[index]).split(' ');
          this.#refusals.set(word, (this.#refusals.get(word) ?? 0) + 1);
        }
      }
      if (!isRefused) {
        this.#longestPauseMs = Math.max(this.#longestPauseMs, atMs - this.#lastMs);
        this.#lastMs = atMs;
      }
      if (isRefused) await pause(RETRY_MS);
      else if (pauseMs > 0) await pause(pauseMs);
    }
  }
}

function keyOf(writer: number, index: number): string {
  return `writer:${writer}:${index}`;
}

function writerOf(key: string): number {
  return Number(key.split(':')[1]);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

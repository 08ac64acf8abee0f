/**
 * Writes for a primary under test, through its Redis port, and what they must leave behind: the same for the
 * same seed. Sets, overwrites, deletes, and keys with an expiry, far off and near.
 */
import type { Entry } from './digest.js';
import { type RespClient, respCommand } from './resp-client.js';

const PIECE_COMMANDS = 500;
/** Commands whose replies may be outstanding. */
const WINDOW_COMMANDS = 8 * PIECE_COMMANDS;
/** A key that is to expire does so after this; its deletion replicates. */
const SHORT_TTL_MS = 50;
const LONG_TTL_MS = 3_600_000;

export interface WorkloadOptions {
  /** Distinct keys are `<prefix><0..keys-1>`. */
  keys: number;
  valueBytes: number;
  seed: number;
  prefix?: string;
}

export class Workload {
  /**
   * The values that have been written and answered, as they must be found once all keys that expire have
   * expired.
   */
  readonly expected = new Map<string, Buffer>();
  /** Commands that the primary has answered. */
  written = 0;
  readonly #options: WorkloadOptions;
  readonly #random: () => number;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#random = mulberry32(options.seed);
  }

  /** Every key that was ever written. */
  keys(): string[] {
    const { keys, prefix = 'key:' } = this.#options;
    return Array.from({ length: keys }, (_, index) => `${prefix}${index}`);
  }

  entries(): Entry[] {
    return Array.from(this.expected, ([key, value]) => [Buffer.from(key), value]);
  }

  /**
   * Writes `count` commands, pipelined. `pace` is awaited between pieces, so that others have their turn.
   * Throws when the primary answers one with an error.
   */
  async write(client: RespClient, count: number, pace: () => Promise<void> = nextTurn): Promise<void> {
    const unanswered: number[] = [];
    for (let left = count; left > 0; ) {
      const piece = Math.min(left, PIECE_COMMANDS);
      client.write(Buffer.concat(Array.from({ length: piece }, () => this.#command())));
      unanswered.push(piece);
      left -= piece;
      while (unanswered.length * PIECE_COMMANDS > WINDOW_COMMANDS) await this.#answers(client, unanswered);
      await pace();
    }
    while (unanswered.length > 0) await this.#answers(client, unanswered);
  }

  async #answers(client: RespClient, unanswered: number[]): Promise<void> {
    const count = unanswered.shift()!;
    for (const reply of await client.replies(count)) {
      if (typeof reply === 'string' && reply.startsWith('-')) throw new Error(`the primary: ${reply}`);
    }
    this.written += count;
  }

  #command(): Buffer {
    const { keys, valueBytes, prefix = 'key:' } = this.#options;
    const key = `${prefix}${Math.floor(this.#random() * keys)}`;
    const kind = this.#random();
    if (kind < 0.05) {
      this.expected.delete(key);
      return respCommand('DEL', key);
    }
    const value = Buffer.alloc(Math.floor(this.#random() * valueBytes), Math.floor(this.#random() * 256));
    if (kind < 0.1) {
      this.expected.delete(key);
      return respCommand('SET', key, value, 'PX', String(SHORT_TTL_MS));
    }
    this.expected.set(key, value);
    return kind < 0.2
      ? respCommand('SET', key, value, 'PX', String(LONG_TTL_MS))
      : respCommand('SET', key, value);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Numbers from 0 to 1, the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

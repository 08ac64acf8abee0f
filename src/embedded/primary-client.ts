/** The connection over which a replica writes: made when it is needed, and again when it was lost. */
import type { Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { RedisUrl } from '../import/redis-url.js';
import { type ClientOptions, RedisClient } from '../redis-client/client.js';
import { refusalError, serverError } from '../redis-client/connect.js';
import { ReplyError, type ReplyValue } from '../redis-client/reply-values.js';
import type { Transport } from '../transport/connection.js';

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection is tried for so long, with pauses that double from the first to the longest. */
const TRIED_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** The most commands that are under way. */
const COMMANDS_TOGETHER = 256;

/** The server, and the way to it. */
export interface PrimaryClientOptions {
  readonly url: RedisUrl;
  readonly transport: Pick<Transport, 'connect'>;
  readonly timers: Timers;
  /** Microseconds of a clock that only goes forward. */
  nowUs(): number;
}

type Command = readonly (string | Uint8Array)[];
type Answer = Exclude<ReplyValue, ReplyError>;

interface Asked {
  readonly command: Command;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Asks one server, over one connection at a time. What is asked while answers are awaited is sent together,
 * once these have come.
 */
export class PrimaryClient {
  readonly #options: PrimaryClientOptions;
  readonly #asked: Asked[] = [];
  #isAsking = false;
  #client: RedisClient | undefined;
  #isClosed = false;

  constructor(options: PrimaryClientOptions) {
    this.#options = options;
  }

  /**
   * Sends a command; resolves with its reply. Throws PRIMARY_UNREACHABLE when there was no connection for ten
   * seconds, and CLOSED; CONNECTION_LOST and PEER_SILENT when nobody knows whether the command was carried
   * out; PASSWORD_REFUSED, READ_ONLY (the server is no primary), SERVER_REFUSED, REPLY_MALFORMED.
   */
  ask(command: Command): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ command, resolve, reject });
      if (!this.#isAsking) this.#askAll();
    });
  }

  /** Drops the connection; what is under way is refused with CONNECTION_LOST. */
  close(): void {
    this.#isClosed = true;
    this.#client?.close();
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#asked.length > 0) {
      const asked = this.#asked.splice(0, COMMANDS_TOGETHER);
      try {
        const client = await this.#connected();
        const replies = await client.askAll(asked.map(({ command }) => command));
        for (const [index, { command, resolve, reject }] of asked.entries()) {
          const reply = replies[index]!;
          if (reply instanceof ReplyError) reject(this.#refusal(reply.words, String(command[0])));
          else resolve(reply);
        }
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isAsking = false;
  }

  #refusal(words: string, command: string): FastcacheError {
    const { address, password } = this.#options.url;
    if (!/^READONLY\b/.test(words)) return refusalError({ address, password }, words, `refuses ${command}`);
    const what = 'is no primary; give `writeTo` the address of the primary';
    return serverError(address, 'READ_ONLY', what);
  }

  async #connected(): Promise<RedisClient> {
    if (!this.#isClosed && isUsable(this.#client)) return this.#client;
    const { nowUs } = this.#options;
    const untilUs = nowUs() + TRIED_MS * 1_000;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (this.#isClosed) throw new FastcacheError('CLOSED', 'This replica is closed, and writes no more.');
      try {
        const client = await RedisClient.open(this.#clientOptions());
        this.#client = client;
        if (!this.#isClosed) return client;
        client.close();
      } catch (error) {
        if (!mayComeBack(error) || nowUs() + pauseMs * 1_000 > untilUs) throw error;
      }
      await new Promise<void>((resolve) => this.#options.timers.after(pauseMs, resolve));
    }
  }

  #clientOptions(): ClientOptions {
    const { url, transport, timers } = this.#options;
    const { address, user, password } = url;
    return { address, user, password, transport, timers, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  }
}

/** Whether a connection still stands. */
function isUsable(client: RedisClient | undefined): client is RedisClient {
  try {
    client?.flush();
    return client !== undefined;
  } catch {
    return false;
  }
}

function mayComeBack(error: unknown): boolean {
  const code = error instanceof FastcacheError ? error.code : undefined;
  return code === 'PRIMARY_UNREACHABLE' || code === 'CONNECTION_LOST';
}

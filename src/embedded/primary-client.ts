/** The connection over which a replica writes: made when it is needed, and again when it was lost. */
import { pause, type Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { RedisUrl } from '../import/redis-url.js';
import { type ClientOptions, RedisClient } from '../redis-client/client.js';
import { refusalError, serverError } from '../redis-client/connect.js';
import { ReplyError, type ReplyValue } from '../redis-client/reply-values.js';
import { formatAddress } from '../transport/address.js';
import type { Transport } from '../transport/connection.js';

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection is tried for so long, with pauses that double from the first to the longest. */
const TRIED_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** The most commands that are sent together, and bytes of them; a larger one is sent alone. */
const COMMANDS_TOGETHER = 256;
const BYTES_TOGETHER = 4_194_304;
/** The most questions without an answer, and bytes of them; a larger one is taken if it is the only one. */
const QUESTIONS_MAX = 16_384;
const BYTES_MAX = 67_108_864;

/** The server, and the way to it. */
export interface PrimaryClientOptions {
  readonly url: RedisUrl;
  readonly transport: Pick<Transport, 'connect'>;
  readonly timers: Timers;
  /** Microseconds of a clock that only goes forward. */
  nowUs(): number;
}

type Command = readonly (string | Uint8Array)[];
/** A reply to a command; a refusal is an error. */
export type Answer = Exclude<ReplyValue, ReplyError> | FastcacheError;

interface Question {
  readonly commands: readonly Command[];
  readonly bytes: number;
  resolve(answers: Answer[]): void;
  reject(error: unknown): void;
}

/**
 * Asks one server, over one connection at a time. Questions that come while answers are awaited are sent
 * together, once the answers are there. Nothing is sent a second time.
 */
export class PrimaryClient {
  readonly #options: PrimaryClientOptions;
  readonly #closing = new AbortController();
  /** Questions that are not sent yet. */
  #waiting: Question[] = [];
  #unansweredCount = 0;
  #unansweredBytes = 0;
  #isAsking = false;
  #client: RedisClient | undefined;

  constructor(options: PrimaryClientOptions) {
    this.#options = options;
  }

  /**
   * Sends commands, one directly behind the other; resolves with their answers. Throws TOO_MANY_WRITES when
   * too much waits already, PRIMARY_UNREACHABLE when there was no connection for ten seconds, and CLOSED;
   * CONNECTION_LOST and PEER_SILENT when nobody knows whether the commands were carried out;
   * PASSWORD_REFUSED, REPLY_MALFORMED; and the reason of `signal`, which takes back what is not sent yet.
   */
  async ask(commands: readonly Command[], signal?: AbortSignal): Promise<Answer[]> {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw this.#closedError();
    const bytes = commands.flat().reduce((sum, arg) => sum + Buffer.byteLength(arg), 0);
    this.#refuseTooMuch(bytes);
    this.#unansweredCount += 1;
    this.#unansweredBytes += bytes;
    let onAbort = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const question = { commands, bytes, resolve, reject };
        onAbort = () => {
          this.#waiting = this.#waiting.filter((waiting) => waiting !== question);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort);
        this.#waiting.push(question);
        if (!this.#isAsking) void this.#askAll();
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#unansweredCount -= 1;
      this.#unansweredBytes -= bytes;
    }
  }

  /** Drops the connection: questions that were sent end with CONNECTION_LOST, those that wait with CLOSED. */
  close(): void {
    this.#closing.abort();
    this.#client?.close();
    this.#refuseWaiting(this.#closedError());
  }

  #refuseTooMuch(bytes: number): void {
    const isTooMuch = this.#unansweredCount > 0 && this.#unansweredBytes + bytes > BYTES_MAX;
    if (this.#unansweredCount < QUESTIONS_MAX && !isTooMuch) return;
    const address = formatAddress(this.#options.url.address);
    throw new FastcacheError(
      'TOO_MANY_WRITES',
      `${this.#unansweredCount} writes of ${this.#unansweredBytes} bytes wait for the answer of ${address}; ` +
        `at most ${QUESTIONS_MAX} and ${BYTES_MAX} bytes may. Await writes before further ones begin.`,
      { address },
    );
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const client = await this.#connected().catch((error: unknown) => this.#refuseWaiting(error));
      // Those that waited for the connection may have been taken back.
      const asked = this.#takeTogether();
      if (client === undefined || asked.length === 0) continue;
      try {
        const replies = await client.askAll(asked.flatMap(({ commands }) => commands));
        for (const { commands, resolve } of asked) {
          const own = replies.splice(0, commands.length);
          resolve(own.map((reply, index) => this.#answer(reply, commands[index]!)));
        }
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isAsking = false;
  }

  /** Takes the next questions that are sent together. */
  #takeTogether(): Question[] {
    let bytes = 0;
    let count = 0;
    for (const question of this.#waiting) {
      bytes += question.bytes;
      if (count === COMMANDS_TOGETHER || (count > 0 && bytes > BYTES_TOGETHER)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  #refuseWaiting(error: unknown): undefined {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #answer(reply: ReplyValue, command: Command): Answer {
    if (!(reply instanceof ReplyError)) return reply;
    const { address, password } = this.#options.url;
    const refused = `refuses ${String(command[0])}`;
    if (!/^READONLY\b/.test(reply.words)) return refusalError({ address, password }, reply.words, refused);
    const what = 'is no primary; give `writeTo` the address of the primary';
    return serverError(address, 'READ_ONLY', what);
  }

  async #connected(): Promise<RedisClient> {
    if (isUsable(this.#client)) return this.#client;
    const { nowUs } = this.#options;
    const untilUs = nowUs() + TRIED_MS * 1_000;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        this.#client = await RedisClient.open(this.#clientOptions());
        return this.#client;
      } catch (error) {
        if (this.#closing.signal.aborted) throw this.#closedError();
        if (!mayComeBack(error) || nowUs() + pauseMs * 1_000 > untilUs) throw error;
      }
      await pause(this.#options.timers, pauseMs, this.#closing.signal);
      if (this.#closing.signal.aborted) throw this.#closedError();
    }
  }

  #clientOptions(): ClientOptions {
    const { url, transport, timers } = this.#options;
    const { address, user, password } = url;
    const { signal } = this.#closing;
    return { address, user, password, transport, timers, connectTimeoutMs: CONNECT_TIMEOUT_MS, signal };
  }

  #closedError(): FastcacheError {
    return new FastcacheError('CLOSED', 'This replica is closed, and writes no more.');
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

/** A connection to a Redis-protocol server for a few questions, one at a time. */
import type { Timer, Timers } from '../../clock.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import { CommandBuffer } from '../../replay/command-buffer.js';
import { ReplyReader } from '../../replay/reply-reader.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Connection, Transport } from '../../transport/connection.js';

/** A server that answers nothing for longer is taken for dead. */
const REPLY_DEADLINE_MS = 10_000;

/** What a session works with. */
export interface RedisSessionOptions {
  transport: Pick<Transport, 'connect'>;
  timers: Timers;
  address: Address;
  connectTimeoutMs: number;
  /** The password presented with AUTH; none is when undefined. */
  password: string | undefined;
}

interface Question {
  resolve(text: string): void;
  reject(error: Error): void;
  readonly deadline: Timer;
}

/** A session; whoever opens it closes it. */
export class RedisSession {
  readonly #options: RedisSessionOptions;
  readonly #commands = new CommandBuffer();
  readonly #replies: ReplyReader;
  #connection: Connection | undefined;
  #question: Question | undefined;
  #fault: Error | undefined;

  /** Connects and presents the password. Throws `PRIMARY_UNREACHABLE`, and what `ask` throws. */
  static async open(options: RedisSessionOptions): Promise<RedisSession> {
    const session = new RedisSession(options);
    await session.#connect();
    if (options.password !== undefined) await session.ask('AUTH', options.password);
    return session;
  }

  private constructor(options: RedisSessionOptions) {
    this.#options = options;
    this.#replies = new ReplyReader((error, _list, bytes, start, end) => {
      const question = this.#question;
      if (question === undefined) throw this.#error('REPLY_MALFORMED', 'answers what nobody asked');
      this.#question = undefined;
      question.deadline.cancel();
      if (error !== undefined) question.reject(this.#refused(error));
      else question.resolve(textOf(bytes.toString('utf8', start, end)));
    });
  }

  /**
   * Sends a command and resolves with the reply's text. Throws `SERVER_REFUSED` with the server's words,
   * `PASSWORD_REFUSED`, `CONNECTION_LOST`, `PEER_SILENT`, `REPLY_MALFORMED`.
   */
  ask(...words: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(this.#fault);
        return;
      }
      const deadline = this.#options.timers.after(REPLY_DEADLINE_MS, () => {
        this.#end(this.#error('PEER_SILENT', `has not answered for ${REPLY_DEADLINE_MS / 1000} s`));
      });
      this.#question = { resolve, reject, deadline };
      this.#commands.append(words.map((word) => Buffer.from(word)));
      this.#connection?.write(this.#commands.take());
    });
  }

  /** Drops the connection. */
  close(): void {
    this.#end(this.#error('CONNECTION_LOST', 'is asked no more'));
  }

  #connect(): Promise<void> {
    const { transport, address, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      transport.connect(
        address,
        { connectTimeoutMs },
        {
          opened: (connection) => {
            this.#connection = connection;
            resolve();
          },
          onData: (chunk) => this.#onData(chunk),
          onDrain() {},
          onClose: (error) => {
            this.#end(error ?? this.#error('CONNECTION_LOST', 'closed the connection'));
            reject(this.#fault);
          },
        },
      );
    });
  }

  #onData(chunk: Buffer): void {
    try {
      if (this.#fault === undefined) this.#replies.push(chunk);
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #end(fault: Error): void {
    this.#fault ??= fault;
    this.#connection?.destroy();
    const question = this.#question;
    this.#question = undefined;
    question?.deadline.cancel();
    question?.reject(this.#fault);
  }

  #refused(words: string): FastcacheError {
    if (/^(NOAUTH|WRONGPASS)\b/.test(words)) {
      const { password } = this.#options;
      return this.#error(
        'PASSWORD_REFUSED',
        password === undefined ? 'wants a password' : 'refuses it',
        words,
      );
    }
    return this.#error('SERVER_REFUSED', 'refuses', words);
  }

  #error(code: ErrorCode, what: string, words?: string): FastcacheError {
    const address = formatAddress(this.#options.address);
    const said = words === undefined ? '' : `: ${words.replace(/[.?!]$/, '')}`;
    return new FastcacheError(code, `The server at ${address} ${what}${said}.`, { address });
  }
}

/** Returns the text of a reply: what is behind its mark, or behind the length of a string. */
function textOf(reply: string): string {
  const text = reply.startsWith('$') ? reply.slice(reply.indexOf('\r\n') + 2) : reply.slice(1);
  return text.replace(/\r\n$/, '');
}

/** A connection to a Redis-protocol server for a few questions, which it answers in their order. */
import type { Timer, Timers } from '../clock.js';
import type { Connection } from '../transport/connection.js';
import { CommandBuffer } from './command-buffer.js';
import { connectTo, type RedisServerOptions, refusalError, serverError } from './connect.js';
import { ReplyReader } from './reply-reader.js';

/** A server that answers nothing for longer is taken for dead. */
const REPLY_DEADLINE_MS = 10_000;

/** The options of a session. */
export interface RedisSessionOptions extends RedisServerOptions {
  timers: Timers;
}

/** An answer of a server. */
interface Answer {
  /** The text of a reply that is no list. */
  readonly text: string;
  /** The texts of a list; undefined for any other reply, and for the list that is null. */
  readonly list: readonly string[] | undefined;
}

/** Something that the server is still to do: to take the connection, or to answer. */
interface Question {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  readonly deadline: Timer;
}

const OPENED: Answer = { text: '', list: undefined };

/** A session; the caller that makes it closes it. */
export class RedisSession {
  readonly #options: RedisSessionOptions;
  readonly #commands = new CommandBuffer();
  readonly #replies: ReplyReader;
  readonly #questions: Question[] = [];
  #attempt: { destroy(): void } | undefined;
  #connection: Connection | undefined;
  #fault: Error | undefined;

  constructor(options: RedisSessionOptions) {
    this.#options = options;
    this.#replies = new ReplyReader(
      (error, list, bytes, start, end) => {
        const question = this.#questions.shift();
        if (question === undefined) {
          throw serverError(options.address, 'REPLY_MALFORMED', 'answers what nobody asked');
        }
        question.deadline.cancel();
        if (error !== undefined) question.reject(refusalError(options, error, 'refuses'));
        else question.resolve({ text: textOf(bytes.toString('utf8', start, end)), list });
      },
      { takesLists: true },
    );
  }

  /** Connects and presents the password. Throws `PRIMARY_UNREACHABLE`, and what `ask` throws. */
  async open(): Promise<void> {
    await this.#question(() => {
      this.#attempt = connectTo(this.#options, {
        opened: (connection) => {
          this.#connection = connection;
          const question = this.#questions.shift();
          question?.deadline.cancel();
          question?.resolve(OPENED);
        },
        data: (chunk) => {
          if (this.#fault === undefined) this.#replies.push(chunk);
        },
        drained() {},
        ended: (fault) => this.end(fault),
      });
    });
    const { password } = this.#options;
    if (password !== undefined) await this.ask('AUTH', password);
  }

  /**
   * Sends a command and resolves with the reply's text. Throws `SERVER_REFUSED` with the server's words,
   * `PASSWORD_REFUSED`, `CONNECTION_LOST`, `PEER_SILENT`, `REPLY_MALFORMED`.
   */
  async ask(...words: readonly string[]): Promise<string> {
    return (await this.#ask(words)).text;
  }

  /** Sends a command and resolves with a list's texts; undefined for any other reply. Throws as `ask`. */
  async askList(...words: readonly string[]): Promise<readonly string[] | undefined> {
    return (await this.#ask(words)).list;
  }

  /** Drops the connection. */
  close(): void {
    this.end(serverError(this.#options.address, 'CONNECTION_LOST', 'is asked no more'));
  }

  /** Drops the connection; questions under way, and those that are asked later, reject with `fault`. */
  end(fault: Error): void {
    this.#fault ??= fault;
    this.#attempt?.destroy();
    this.#connection?.destroy();
    for (const { deadline, reject } of this.#questions.splice(0)) {
      deadline.cancel();
      reject(this.#fault);
    }
  }

  #ask(words: readonly string[]): Promise<Answer> {
    return this.#question(() => {
      this.#commands.append(words.map((word) => Buffer.from(word)));
      this.#connection?.write(this.#commands.take());
    });
  }

  /** Has `begin` ask something, unless the session is over. */
  #question(begin: () => void): Promise<Answer> {
    const { timers, address } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(this.#fault);
        return;
      }
      const deadline = timers.after(REPLY_DEADLINE_MS, () => {
        const what = `has not answered for ${REPLY_DEADLINE_MS / 1000} s`;
        this.end(serverError(address, 'PEER_SILENT', what));
      });
      this.#questions.push({ resolve, reject, deadline });
      begin();
    });
  }
}

/** Returns the text of a reply: the part behind its mark, or behind the length of a string. */
function textOf(reply: string): string {
  const text = reply.startsWith('$') ? reply.slice(reply.indexOf('\r\n') + 2) : reply.slice(1);
  return text.replace(/\r\n$/, '');
}

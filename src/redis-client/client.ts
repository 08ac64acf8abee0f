/**
 * A client of a Redis-protocol server: commands go out many at a time, each with a place, and replies of any
 * shape come back in their order. It asks questions, too.
 */
import { AwaitedConnection, type AwaitedOptions } from './awaited-connection.js';
import { CommandBuffer } from './command-buffer.js';
import { refusalError, serverError } from './connect.js';
import { ReplyError, type ReplyValue, ReplyValues } from './reply-values.js';

/** Commands, and bytes of them, that may be under way. */
const WINDOW_COMMANDS = 16_384;
const WINDOW_BYTES = 4_194_304;
const WRITE_BYTES = 65_536;

/** How a client works. */
export interface ClientOptions extends AwaitedOptions {
  /** The user that AUTH names; undefined: the default one. */
  user?: string | undefined;
  /** Gives up the opening, with CONNECTION_LOST. */
  signal?: AbortSignal | undefined;
  /** Called for each command that was pushed and is refused; absent: a refusal ends the client. */
  onRefusal?: ((words: string, command: string) => void) | undefined;
}

/** A command that is under way, by what it waits for. */
type Waiting =
  | { readonly kind: 'pushed'; readonly place: number; readonly command: string }
  | { readonly kind: 'asked'; readonly resolve: (reply: ReplyValue) => void };

/** A connection; the caller that opens it closes it. */
export class RedisClient {
  readonly #options: ClientOptions;
  readonly #gathered = new CommandBuffer();
  readonly #replies = new ReplyValues((reply) => this.#onReply(reply));
  #waiting: Waiting[] = [];
  /** Those of `#waiting` before it have been answered. */
  #first = 0;
  readonly #connection: AwaitedConnection;
  #answeredPlace = 0;

  private constructor(options: ClientOptions) {
    this.#options = options;
    this.#connection = new AwaitedConnection(options, (chunk) => this.#replies.push(chunk));
  }

  /** Connects and presents the password. Throws `PRIMARY_UNREACHABLE`, and what `ask` throws. */
  static async open(options: ClientOptions): Promise<RedisClient> {
    const client = new RedisClient(options);
    const { signal } = options;
    const giveUp = () => client.close();
    signal?.addEventListener('abort', giveUp);
    try {
      await client.#connection.open();
      const { user, password } = options;
      if (password !== undefined) await client.ask('AUTH', ...(user === undefined ? [] : [user]), password);
      await client.ask('PING');
      return client;
    } catch (error) {
      client.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** The place of the last pushed command that has been answered. */
  get answeredPlace(): number {
    return this.#answeredPlace;
  }

  /** Whether no more may be pushed before `room`. */
  get isFull(): boolean {
    return this.#underWay >= WINDOW_COMMANDS || this.#connection.bufferedBytes > WINDOW_BYTES;
  }

  /** Whether all that was pushed has been answered. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  get #underWay(): number {
    return this.#waiting.length - this.#first;
  }

  /** Adds a command, which is sent when enough has gathered, and at the latest by `flush`. */
  push(args: readonly Uint8Array[], place: number): void {
    this.#waiting.push({ kind: 'pushed', place, command: String(args[0]).toUpperCase() });
    this.#gathered.append(args);
    if (this.#gathered.length >= WRITE_BYTES) this.flush();
  }

  /** Sends what has gathered. Throws the fault that has ended the client. */
  flush(): void {
    if (this.#connection.fault !== undefined) throw this.#connection.fault;
    if (this.#gathered.length > 0) this.#connection.write(this.#gathered.take());
  }

  /**
   * Sends a command at once; resolves with its reply. Throws `SERVER_REFUSED` or `PASSWORD_REFUSED` with the
   * server's words, `CONNECTION_LOST`, `PEER_SILENT`, `REPLY_MALFORMED`.
   */
  async ask(...args: readonly (string | Uint8Array)[]): Promise<Exclude<ReplyValue, ReplyError>> {
    const [reply] = await this.askAll([args]);
    if (reply instanceof ReplyError)
      throw refusalError(this.#options, reply.words, `refuses ${String(args[0])}`);
    return reply!;
  }

  /** Sends commands at once; resolves with their replies, errors among them. Throws as `ask`. */
  async askAll(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<ReplyValue[]> {
    const replies: ReplyValue[] = [];
    for (const args of commands) {
      this.#waiting.push({ kind: 'asked', resolve: (reply) => replies.push(reply) });
      this.#gathered.append(args.map((arg) => Buffer.from(arg as string)));
    }
    await this.#until(() => replies.length === commands.length);
    return replies;
  }

  /** Resolves when half the window is free. Throws as `ask`. */
  room(): Promise<void> {
    return this.#until(
      () => this.#underWay <= WINDOW_COMMANDS / 2 && this.#connection.bufferedBytes <= WINDOW_BYTES / 2,
    );
  }

  /** Resolves when everything is answered. Throws as `ask`. */
  drain(): Promise<void> {
    return this.#until(() => this.#underWay === 0);
  }

  /** Drops the connection. */
  close(): void {
    this.#connection.fail(serverError(this.#options.address, 'CONNECTION_LOST', 'is asked no more'));
  }

  #onReply(reply: ReplyValue): void {
    const waiting = this.#waiting[this.#first];
    if (waiting === undefined) {
      throw serverError(this.#options.address, 'REPLY_MALFORMED', 'answers what nobody asked');
    }
    this.#first += 1;
    if (this.#first === this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
    } else if (this.#first === WINDOW_COMMANDS) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    if (waiting.kind === 'asked') waiting.resolve(reply);
    else {
      this.#answeredPlace = waiting.place;
      this.#lookAt(reply, waiting.command);
    }
  }

  /** Looks for refusals in the reply to a command, within that of EXEC too. */
  #lookAt(reply: ReplyValue, command: string): void {
    if (reply instanceof ReplyError) {
      const { onRefusal } = this.#options;
      const { words } = reply;
      // No further write would be taken either.
      if (onRefusal === undefined || /^(NOAUTH|READONLY|LOADING|MISCONF|OOM)\b/.test(words)) {
        this.#connection.fail(refusalError(this.#options, words, `refuses ${command}`));
      } else onRefusal(words, command);
    } else if (command === 'EXEC' && Array.isArray(reply)) {
      for (const one of reply as readonly ReplyValue[]) this.#lookAt(one, 'EXEC');
    }
  }

  #until(isReached: () => boolean): Promise<void> {
    return this.#connection.until(() => {
      this.flush();
      return isReached();
    });
  }
}

/**
 * Sends commands to a Redis-protocol server, many under way at a time and no more than a window of them: the
 * replies come in the order of the commands. The sender waits for room; a server that stops answering ends
 * the pipeline.
 */
import type { FastcacheError } from '../errors.js';
import { AwaitedConnection, type AwaitedOptions } from '../redis-client/awaited-connection.js';
import { CommandBuffer } from '../redis-client/command-buffer.js';
import { refusalError, serverError } from '../redis-client/connect.js';
import { ReplyReader } from '../redis-client/reply-reader.js';

/** Commands that may be under way, and bytes that may wait for the network. */
const WINDOW_COMMANDS = 16_384;
const WINDOW_BYTES = 4_194_304;
/** Commands gather to this much before they are written. */
const WRITE_BYTES = 65_536;

/** The options of a pipeline. */
export interface PipelineOptions extends AwaitedOptions {
  /** Called for each command that the server refused, with the place that it was pushed with. */
  onError(message: string, place: number): void;
}

/** A connection to a server, with its commands under way. The caller that opens it must close it. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #gathered = new CommandBuffer();
  /** The places of the commands under way, in a ring. */
  readonly #places = new Float64Array(WINDOW_COMMANDS);
  readonly #replies = new ReplyReader((error) => this.#onReply(error));
  readonly #connection: AwaitedConnection;
  #sent = 0;
  #answered = 0;
  /** Called with the answer, while the server is asked whether it takes commands at all. */
  #onGreeting: ((error: string | undefined) => void) | undefined;

  private constructor(options: PipelineOptions) {
    this.#options = options;
    this.#connection = new AwaitedConnection(options, (chunk) => this.#replies.push(chunk));
  }

  /**
   * Connects, presents the password and waits for the answer to a first command. Throws
   * `PRIMARY_UNREACHABLE`, `PASSWORD_REFUSED`, `SERVER_REFUSED`, and what `room` throws.
   */
  static async open(options: PipelineOptions): Promise<Pipeline> {
    const pipeline = new Pipeline(options);
    try {
      await pipeline.#connection.open();
      await pipeline.#greet();
      return pipeline;
    } catch (error) {
      pipeline.close();
      throw error;
    }
  }

  /** Commands pushed so far; `answered` is how many of them have been answered. */
  get sent(): number {
    return this.#sent;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Whether no more may be pushed before `room`. */
  get isFull(): boolean {
    return (
      this.#sent - this.#answered >= WINDOW_COMMANDS ||
      this.#connection.bufferedBytes > WINDOW_BYTES ||
      this.#connection.fault !== undefined
    );
  }

  /**
   * Adds a command, which is sent as soon as enough has gathered, and at the latest by `flush`, `room` or
   * `drain`.
   */
  push(args: readonly Uint8Array[], place: number): void {
    this.#places[this.#sent % WINDOW_COMMANDS] = place;
    this.#sent += 1;
    this.#gathered.append(args);
    if (this.#gathered.length >= WRITE_BYTES) this.flush();
  }

  /** Sends what has gathered. */
  flush(): void {
    if (this.#gathered.length > 0) this.#connection.write(this.#gathered.take());
  }

  /**
   * Resolves when half the window is free. Throws `CONNECTION_LOST`, `PEER_SILENT`, `REPLY_MALFORMED`,
   * `PASSWORD_REFUSED` when the server has begun to require one, and `SERVER_REFUSED` when it takes no writes
   * at all.
   */
  room(): Promise<void> {
    this.flush();
    return this.#connection.until(
      () =>
        this.#sent - this.#answered <= WINDOW_COMMANDS / 2 &&
        this.#connection.bufferedBytes <= WINDOW_BYTES / 2,
    );
  }

  /** Resolves when everything is answered. Throws as `room`. */
  drain(): Promise<void> {
    this.flush();
    return this.#connection.until(() => this.#sent === this.#answered);
  }

  /** Drops the connection; the promises that wait for an answer reject. */
  close(): void {
    this.#connection.fail(new Error('the pipeline is closed'));
  }

  async #greet(): Promise<void> {
    const { address, password } = this.#options;
    if (password !== undefined) {
      const refusal = await this.#ask([Buffer.from('AUTH'), Buffer.from(password)]);
      if (refusal !== undefined)
        throw serverError(address, 'PASSWORD_REFUSED', 'refuses the password', refusal);
    }
    const refusal = await this.#ask([Buffer.from('PING')]);
    if (refusal !== undefined) throw this.#refused(refusal);
    this.#sent = 0;
    this.#answered = 0;
  }

  /** Returns the error that the server answers with, if it does. */
  async #ask(args: readonly Uint8Array[]): Promise<string | undefined> {
    let refusal: string | undefined;
    this.#onGreeting = (error) => {
      refusal = error;
    };
    this.push(args, 0);
    await this.drain();
    this.#onGreeting = undefined;
    return refusal;
  }

  #onReply(error: string | undefined): void {
    if (this.#connection.fault !== undefined) return;
    if (this.#answered === this.#sent) {
      this.#connection.fail(
        serverError(this.#options.address, 'REPLY_MALFORMED', 'answers what nobody asked'),
      );
      return;
    }
    const place = this.#places[this.#answered % WINDOW_COMMANDS]!;
    if (this.#onGreeting !== undefined) this.#onGreeting(error);
    else if (error !== undefined && /^(NOAUTH|READONLY)\b/.test(error)) {
      this.#connection.fail(this.#refused(error));
      return;
    } else if (error !== undefined) this.#options.onError(error, place);
    this.#answered += 1;
  }

  #refused(words: string): FastcacheError {
    return refusalError(this.#options, words, 'takes no writes');
  }
}

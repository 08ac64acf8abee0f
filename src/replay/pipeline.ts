/**
 * Sends commands to a Redis-protocol server, many under way at a time and no more than a window of them: the
 * replies come in the order of the commands. The sender waits for room; a server that stops answering ends
 * the pipeline.
 */
import type { Timers } from '../clock.js';
import type { FastcacheError } from '../errors.js';
import { CommandBuffer } from '../redis-client/command-buffer.js';
import { connectTo, type RedisServerOptions, refusalError, serverError } from '../redis-client/connect.js';
import { ReplyReader } from '../redis-client/reply-reader.js';
import type { Connection } from '../transport/connection.js';

/** Commands that may be under way, and bytes that may wait for the network. */
const WINDOW_COMMANDS = 16_384;
const WINDOW_BYTES = 4_194_304;
/** Commands gather to this much before they are written. */
const WRITE_BYTES = 65_536;
/** A server that answers nothing for longer is taken for dead. */
const REPLY_DEADLINE_MS = 30_000;

/** The options of a pipeline. */
export interface PipelineOptions extends RedisServerOptions {
  timers: Timers;
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
  #connection: Connection | undefined;
  #sent = 0;
  #answered = 0;
  #fault: Error | undefined;
  /** Called with the answer, while the server is asked whether it takes commands at all. */
  #onGreeting: ((error: string | undefined) => void) | undefined;
  #wake: () => void = () => {};

  private constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /**
   * Connects, presents the password and waits for the answer to a first command. Throws
   * `PRIMARY_UNREACHABLE`, `PASSWORD_REFUSED`, `SERVER_REFUSED`, and what `room` throws.
   */
  static async open(options: PipelineOptions): Promise<Pipeline> {
    const pipeline = new Pipeline(options);
    try {
      await pipeline.#connect();
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
      (this.#connection?.bufferedBytes ?? 0) > WINDOW_BYTES ||
      this.#fault !== undefined
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
    if (this.#gathered.length > 0) this.#connection?.write(this.#gathered.take());
  }

  /**
   * Resolves when half the window is free. Throws `CONNECTION_LOST`, `PEER_SILENT`, `REPLY_MALFORMED`,
   * `PASSWORD_REFUSED` when the server has begun to require one, and `SERVER_REFUSED` when it takes no writes
   * at all.
   */
  room(): Promise<void> {
    return this.#until(
      () =>
        this.#sent - this.#answered <= WINDOW_COMMANDS / 2 &&
        (this.#connection?.bufferedBytes ?? 0) <= WINDOW_BYTES / 2,
    );
  }

  /** Resolves when everything is answered. Throws as `room`. */
  drain(): Promise<void> {
    return this.#until(() => this.#sent === this.#answered);
  }

  /** Drops the connection; what waits for an answer rejects. */
  close(): void {
    this.#fault ??= new Error('the pipeline is closed');
    this.#connection?.destroy();
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      connectTo(this.#options, {
        opened: (connection) => {
          this.#connection = connection;
          resolve();
        },
        data: (chunk) => this.#onData(chunk),
        drained: () => this.#wake(),
        ended: (fault) => {
          this.#fail(fault);
          reject(this.#fault);
        },
      });
    });
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

  #onData(chunk: Buffer): void {
    if (this.#fault !== undefined) return;
    this.#replies.push(chunk);
    this.#wake();
  }

  #onReply(error: string | undefined): void {
    if (this.#fault !== undefined) return;
    if (this.#answered === this.#sent) {
      this.#fail(serverError(this.#options.address, 'REPLY_MALFORMED', 'answers what nobody asked'));
      return;
    }
    const place = this.#places[this.#answered % WINDOW_COMMANDS]!;
    if (this.#onGreeting !== undefined) this.#onGreeting(error);
    else if (error !== undefined && /^(NOAUTH|READONLY)\b/.test(error)) {
      this.#fail(this.#refused(error));
      return;
    } else if (error !== undefined) this.#options.onError(error, place);
    this.#answered += 1;
  }

  async #until(isReached: () => boolean): Promise<void> {
    this.flush();
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault;
      if (isReached()) return;
      await this.#news();
    }
  }

  /** Resolves when something has come or gone. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = this.#options.timers.after(REPLY_DEADLINE_MS, () => {
        const what = `has not answered for ${REPLY_DEADLINE_MS / 1000} s`;
        this.#fail(serverError(this.#options.address, 'PEER_SILENT', what));
      });
      this.#wake = () => {
        deadline.cancel();
        this.#wake = () => {};
        resolve();
      };
    });
  }

  #refused(words: string): FastcacheError {
    return refusalError(this.#options, words, 'takes no writes');
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.#connection?.destroy();
    this.#wake();
  }
}

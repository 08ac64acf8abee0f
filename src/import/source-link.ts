/**
 * The link by which a Redis primary is followed as its replica would: handshake, PSYNC, the RDB file, and
 * then the stream. Bytes are read from it at the pace of the reader.
 */
import { FastcacheError } from '../errors.js';
import { AwaitedConnection, type AwaitedOptions } from '../redis-client/awaited-connection.js';
import { CommandBuffer } from '../redis-client/command-buffer.js';
import { refusalError, serverError } from '../redis-client/connect.js';

/** Bytes that may wait to be read. */
const QUEUE_BYTES = 1_048_576;
/** A primary sends something every ten seconds; after this it is taken for dead. */
const SILENCE_MS = 60_000;
const LINE_BYTES_MAX = 65_536;
const EOF_MARK_BYTES = 40;
const LINE_END = 0x0a;

/** How a link is made. */
export interface SourceOptions extends AwaitedOptions {
  user: string | undefined;
}

/** A place in the history of a primary. */
export interface ReplicationPlace {
  /** The id of the history, 40 characters. */
  id: string;
  /** Bytes of its stream that have been taken. */
  offset: number;
}

/** How a primary goes on. */
export type Resumption =
  /** With the stream behind the place that was asked for; the history may have another id. */
  | { readonly kind: 'continues'; readonly id: string | undefined }
  /** With all its content, as of a place. */
  | { readonly kind: 'full'; readonly place: ReplicationPlace };

/** One connection; the caller that opens it closes it. */
export class SourceLink {
  readonly #options: SourceOptions;
  readonly #connection: AwaitedConnection;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** The bytes that are left to read of the RDB file when its length is known. */
  #fileBytes: number | undefined;
  #endMark: Buffer | undefined;

  private constructor(options: SourceOptions) {
    this.#options = options;
    this.#connection = new AwaitedConnection(options, (chunk) => this.#onData(chunk));
  }

  /** Connects and makes itself known. Throws `PRIMARY_UNREACHABLE`, `PASSWORD_REFUSED`, `SERVER_REFUSED`. */
  static async open(options: SourceOptions): Promise<SourceLink> {
    const link = new SourceLink(options);
    try {
      await link.#connection.open();
      const { user, password } = options;
      if (password !== undefined) await link.#ask('AUTH', ...(user === undefined ? [] : [user]), password);
      await link.#ask('PING');
      // Shown in the primary's INFO. There is no port to connect to.
      await link.#ask('REPLCONF', 'listening-port', '0');
      await link.#ask('REPLCONF', 'capa', 'eof', 'capa', 'psync2');
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** Bytes of the RDB file in all; undefined while that is not known. */
  get fileBytes(): number | undefined {
    return this.#fileBytes;
  }

  /** Asks for the stream behind `place`, or for all. */
  async resume(place: ReplicationPlace | undefined): Promise<Resumption> {
    const asked = place === undefined ? ['?', '-1'] : [place.id, `${place.offset + 1}`];
    const line = await this.#ask('PSYNC', ...asked);
    const continued = /^\+CONTINUE(?: ([0-9a-f]{40}))?$/.exec(line);
    if (continued !== null) return { kind: 'continues', id: continued[1] };
    const [, id, offset] = /^\+FULLRESYNC ([0-9a-f]{40}) (\d{1,16})$/.exec(line) ?? [];
    if (id === undefined) throw this.#malformed(line);
    return { kind: 'full', place: { id, offset: Number(offset) } };
  }

  /**
   * Reads the head of the RDB file, which the primary may take long to make. Afterwards `next` yields the
   * file, and `endFile` takes what is behind it.
   */
  async beginFile(): Promise<void> {
    const line = await this.#line();
    const [, length, mark] = /^\$(?:(\d{1,16})|EOF:(.{40}))$/.exec(line) ?? [];
    if (length === undefined && mark === undefined) throw this.#malformed(line);
    this.#fileBytes = length === undefined ? undefined : Number(length);
    this.#endMark = mark === undefined ? undefined : Buffer.from(mark, 'latin1');
  }

  /** Ends the file: `behind` are the bytes that came behind it. Throws when they are not as they must be. */
  async endFile(behind: Buffer): Promise<void> {
    let bytes = behind;
    const mark = this.#endMark;
    if (mark !== undefined) {
      while (bytes.length < EOF_MARK_BYTES) bytes = Buffer.concat([bytes, await this.#chunk()]);
      if (!bytes.subarray(0, EOF_MARK_BYTES).equals(mark)) throw this.#malformed('another end of the file');
      bytes = bytes.subarray(EOF_MARK_BYTES);
    }
    this.#putBack(bytes);
  }

  /** Returns the next bytes, undefined when none come in `waitMs`. Throws the fault that ended the link. */
  async next(waitMs: number): Promise<Buffer | undefined> {
    if (this.#queuedBytes === 0 && this.#connection.fault === undefined) {
      await this.#connection.hasNews(waitMs);
    }
    const chunk = this.#queue.shift();
    if (chunk === undefined) {
      if (this.#connection.fault !== undefined) throw this.#connection.fault;
      return undefined;
    }
    this.#queuedBytes -= chunk.length;
    if (this.#queuedBytes < QUEUE_BYTES / 2) this.#connection.resume();
    return chunk;
  }

  /** Says how far the stream has been taken. */
  acknowledge(offset: number): void {
    this.#send('REPLCONF', 'ACK', `${offset}`);
  }

  /** Drops the connection. */
  close(): void {
    this.#connection.fail(serverError(this.#options.address, 'CONNECTION_LOST', 'is followed no more'));
  }

  #onData(chunk: Buffer): void {
    this.#queue.push(Buffer.from(chunk));
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_BYTES) this.#connection.pause();
  }

  #send(...args: string[]): void {
    const command = new CommandBuffer();
    command.append(args.map((arg) => Buffer.from(arg)));
    this.#connection.write(command.take());
  }

  /** Sends a command of the handshake; returns the line that answers it. */
  async #ask(...args: string[]): Promise<string> {
    this.#send(...args);
    const line = await this.#line();
    if (!line.startsWith('-')) return line;
    const words = line.slice(1);
    if (!/unknown command/i.test(words)) throw refusalError(this.#options, words, `refuses ${args[0]}`);
    const what = 'cannot be followed as a Redis can; a fastcache server is followed by `replica follow`';
    throw serverError(this.#options.address, 'SERVER_REFUSED', what, words);
  }

  /** Reads a line; empty ones, by which a primary keeps the link alive, are passed over. */
  async #line(): Promise<string> {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const end = bytes.indexOf(LINE_END);
      if (end === -1) {
        if (bytes.length > LINE_BYTES_MAX) throw this.#malformed('a line without end');
        bytes = Buffer.concat([bytes, await this.#chunk()]);
        continue;
      }
      const line = bytes.toString('latin1', 0, end).replace(/\r$/, '');
      bytes = bytes.subarray(end + 1);
      if (line === '') continue;
      this.#putBack(bytes);
      return line;
    }
  }

  async #chunk(): Promise<Buffer> {
    const chunk = await this.next(SILENCE_MS);
    if (chunk !== undefined) return chunk;
    throw serverError(this.#options.address, 'PEER_SILENT', `has sent nothing for ${SILENCE_MS / 1000} s`);
  }

  #putBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#queue.unshift(bytes);
    this.#queuedBytes += bytes.length;
  }

  #malformed(found: string): FastcacheError {
    const message = `The server does not answer as a Redis primary does: ${JSON.stringify(found.slice(0, 100))}.`;
    return new FastcacheError('REPLY_MALFORMED', message, { found: found.slice(0, 100) });
  }
}

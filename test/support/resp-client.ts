/**
 * A plain client of the Redis protocol: sends exactly the bytes that a test says, in the pieces that it says,
 * and reads replies as values. The oracle beside redis-cli and ioredis where those would not send what a test
 * needs.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Incomplete, rawReplyAt } from './resp-wire.js';

/** An error's text with its minus sign; a status with its plus sign; nil; lists. */
export type Reply = string | number | Buffer | null | Reply[];

const PATIENCE_MS = 25_000;

/** A command as a RESP array. */
export function respCommand(...args: (string | Buffer)[]): Buffer {
  const parts = args.flatMap((arg) => {
    const bytes = Buffer.from(arg as string);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts]);
}

function placeOf(address: string) {
  const [, host, port] = /^(.*):(\d+)$/.exec(address)!;
  return { host: host!, port: Number(port) };
}

export class RespClient {
  readonly socket: Socket;
  /** All bytes that have come and are not read as replies yet, in the pieces in which they came. */
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    // A peer that is killed, or that closes on what is still being sent, is what some tests are about.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** `address`: `host:port`. Throws when nobody listens. */
  static connect(address: string): Promise<RespClient> {
    return RespClient.#opened(connect(placeOf(address)), 'connect');
  }

  /** The same by TLS. Throws when the handshake fails, too. */
  static connectTls(address: string, options: ConnectionOptions): Promise<RespClient> {
    return RespClient.#opened(connectTls({ ...placeOf(address), ...options }), 'secureConnect');
  }

  static async #opened(socket: Socket, event: string): Promise<RespClient> {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
    });
    return new RespClient(socket);
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  async command(...args: (string | Buffer)[]): Promise<Reply> {
    this.write(respCommand(...args));
    return this.reply();
  }

  /** Sends all at once and returns their replies in order. */
  async pipeline(commands: readonly (readonly (string | Buffer)[])[]): Promise<Reply[]> {
    this.write(Buffer.concat(commands.map((args) => respCommand(...args))));
    return this.replies(commands.length);
  }

  async replies(count: number): Promise<Reply[]> {
    const replies: Reply[] = [];
    while (replies.length < count) replies.push(await this.reply());
    return replies;
  }

  /** The next reply. Throws when the server closes before it is whole. */
  reply(): Promise<Reply> {
    return this.#next(parseReply);
  }

  /** The next reply as it came, of RESP2 or RESP3. */
  rawReply(): Promise<Buffer> {
    return this.#next(rawReplyAt);
  }

  /** How many bytes have come that are not read yet. */
  get unreadBytes(): number {
    return this.#length;
  }

  async #next<T>(parse: (bytes: Buffer, at: number) => Parsed<T> | Incomplete): Promise<T> {
    let needed = 1;
    for (;;) {
      while (this.#length < needed) {
        if (this.#ended) throw new Error(`closed; unread: ${this.#take().toString('latin1', 0, 200)}`);
        await this.#news();
      }
      const bytes = this.#take();
      const found = parse(bytes, 0);
      const rest = typeof found === 'number' ? bytes : bytes.subarray(found.end);
      this.#chunks = [rest];
      this.#length = rest.length;
      if (typeof found !== 'number') return found.reply;
      needed = found;
    }
  }

  /** All that comes until the server closes. */
  async untilClosed(): Promise<Buffer> {
    while (!this.#ended) await this.#news();
    const rest = this.#take();
    this.#chunks = [];
    this.#length = 0;
    return rest;
  }

  close(): void {
    this.socket.destroy();
  }

  #take(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
  }

  async #news(): Promise<void> {
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (performance.now() - startedAt >= PATIENCE_MS) throw new Error(`no reply within ${PATIENCE_MS} ms`);
  }
}

interface Parsed<T> {
  reply: T;
  end: number;
}

function parseReply(bytes: Buffer, at: number): Parsed<Reply> | Incomplete {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd === -1) return bytes.length + 1;
  const line = bytes.toString('latin1', at, lineEnd);
  const end = lineEnd + 2;
  switch (line[0]) {
    case ':':
      return { reply: Number(line.slice(1)), end };
    case '$': {
      const length = Number(line.slice(1));
      if (length < 0) return { reply: null, end };
      const whole = end + length + 2;
      if (bytes.length < whole) return whole;
      return { reply: Buffer.from(bytes.subarray(end, end + length)), end: whole };
    }
    case '*':
      return parseList(bytes, Number(line.slice(1)), end);
    default:
      return { reply: line, end };
  }
}

function parseList(bytes: Buffer, count: number, start: number): Parsed<Reply> | Incomplete {
  if (count < 0) return { reply: null, end: start };
  const list: Reply[] = [];
  let at = start;
  while (list.length < count) {
    const item = parseReply(bytes, at);
    if (typeof item === 'number') return item;
    list.push(item.reply);
    at = item.end;
  }
  return { reply: list, end: at };
}

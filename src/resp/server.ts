/**
 * The Redis-protocol server (design.md, "The corridor": resp/server): sockets in, commands into the kernel, replies out,
 * one write for what a chunk of input brought.
 */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ShardEngine } from '../engine/shard-engine.js';
import { formatAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { readShared } from '../transport/shared-read.js';
import { listenError } from '../transport/tcp.js';
import { CommandInput, type InputLimits } from './command-input.js';
import { type CommandSink, CommandWindow } from './command-window.js';
import { type ClientState, runRareCommand, type ServerFace } from './commands.js';
import { errorReply } from './replies.js';

/** Replies that gather for a client before its commands have to wait until it has read. */
const REPLY_BYTES_MAX = 1024 * 1024;
const CLIENTS_MAX = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** What clients have for taking their last replies when the server closes. */
const CLOSE_PATIENCE_MS = 1_000;

export interface RespServerOptions {
  address: Address;
  /** The store of this moment; a replica's changes with each snapshot. */
  engine(): ShardEngine;
  face: ServerFace;
  limits: InputLimits;
}

export class RespServer {
  readonly #options: RespServerOptions;
  readonly #server: Server;
  /** Who is connected, and when it is gone. */
  readonly #clients = new Map<Client, Promise<void>>();
  #window: CommandWindow | undefined;
  #nextId = 1;

  constructor(options: RespServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
  }

  /** Resolves with `host:port` when it listens. Throws PORT_TAKEN, LISTEN_FAILED. */
  async listen(): Promise<string> {
    const { host, port } = this.#options.address;
    this.#server.listen({ host, port });
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw listenError(this.#options.address, error as NodeJS.ErrnoException);
    }
    return formatAddress({ host, port: this.port });
  }

  /** The port really listened on. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : this.#options.address.port;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Stops accepting, lets replies out, and closes every client. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#clients.keys()) client.end();
    await Promise.all([closed, ...this.#clients.values()]);
  }

  /** The command window of the store of this moment. */
  #currentWindow(): CommandWindow {
    const engine = this.#options.engine();
    if (this.#window?.engine !== engine) this.#window = new CommandWindow(engine);
    return this.#window;
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= CLIENTS_MAX) {
      socket.on('error', () => {});
      socket.write(errorReply('ERR max number of clients reached'));
      endSocket(socket);
      return;
    }
    const client = new Client(socket, this.#nextId, {
      window: () => this.#currentWindow(),
      face: this.#options.face,
      limits: this.#options.limits,
    });
    this.#nextId += 1;
    this.#clients.set(
      client,
      client.gone.then(() => {
        this.#clients.delete(client);
      }),
    );
  }
}

/** Lets out what was written, then closes; a client that neither reads nor goes is not waited for. */
function endSocket(socket: Socket): void {
  if (socket.writableEnded) return;
  const deadline = setTimeout(() => socket.destroy(), CLOSE_PATIENCE_MS);
  socket.once('close', () => clearTimeout(deadline));
  socket.end();
  socket.resume();
}

interface ClientHost {
  window(): CommandWindow;
  face: ServerFace;
  limits: InputLimits;
}

class Client implements CommandSink, ClientState {
  readonly id: number;
  name = '';
  leaves = false;
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #host: ClientHost;
  readonly #input: CommandInput;
  #replies: Buffer[] = [];
  #replyBytes = 0;

  constructor(accepted: Socket, id: number, host: ClientHost) {
    this.id = id;
    this.#host = host;
    this.#input = new CommandInput(this, host.limits);
    const socket = readShared(accepted, (chunk) => {
      if (this.leaves) return;
      this.#input.feed(chunk, host.window());
      this.#flush();
    });
    this.#socket = socket;
    this.gone = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('drain', () => this.#goOn());
    // What a broken connection has left behind is not this server's to tell.
    socket.on('error', () => socket.destroy());
  }

  reply(bytes: Buffer): boolean {
    this.#replies.push(bytes);
    this.#replyBytes += bytes.length;
    return this.#replyBytes + this.#socket.writableLength < REPLY_BYTES_MAX;
  }

  command(args: Buffer[]): Buffer | undefined {
    const reply = runRareCommand(args, this, this.#host.face);
    if (!this.leaves) return reply;
    this.reply(reply);
    return undefined;
  }

  fail(bytes: Buffer): void {
    this.reply(bytes);
    this.leaves = true;
  }

  end(): void {
    this.leaves = true;
    endSocket(this.#socket);
  }

  /** One write for all that has gathered. */
  #flush(): void {
    const socket = this.#socket;
    if (this.#replyBytes > 0) {
      const replies = this.#replies;
      socket.write(replies.length === 1 ? replies[0]! : Buffer.concat(replies, this.#replyBytes));
      this.#replies = [];
      this.#replyBytes = 0;
    }
    if (this.leaves) {
      this.end();
    } else if (this.#input.waits || socket.writableLength >= REPLY_BYTES_MAX) {
      socket.pause();
      // Taken at once: there will be no drain to wait for.
      if (!socket.writableNeedDrain) setImmediate(() => this.#goOn());
    }
  }

  #goOn(): void {
    if (this.leaves || this.#socket.destroyed) return;
    this.#socket.resume();
    if (!this.#input.waits) return;
    this.#input.resume(this.#host.window());
    this.#flush();
  }
}

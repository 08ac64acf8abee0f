/**
 * A small HTTP server for status pages: GET and HEAD, short answers, no bodies taken. A client holds little
 * and not for long: connections, header bytes, the time for a request and for taking its answer are all
 * bounded. Clients that hold their connections cannot keep others out (`ConnectionRoom`).
 */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isLoopback, parseAddress } from './address.js';
import type { Address, Listener, StrangerWarning } from './connection.js';
import { listenOn } from './tcp.js';
import type { Tls } from './tls.js';

/** The most connections at one time, enough for a scraper or two and a few probes. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8_192;
const HEADERS_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** The most time between two requests of a connection. */
const KEEP_ALIVE_MS = 5_000;
/**
 * A connection is dropped when nothing comes and nothing goes for so long: the peer does not take its answer.
 */
const STALLED_TIMEOUT_MS = 10_000;
/** The pause between two looks for connections that took too long. */
const CHECK_MS = 1_000;

/** The answer to a request. */
export interface HttpAnswer {
  status: number;
  /** The content type, with its charset. */
  contentType: string;
  body: string;
}

/** The request, as far as an answer depends on it. */
export interface HttpRequest {
  /** The path as it was sent, from `/` up to the query. */
  path: string;
  query: URLSearchParams;
}

/** The options that make a port one of HTTPS. */
export interface HttpsPort {
  readonly tls: Tls;
  /** Warns of a client whose handshake has failed. */
  readonly warn: StrangerWarning;
}

/** Makes an answer of one line of text. */
export const plainText = (status: number, line: string): HttpAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${line}\n`,
});

/**
 * Answers every GET and HEAD with the answer that `answer` resolves to, 500 when it rejects, other methods
 * with 405, and with 421 requests that were meant for another host: a page in a browser, whose name leads to
 * this machine's own port. With `https` it does so over HTTPS. Closing drops every connection. Throws
 * `PORT_TAKEN` or `LISTEN_FAILED`.
 */
export function listenHttp(
  address: Address,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
  https?: HttpsPort,
): Promise<Listener> {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  };
  const server =
    https === undefined ? createServer(options) : https.tls.createHttpsServer(options, https.warn);
  server.timeout = STALLED_TIMEOUT_MS;
  const room = new ConnectionRoom();
  server.on(https === undefined ? 'connection' : 'secureConnection', (socket: Socket) => room.enter(socket));
  let isOwn = false;
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    room.answering(socket);
    response.once('close', () => room.answered(socket));
    if (isOwn && isForeign(request.headers.host)) send(request, response, FOREIGN_HOST);
    else respond(request, answer).then((answered) => send(request, response, answered));
  };
  server.on('request', handle);
  // This is handled because Node would otherwise ask for the body.
  server.on('checkContinue', handle);
  return listenOn(server, address).then((listening) => {
    isOwn = isLoopback(parseAddress(listening).host);
    return {
      address: listening,
      close: () =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
          https?.tls.release(server);
        }),
    };
  });
}

/**
 * The connections, of which one too many costs the oldest its place that is not being answered: a probe has
 * sent its request long before a crowd that sends none gets round to it.
 */
class ConnectionRoom {
  /** The connections, each with how many of its requests are being answered, the longest idle first. */
  readonly #answers = new Map<Socket, number>();

  enter(socket: Socket): void {
    this.#answers.set(socket, 0);
    socket.once('close', () => this.#answers.delete(socket));
    if (this.#answers.size <= MAX_CONNECTIONS) return;
    const sockets = [...this.#answers.keys()].slice(0, -1);
    const leaving = sockets.find((other) => this.#answers.get(other) === 0) ?? sockets[0]!;
    this.#answers.delete(leaving);
    leaving.destroy();
  }

  answering(socket: Socket): void {
    const count = this.#answers.get(socket);
    if (count !== undefined) this.#answers.set(socket, count + 1);
  }

  answered(socket: Socket): void {
    const count = this.#answers.get(socket);
    if (count === undefined) return;
    this.#answers.delete(socket);
    this.#answers.set(socket, count - 1);
  }
}

const FOREIGN_HOST = plainText(
  421,
  'this port serves its own machine only: ask for localhost or for the address, not for another name',
);

/** Whether a Host header names neither this machine nor an address. */
function isForeign(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return !/^(localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])$/.test(name);
}

async function respond(
  { method, url = '' }: IncomingMessage,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return plainText(405, 'only GET and HEAD are answered here');
  const [path = '', ...query] = url.split('?');
  try {
    return await answer({ path, query: new URLSearchParams(query.join('?')) });
  } catch (error) {
    return plainText(500, error instanceof Error ? error.message : String(error));
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: HttpAnswer) {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
    // The rest of such a connection is a body, which the server does not read.
    ...(announcesBody(request) && { Connection: 'close' }),
  });
  response.end(body);
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

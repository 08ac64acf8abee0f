/**
 * A small HTTP server for status pages: GET and HEAD, short answers, no bodies taken. A client holds little
 * and not for long: connections, header bytes, the time for a request and for taking its answer are all
 * bounded.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Address, Listener } from './connection.js';
import { listenOn } from './tcp.js';

/**
 * The most connections at one time, enough for a scraper or two and a few probes; those past it are dropped.
 */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8_192;
const HEADERS_TIMEOUT_MS = 5_000;
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

/** Makes an answer of one line of text. */
export const plainText = (status: number, line: string): HttpAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${line}\n`,
});

/**
 * Answers every GET and HEAD with what `answer` resolves to, 500 when it rejects, and other methods with 405.
 * Closing drops every connection. Throws `PORT_TAKEN` or `LISTEN_FAILED`.
 */
export function listenHttp(
  address: Address,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<Listener> {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = STALLED_TIMEOUT_MS;
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, answer).then((answered) => send(request, response, answered));
  };
  server.on('request', handle);
  // This is handled because Node would otherwise ask for the body.
  server.on('checkContinue', handle);
  return listenOn(server, address).then((listening) => ({
    address: listening,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  }));
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

/**
 * TLS behind the seam of `connection.ts`, and servers of TLS for clients and for HTTP. The certificates that
 * they present and trust can be replaced while they run (docs/operations.md, "TLS"). No version below 1.2 is
 * spoken, and no protocol is negotiated (ALPN).
 */
import { constants, X509Certificate } from 'node:crypto';
import type { ServerOptions as HttpOptions, Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { isIP, type OnReadOpts, type Server, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer,
  connect as openSecure,
  type SecureContext,
  type Server as SecureServer,
  type TlsOptions,
} from 'node:tls';
import { FastcacheError } from '../errors.js';
import type { ChunkReader, ClientSocket, PortServerOptions, SocketKind } from './client-socket.js';
import type {
  Address,
  Connection,
  ConnectionHandlers,
  Listener,
  StrangerWarning,
  Transport,
} from './connection.js';
import { HANDSHAKE_TIMEOUT_MS, Handshakes } from './handshakes.js';
import { SecureClientSocket } from './secure-client-socket.js';
import {
  closeServer,
  KEEP_ALIVE_MS,
  listenOn,
  type Opening,
  openConnection,
  SocketConnection,
} from './tcp.js';
import { connectFaultCode, serverFault } from './tls-faults.js';

const OLDEST_VERSION = 'TLSv1.2';

/** Certificates and a key, each the text of a PEM file. */
export interface TlsPem {
  /** The certificate that is presented, with those between it and its authority; undefined for none. */
  readonly cert: Buffer | undefined;
  /** Its private key; undefined where there is no certificate. */
  readonly key: Buffer | undefined;
  /** The authorities that are trusted; undefined for those that Node knows. */
  readonly ca: Buffer | undefined;
}

/** The TLS of one side: of a node, or of a command. */
export class Tls implements Transport, SocketKind {
  readonly #asksClients: boolean;
  readonly #servers = new Map<SecureServer, Handshakes>();
  #pem: TlsPem;
  /** The context of connections that are opened from here. */
  #context: SecureContext;

  /**
   * With `asksClients` clients must present a certificate that the authorities of `ca` vouch for. Throws
   * TLS_UNUSABLE.
   */
  constructor(pem: TlsPem, asksClients: boolean) {
    this.#asksClients = asksClients;
    this.#pem = pem;
    this.#context = contextOf(pem);
  }

  /** The last moment at which the certificate that is presented is valid, Unix ms; undefined without one. */
  get validUntilMs(): number | undefined {
    const { cert } = this.#pem;
    return cert === undefined ? undefined : Date.parse(new X509Certificate(cert).validTo);
  }

  /**
   * Presents and trusts these from now on; open connections go on as they are, and no session of before is
   * resumed. Throws TLS_UNUSABLE; then all stays as it was.
   */
  renew(pem: TlsPem): void {
    this.#context = contextOf(pem);
    this.#pem = pem;
    for (const server of this.#servers.keys()) server.setSecureContext(contextOptions(pem));
  }

  async listen(
    address: Address,
    accept: (connection: Connection) => void,
    refused: StrangerWarning = () => {},
  ): Promise<Listener> {
    const options = { keepAliveMs: KEEP_ALIVE_MS, warn: refused };
    const server = this.createServer(options, (socket) => accept(new SocketConnection(socket)));
    return {
      address: await listenOn(server, address),
      close: () => {
        const closed = closeServer(server);
        this.release(server);
        return closed;
      },
    };
  }

  connect(
    address: Address,
    options: { connectTimeoutMs: number },
    handlers: ConnectionHandlers & { opened(connection: Connection): void },
  ): { destroy(): void } {
    return openConnection(this.#opening(), address, options, handlers);
  }

  /** Makes a server that calls `accept` when a client's handshake is done; `release` follows its end. */
  createServer(options: PortServerOptions, accept: (socket: Socket) => void): Server {
    const server = createServer(
      {
        ...this.#serverOptions(),
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: options.keepAliveMs,
      },
      (socket) => {
        // The socket may be reset before it is handed out: it then has no address, and there is no peer.
        if (socket.remoteAddress === undefined) socket.destroy();
        else accept(socket);
      },
    );
    this.#servers.set(server, new Handshakes(server, options.warn));
    return server;
  }

  /** Makes a server of HTTPS; `release` follows its end. */
  createHttpsServer(options: HttpOptions, warn: StrangerWarning): HttpServer {
    const server = createHttpsServer({ ...options, ...this.#serverOptions() });
    this.#servers.set(server as SecureServer, new Handshakes(server, warn));
    return server as unknown as HttpServer;
  }

  /** Drops the handshakes of a server that closes, and certificates that are renewed do not reach it. */
  release(server: Server): void {
    this.#servers.get(server as SecureServer)?.drop();
    this.#servers.delete(server as SecureServer);
  }

  read(accepted: Socket, reader: ChunkReader): ClientSocket {
    return new SecureClientSocket(accepted, reader);
  }

  take(socket: ClientSocket): Connection {
    return new SocketConnection((socket as SecureClientSocket).leave().setKeepAlive(true, KEEP_ALIVE_MS));
  }

  #serverOptions(): TlsOptions {
    return {
      ...contextOptions(this.#pem),
      requestCert: this.#asksClients,
      rejectUnauthorized: this.#asksClients,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    };
  }

  #opening(): Opening {
    let hasRead = false;
    return {
      open: ({ host, port }, { buffer, callback }) => {
        const onread: OnReadOpts = {
          buffer,
          callback(bytes, read) {
            hasRead = true;
            return callback(bytes, read);
          },
        };
        const options = {
          host,
          port,
          secureContext: this.#context,
          rejectUnauthorized: true,
          // An address is no name that could be indicated; it is compared with those of the certificate.
          ...(isIP(host) === 0 && { servername: host }),
          // Node's types do not have it here.
          onread,
        };
        const socket = openSecure(options);
        let hasFailed = false;
        socket.once('error', () => {
          hasFailed = true;
        });
        socket.once('end', () => {
          const isRefused = !hasRead && !hasFailed && !socket.writableEnded;
          if (isRefused) socket.destroy(new Error(UNHEARD));
        });
        return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
      },
      openedEvent: 'secureConnect',
      reasonOf: (error, place) =>
        !hasRead && 'code' in error && error.code === 'ECONNRESET' ? UNHEARD : serverFault(error, place),
      codeOf: connectFaultCode,
    };
  }
}

/** With TLS 1.3 a server decides on a client's certificate when the client takes the handshake for done. */
const UNHEARD =
  'it closed it after the handshake without a word, as one does that does not accept the certificate of --tls-cert';

function contextOptions({ cert, key, ca }: TlsPem) {
  return {
    minVersion: OLDEST_VERSION,
    // A client that negotiates again and again would cost a handshake each time.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(cert !== undefined && { cert, key }),
    ...(ca !== undefined && { ca }),
  } as const;
}

/** Checks the certificates to present and to trust, and makes the context of them. Throws TLS_UNUSABLE. */
function contextOf(pem: TlsPem): SecureContext {
  const { cert, ca } = pem;
  for (const [part, bytes] of Object.entries({ cert, ca })) {
    if (bytes !== undefined) checkCertificate(part, bytes);
  }
  try {
    return createSecureContext(contextOptions(pem));
  } catch (cause) {
    throw unusable(reasonOf(cause), cause);
  }
}

/** Refuses what begins with no certificate: OpenSSL would take it and trust nobody. */
function checkCertificate(part: string, bytes: Buffer): void {
  try {
    new X509Certificate(bytes);
  } catch (cause) {
    throw unusable(`what tls-${part} names is no certificate in PEM`, cause);
  }
}

function reasonOf(cause: unknown): string {
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string };
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') {
    return 'the key of tls-key is not that of the certificate of tls-cert';
  }
  if (/BAD_DECRYPT|BAD_PASSWORD_READ|INTERRUPTED_OR_CANCELLED/.test(code)) {
    return 'the key of tls-key is encrypted; it must be given as it is (openssl pkey -in … -out …)';
  }
  if (/NO_START_LINE|UNSUPPORTED|BAD_/.test(code)) return 'what tls-key names is no private key in PEM';
  return message.replace(/\.$/, '');
}

function unusable(reason: string, cause: unknown): FastcacheError {
  return new FastcacheError('TLS_UNUSABLE', `TLS cannot be used: ${reason}.`, { cause });
}

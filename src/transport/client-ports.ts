/** The ports of clients: a plain one, one of TLS, or both. */
import { ClientPort, type ClientPortOptions } from './client-port.js';
import type { SocketKind } from './client-socket.js';
import type { Address } from './connection.js';
import { plainSockets } from './tcp.js';

/** Where clients connect. */
export interface ClientAddresses {
  /** Undefined: there is no plain port. */
  readonly address: Address | undefined;
  /** Undefined: there is no port of TLS. */
  readonly secure?: { readonly address: Address; readonly sockets: SocketKind } | undefined;
}

/** The options that both ports have in common. */
export type ClientPortsOptions = Omit<ClientPortOptions, 'address' | 'sockets'>;

/** The ports that clients and peers connect to. */
export class ClientPorts {
  readonly #plain: ClientPort | undefined;
  readonly #secure: ClientPort | undefined;

  constructor({ address, secure }: ClientAddresses, options: ClientPortsOptions) {
    this.#plain = address && new ClientPort({ ...options, address, sockets: plainSockets });
    this.#secure = secure && new ClientPort({ ...options, ...secure });
  }

  /** Resolves when all of them listen. Throws PORT_TAKEN, LISTEN_FAILED. */
  async listen(): Promise<void> {
    await this.#plain?.listen();
    await this.#secure?.listen();
  }

  /** `host:port` of the plain port; undefined without one, and until it listens. */
  get address(): string | undefined {
    return this.#plain?.listening;
  }

  /** `host:port` of the port of TLS; undefined without one, and until it listens. */
  get secureAddress(): string | undefined {
    return this.#secure?.listening;
  }

  /** The plain port; 0 without one. */
  get port(): number {
    return this.#plain?.port ?? 0;
  }

  /** The port of TLS; 0 without one. */
  get securePort(): number {
    return this.#secure?.port ?? 0;
  }

  /** The port for clients that speak TLS, or do not; if there is none of the kind, the other one. */
  portFor(isSecure: boolean): number {
    return isSecure ? this.securePort || this.port : this.port || this.securePort;
  }

  /** Stops accepting; clients and peers keep their connections. */
  close(): void {
    this.#plain?.close();
    this.#secure?.close();
  }
}

/**
 * The seam through which `replication/` and the simulation know a connection: bytes in, bytes out,
 * backpressure, an end. TCP is behind it in production (`tcp.ts`), a virtual network in the simulation.
 */

/** The calls that a connection makes. */
export interface ConnectionHandlers {
  /** Called with bytes as they came; the buffer is only valid during the call. */
  onData(chunk: Buffer): void;
  /** Called when the send buffer has room again after a `write` that returned false. */
  onDrain(): void;
  /** Called once, when the connection is over; `error` when it broke. Nothing is called after it. */
  onClose(error?: Error): void;
}

/** One open connection. */
export interface Connection {
  /** `host:port` of the peer, for logs and status. */
  readonly remoteAddress: string;
  /** Bytes accepted by `write` that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Bytes of all that `write` accepted that the network has taken. */
  readonly sentBytes: number;
  handlers: ConnectionHandlers;
  /**
   * Queues bytes (not copied: they must not change). Returns false when the send buffer is full: wait for
   * `onDrain`.
   */
  write(bytes: Uint8Array): boolean;
  /** Hands the network at once what `write` has gathered so far; without it that happens in the same turn. */
  flush(): void;
  /** Stops and restarts the flow of `onData`. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once and drops what is queued. */
  destroy(): void;
}

/** Warns of what a stranger did; `kind` is the same for all that did the same. */
export type StrangerWarning = (kind: string, message: string) => void;

/** The server side, which accepts connections. */
export interface Listener {
  /** `host:port` really listened on (port 0 resolved). */
  readonly address: string;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

/** An address to connect to or to listen on. */
export interface Address {
  host: string;
  port: number;
}

/** The way in which connections are made. */
export interface Transport {
  /**
   * Resolves when it listens. `refused` is called for connections that are over before they were accepted,
   * because they do not speak TLS or have not the right certificate. Throws `PORT_TAKEN` or `LISTEN_FAILED`.
   */
  listen(
    address: Address,
    accept: (connection: Connection) => void,
    refused?: StrangerWarning,
  ): Promise<Listener>;
  /**
   * Starts to connect; `opened` is called once when connected, otherwise `handlers.onClose` with
   * `PRIMARY_UNREACHABLE` or `TLS_FAILED` as the error. `destroy` of the result gives up at once.
   */
  connect(
    address: Address,
    options: { connectTimeoutMs: number },
    handlers: ConnectionHandlers & { opened(connection: Connection): void },
  ): { destroy(): void };
}

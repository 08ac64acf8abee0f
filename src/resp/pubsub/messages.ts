/** The messages to subscribers, each encoded once for each version of the protocol. */
import type { ClientState } from '../client-state.js';
import type { Protocol } from '../reply.js';

const CRLF_BYTES = 2;
const CR = 0x0d;
const LF = 0x0a;

/** One message for many clients. */
export class Message {
  /** Everything before the payload in latin1, without the mark of the whole. */
  readonly #head: string;
  readonly #payload: Buffer;
  readonly #encoded: (Buffer | undefined)[] = [];

  /** `names` are the word (`message`), and the channel or what it matches before it; all in latin1. */
  constructor(names: readonly string[], payload: Buffer) {
    let head = `${names.length + 1}\r\n`;
    for (const name of names) head += `$${name.length}\r\n${name}\r\n`;
    this.#head = `${head}$${payload.length}\r\n`;
    this.#payload = payload;
  }

  /** Sends it to each of these clients; returns how many they are. */
  sendTo(clients: ReadonlySet<ClientState>): number {
    for (const client of clients) {
      const bytes = this.#encoded[client.protocol] ?? this.#encode(client.protocol);
      client.output.push(bytes);
    }
    return clients.size;
  }

  /** A push in RESP3, an array in RESP2; it is written in one piece, for there are many of them. */
  #encode(protocol: Protocol): Buffer {
    const head = (protocol === 3 ? '>' : '*') + this.#head;
    const bytes = Buffer.allocUnsafe(head.length + this.#payload.length + CRLF_BYTES);
    bytes.write(head, 0, 'latin1');
    this.#payload.copy(bytes, head.length);
    bytes[bytes.length - 2] = CR;
    bytes[bytes.length - 1] = LF;
    this.#encoded[protocol] = bytes;
    return bytes;
  }
}

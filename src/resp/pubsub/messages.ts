/** What subscribers are sent, each message encoded once for each version of the protocol. */
import type { ClientState } from '../client-state.js';
import { encodeReply, type Protocol, Push, type Reply } from '../reply.js';

/** One message for many clients. */
export class Message {
  readonly #items: readonly Reply[];
  readonly #encoded: (Buffer | undefined)[] = [];

  /** `items` are the word (`message`), the names, and the payload. */
  constructor(items: readonly Reply[]) {
    this.#items = items;
  }

  /** Sends it to each of these clients; returns how many they are. */
  sendTo(clients: ReadonlySet<ClientState>): number {
    for (const { output, protocol } of clients) output.push(this.#bytes(protocol));
    return clients.size;
  }

  #bytes(protocol: Protocol): Buffer {
    const bytes = this.#encoded[protocol] ?? encodeReply(new Push(this.#items), protocol);
    this.#encoded[protocol] = bytes;
    return bytes;
  }
}

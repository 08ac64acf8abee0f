/**
 * The totals of a server's clients: bytes that they have sent and were sent, and bytes that wait for them.
 */
import type { ClientState } from './client-state.js';
import type { ClientMemory } from './command-host.js';

/** Bytes that clients have sent and were sent. */
export interface Traffic {
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** Commands and replies that wait, in bytes: of all clients, and the most of one. */
export interface ClientBuffers {
  readonly bytes: number;
  readonly maxInputBytes: number;
  readonly maxOutputBytes: number;
}

/** Adds the traffic of the connected clients to that of those that have left. */
export function trafficOf(clients: Iterable<ClientState>, { inputBytes, outputBytes }: Traffic): Traffic {
  let [input, output] = [inputBytes, outputBytes];
  for (const { readBytes, writtenBytes } of clients) {
    input += readBytes;
    output += writtenBytes;
  }
  return { inputBytes: input, outputBytes: output };
}

/** Adds up what waits, queues of transactions and watched keys included. */
export function buffersOf(
  clients: Iterable<readonly [ClientState, { readonly client: { memory(): ClientMemory } }]>,
): ClientBuffers {
  let [bytes, maxInputBytes, maxOutputBytes] = [0, 0, 0];
  for (const [{ watchedBytes, transaction }, { client }] of clients) {
    const { inputBytes, argumentBytes, outputBytes } = client.memory();
    const input = inputBytes + argumentBytes;
    bytes += input + outputBytes + watchedBytes + (transaction?.queuedBytes ?? 0);
    maxInputBytes = Math.max(maxInputBytes, input);
    maxOutputBytes = Math.max(maxOutputBytes, outputBytes);
  }
  return { bytes, maxInputBytes, maxOutputBytes };
}

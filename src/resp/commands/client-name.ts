/** The texts that a client may say of itself: its name, and its library's name and version. */
import type { ClientState } from '../client-state.js';
import { Failure } from '../reply.js';

/** An empty name takes the name away. What is wrong with it, or undefined. */
export function setClientName(client: ClientState, name: Buffer): Failure | undefined {
  const text = printable(name);
  if (text === undefined) {
    return new Failure('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  client.name = text;
  return undefined;
}

/** CLIENT LIST parts its fields by blanks; undefined when the text would break that. */
export function printable(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  return /^[!-~]*$/.test(text) ? text : undefined;
}

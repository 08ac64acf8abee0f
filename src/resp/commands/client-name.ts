/** The texts that a client may give about itself: its name, and its library's name and version. */
import type { ClientState } from '../client-state.js';
import { Failure } from '../reply.js';

/** Sets a client's name; an empty one removes it. Returns what is wrong with the name, or undefined. */
export function setClientName(client: ClientState, name: Buffer): Failure | undefined {
  const text = printable(name);
  if (text === undefined) {
    return new Failure('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  client.name = text;
  return undefined;
}

/** The text; undefined when it would break CLIENT LIST, whose fields are separated by blanks. */
export function printable(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  return /^[!-~]*$/.test(text) ? text : undefined;
}

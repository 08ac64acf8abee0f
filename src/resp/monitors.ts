/** MONITOR: clients that are sent every command that is run. */
import type { Clock } from '../clock.js';
import type { ClientState } from './client-state.js';

/** The clients that see every command. */
export class Monitors {
  /** Each client with the function that writes a line to it. */
  readonly #writers = new Map<ClientState, (line: Buffer) => void>();

  get count(): number {
    return this.#writers.size;
  }

  add(client: ClientState, write: (line: Buffer) => void): void {
    this.#writers.set(client, write);
    client.isMonitor = true;
  }

  remove(client: ClientState): void {
    this.#writers.delete(client);
    client.isMonitor = false;
  }

  show(args: readonly Buffer[], client: ClientState, clock: Clock): void {
    if (this.#writers.size === 0) return;
    const line = Buffer.from(`+${monitorLine(args, client, clock.nowMs())}\r\n`);
    for (const write of this.#writers.values()) write(line);
  }
}

/** A monitor's line: `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`. */
function monitorLine(args: readonly Buffer[], client: ClientState, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const microseconds = String((nowMs % 1000) * 1000).padStart(6, '0');
  return `${seconds}.${microseconds} [0 ${client.address}] ${args.map(quoted).join(' ')}`;
}

const ESCAPES: Record<number, string> = {
  92: '\\\\',
  34: '\\"',
  10: '\\n',
  13: '\\r',
  9: '\\t',
  7: '\\a',
  8: '\\b',
};

/** Quotes bytes as Redis' sdscatrepr does. */
function quoted(bytes: Buffer): string {
  let text = '"';
  for (const byte of bytes) {
    const escaped = ESCAPES[byte];
    if (escaped !== undefined) text += escaped;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${text}"`;
}

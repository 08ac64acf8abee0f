/** The prefixes of CLIENT TRACKING's BCAST mode, and the clients that have asked for each. */
import type { ChangedKey } from '../../engine/tracked-keys.js';
import type { ClientState } from '../client-state.js';
import { Invalidation } from './invalidation.js';

interface Prefix {
  readonly bytes: Buffer;
  readonly clients: Set<ClientState>;
}

/** All prefixes of all clients. */
export class Prefixes {
  readonly #prefixes = new Map<string, Prefix>();

  /** The number of different prefixes. */
  get count(): number {
    return this.#prefixes.size;
  }

  /** The bytes of each. */
  get all(): readonly Buffer[] {
    return Array.from(this.#prefixes.values(), ({ bytes }) => bytes);
  }

  /** Whether some client has asked for this very prefix, which is in latin1. */
  has(prefix: string): boolean {
    return this.#prefixes.has(prefix);
  }

  /** Adds a client to a prefix, which is in latin1. */
  add(prefix: string, client: ClientState): void {
    const found = this.#prefixes.get(prefix);
    if (found !== undefined) found.clients.add(client);
    else {
      this.#prefixes.set(prefix, { bytes: Buffer.from(prefix, 'latin1'), clients: new Set([client]) });
    }
  }

  /** Takes a client away from a prefix. */
  remove(prefix: string, client: ClientState): void {
    const found = this.#prefixes.get(prefix);
    found?.clients.delete(client);
    if (found?.clients.size === 0) this.#prefixes.delete(prefix);
  }

  /** Sends each client the keys of its prefixes, those that it changed itself not when it wants it so. */
  send(changes: readonly ChangedKey[]): void {
    for (const { bytes, clients } of this.#prefixes.values()) {
      const changed = changes.filter(({ key }) => bytes.equals(key.subarray(0, bytes.length)));
      if (changed.length === 0) continue;
      const all = new Invalidation(changed.map(({ key }) => key));
      for (const client of clients) {
        const { tracker, isNoLoop } = client.tracking!;
        const foreign = isNoLoop ? changed.filter(({ by }) => by !== tracker) : changed;
        if (foreign.length === 0) continue;
        const keys = foreign.map(({ key }) => key);
        (foreign.length === changed.length ? all : new Invalidation(keys)).sendFor(client);
      }
    }
  }
}

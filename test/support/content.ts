/**
 * The content of a server of ours, read back the way its users read: over its Redis port, or from an embedded
 * replica.
 */
import { digestOf, type Entry } from './digest.js';
import { RespClient } from './resp-client.js';

const MGET_KEYS = 1_000;

/** A store that can be read in place: a primary or a replica of the library. */
export interface EmbeddedStore {
  get(key: string): Uint8Array | undefined;
  keyCount(): number;
}

/** `digestOf` of those of `keys` that are there; a key that is there and not asked for shows as one more. */
export function embeddedDigest(store: EmbeddedStore, keys: readonly string[]): string {
  const entries = keys.flatMap((key): Entry[] => {
    const value = store.get(key);
    return value === undefined ? [] : [[Buffer.from(key), Buffer.from(value)]];
  });
  return withForeign(entries, store.keyCount());
}

/** The same over the Redis port at `address`. */
export async function servedDigest(address: string, keys: readonly string[]): Promise<string> {
  const client = await RespClient.connect(address);
  try {
    return await digestBy(client, keys);
  } finally {
    client.close();
  }
}

/** The same of the server to which `client` is connected. */
export async function digestBy(client: RespClient, keys: readonly string[]): Promise<string> {
  const entries: Entry[] = [];
  for (let at = 0; at < keys.length; at += MGET_KEYS) {
    const asked = keys.slice(at, at + MGET_KEYS);
    const values = await client.command('MGET', ...asked);
    // A replica that is loading says so.
    if (!Array.isArray(values)) return String(values);
    for (const [index, value] of values.entries()) {
      if (value !== null) entries.push([Buffer.from(asked[index]!), value as Buffer]);
    }
  }
  return withForeign(entries, (await client.command('DBSIZE')) as number);
}

function withForeign(entries: readonly Entry[], keyCount: number): string {
  const digest = digestOf(entries);
  return keyCount === entries.length ? digest : `${digest}, but ${keyCount} keys`;
}

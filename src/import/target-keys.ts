/** Looks through the keys of a server: how many there are, and which the source of an import lacks. */
import { FastcacheError } from '../errors.js';
import type { RedisClient } from '../redis-client/client.js';
import type { ReplyValue } from '../redis-client/reply-values.js';

const SCANNED = '1000';
const DEL = Buffer.from('DEL');

/** How many keys a server has; with a type, those of that type, without what has expired. */
export async function keyCount(client: RedisClient, type?: string): Promise<number> {
  if (type === undefined) return Number(await client.ask('DBSIZE'));
  let keys = 0;
  for await (const found of scan(client, type)) keys += found.length;
  return keys;
}

/**
 * Deletes keys at the target that the source has not, or not as a string. Meanwhile nothing of the stream may
 * be sent: keys that the source creates later must come later.
 */
export async function sweep(
  target: RedisClient,
  source: RedisClient,
  push: (args: readonly Uint8Array[]) => void,
): Promise<void> {
  for await (const keys of scan(target, undefined)) {
    const types = await source.askAll(keys.map((key) => ['TYPE', key]));
    for (const [index, key] of keys.entries()) {
      if (String(types[index]) !== 'string') push([DEL, key]);
    }
    await target.drain();
  }
}

/** Yields all keys, some at a time. A key that exists throughout is among them. */
async function* scan(client: RedisClient, type: string | undefined): AsyncGenerator<readonly Buffer[]> {
  let cursor = '0';
  do {
    const reply = await client.ask(
      'SCAN',
      cursor,
      'COUNT',
      SCANNED,
      ...(type === undefined ? [] : ['TYPE', type]),
    );
    const [next, keys] = listOf(reply);
    cursor = String(next);
    yield listOf(keys).map((key) => key as Buffer);
  } while (cursor !== '0');
}

function listOf(reply: ReplyValue | undefined): readonly ReplyValue[] {
  if (Array.isArray(reply)) return reply;
  throw new FastcacheError('REPLY_MALFORMED', 'The server does not answer SCAN with a list.');
}

/**
 * Clients that keep what they have read, and hear of changes (CLIENT TRACKING): while several write at
 * random, nobody reads what was there before a change of which it has heard, and in the end all read what is
 * there.
 */
import { BasicClientSideCache, createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { portOf } from '../support/embedded-pair.js';
import { connect, say, start } from '../support/open-front.js';
import { eventually } from '../support/processes.js';
import { RandomSource } from '../support/random.js';
import { type RespClient, respCommand } from '../support/resp-client.js';
import { parseWire } from '../support/resp-wire.js';

const KEYS = Array.from({ length: 40 }, (_, n) => `key:${n}`);

/** Writers whose values grow by one with each write of a key, in several ways of writing. */
class Writers {
  readonly #clients: readonly RespClient[];
  readonly #random: RandomSource;
  readonly last = new Map<string, number>();

  constructor(clients: readonly RespClient[], random: RandomSource) {
    this.#clients = clients;
    this.#random = random;
  }

  /** One of the writers writes some keys; resolves when it has its answers. */
  async write(): Promise<void> {
    const client = this.#random.pick(this.#clients);
    const commands = Array.from({ length: this.#random.between(1, 6) }, () => {
      const key = this.#random.pick(KEYS);
      const value = (this.last.get(key) ?? 0) + 1;
      this.last.set(key, value);
      return this.#random.pick([
        ['SET', key, `${value}`],
        ['INCR', key],
        ['GETSET', key, `${value}`],
        ['EVAL', "return redis.call('set', KEYS[1], ARGV[1])", '1', key, `${value}`],
      ]);
    });
    await client.pipeline(this.#random.chance(0.3) ? [['MULTI'], ...commands, ['EXEC']] : commands);
  }
}

async function writersOf(primary: Primary, random: RandomSource): Promise<Writers> {
  const clients = await Promise.all([1, 2, 3].map(() => connect(primary)));
  await clients[0]!.command('SCRIPT', 'LOAD', 'return');
  return new Writers(clients, random);
}

describe('a client that keeps what it reads', () => {
  it.each([[[]], [['BCAST']], [['OPTIN']]])(
    'never has a value older than the last change of which it has heard, with %j',
    async (options) => {
      const { primary } = await start();
      const random = new RandomSource(21);
      const writers = await writersOf(primary, random);
      const client = await connect(primary);
      client.write(
        Buffer.concat([respCommand('HELLO', '3'), respCommand('CLIENT', 'TRACKING', 'ON', ...options)]),
      );
      await client.rawReply();
      await client.rawReply();
      const kept = new Map<string, number>();
      // The least that a key can have once a change of it has been heard of. BCAST may be heard of behind a
      // later read.
      const least = new Map<string, number>();
      const step = options[0] === 'BCAST' ? 0 : 1;
      const asked: string[] = [];
      let wasHeard = 0;
      const next = async () => {
        const { mark, text, items } = parseWire(await client.rawReply());
        if (mark === '>') {
          wasHeard += 1;
          for (const { text: key } of items![1]!.items!) {
            if (kept.has(key!)) least.set(key!, kept.get(key!)! + step);
            kept.delete(key!);
          }
          return;
        }
        if (mark === '+') return;
        const key = asked.shift()!;
        expect(Number(text ?? 0)).toBeGreaterThanOrEqual(least.get(key) ?? 0);
        kept.set(key, Number(text ?? 0));
      };
      // How often a change is heard of depends on who comes first.
      for (let round = 0; round < 300 || wasHeard <= 100; round++) {
        const wanted = KEYS.filter((key) => !kept.has(key) && random.chance(0.3));
        // A client that asks for nothing reads nothing, and is sent nothing.
        if (wanted.length === 0) wanted.push(random.pick(KEYS));
        asked.push(...wanted);
        const reads = wanted.flatMap((key) => [
          ...(options[0] === 'OPTIN' ? [respCommand('CLIENT', 'CACHING', 'YES')] : []),
          respCommand('GET', key),
        ]);
        const writing = random.chance(0.7) ? writers.write() : undefined;
        client.write(Buffer.concat(reads));
        while (asked.length > 0) await next();
        await writing;
      }
      // A command behind all writes: no other invalidation comes than those before its reply.
      client.write(respCommand('ECHO', 'end'));
      for (;;) {
        const bytes = await client.rawReply();
        if (bytes.toString() === '$3\r\nend\r\n') break;
        for (const { text: key } of parseWire(bytes).items![1]!.items!) kept.delete(key!);
        wasHeard += 1;
      }
      for (const [key, value] of kept) expect([key, value]).toEqual([key, writers.last.get(key) ?? 0]);
    },
  );
});

describe('node-redis’ client-side cache', () => {
  it('comes to read what others write at random, and answers from its own memory in between', async () => {
    const { primary } = await start();
    const random = new RandomSource(22);
    const writers = await writersOf(primary, random);
    const url = `redis://127.0.0.1:${portOf(primary.listenAddress)}`;
    const caches = await Promise.all(
      [1, 2].map(async () => {
        const cache = new BasicClientSideCache({ maxEntries: 1_000, ttl: 0, evictPolicy: 'LRU' });
        const client = createClient({ url, RESP: 3, clientSideCache: cache });
        await client.connect();
        return { client, cache };
      }),
    );
    for (let round = 0; round < 200; round++) {
      const writing = writers.write();
      for (const { client } of caches) {
        await Promise.all(KEYS.filter(() => random.chance(0.3)).map((key) => client.get(key)));
      }
      await writing;
    }
    for (const { client, cache } of caches) {
      for (const key of KEYS) {
        const value = writers.last.get(key);
        // Its invalidations come by themselves, in their own time.
        await eventually(
          () => client.get(key),
          (read) => read === (value === undefined ? null : `${value}`),
        );
      }
      expect(cache.stats().hitCount).toBeGreaterThan(1_000);
    }
    await say(await connect(primary), 'FLUSHALL');
    for (const { client } of caches) {
      await eventually(
        () => client.get(KEYS[0]!),
        (read) => read === null,
      );
      await client.close();
    }
  });
});

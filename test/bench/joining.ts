/** Replicas that join a primary when they are asked to, ours and redis-server's. */
import { Redis } from 'ioredis';
import { FastcacheProcess } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';

/** Between two looks whether a replica has joined, milliseconds. */
const POLL_MS = 5;
const PAIRS_AT_ONCE = 5_000;

/** A server that follows a primary when it is asked to. */
export interface Joiner {
  /** Resolves when its link is up and its content whole; throws after `limitMs`. */
  join(limitMs?: number): Promise<void>;
  leave(): Promise<unknown>;
  stop(): Promise<unknown>;
}

/** A replica of ours; `port` is that of the primary for replicas. */
export async function startFastcacheJoiner(port: number): Promise<Joiner> {
  // A replica follows somebody from its start.
  const parked = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--no-listen']);
  const address = String((await parked.event('ready')).bind);
  const replica = new FastcacheProcess(['replica', 'follow', address, '--listen', ':0']);
  const { listen } = await replica.event('ready');
  return joinerAt(portOf(listen), port, () => Promise.all([parked.kill(), replica.kill()]));
}

/** A redis-server; `program` is its path, `port` that of its primary. */
export async function startRedisJoiner(port: number, program = 'redis-server'): Promise<Joiner> {
  const replica = await RedisServer.run(program, '--repl-diskless-sync-delay', '0');
  return joinerAt(replica.port, port, () => replica.kill());
}

/**
 * Sets the keys `key:<12 digits>` from 0 to `keys`, all that redis-benchmark writes, to values of 64 bytes.
 */
export async function fill(port: number, keys: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1');
  const value = 'x'.repeat(64);
  for (let from = 0; from < keys; from += PAIRS_AT_ONCE) {
    const pairs: string[] = [];
    for (let key = from; key < Math.min(keys, from + PAIRS_AT_ONCE); key++) {
      pairs.push(`key:${String(key).padStart(12, '0')}`, value);
    }
    await client.mset(...pairs);
  }
  client.disconnect();
}

/** Returns the port of an address `host:port`. */
export function portOf(address: unknown): number {
  return Number(String(address).split(':').at(-1));
}

function joinerAt(ownPort: number, primaryPort: number, end: () => Promise<unknown>): Joiner {
  const client = new Redis(ownPort, '127.0.0.1');
  return {
    join: async (limitMs = 20_000) => {
      await client.call('REPLICAOF', '127.0.0.1', String(primaryPort));
      const deadlineMs = performance.now() + limitMs;
      // ROLE costs the servers less than INFO does.
      while (((await client.role()) as unknown[])[3] !== 'connected') {
        if (performance.now() > deadlineMs) throw new Error(`it has not joined within ${limitMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    leave: () => client.call('REPLICAOF', 'NO', 'ONE'),
    stop: () => {
      client.disconnect();
      return end();
    },
  };
}

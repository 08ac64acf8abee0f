/** The two servers that are compared, each with one replica attached that applies what it is sent. */
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RedisServer, redisCli } from '../support/redis.js';

/** A primary and its replica. */
export interface Rival {
  readonly name: 'fastcache' | 'redis';
  readonly primaryPid: number;
  /** The ports for clients. */
  readonly primaryPort: number;
  readonly replicaPort: number;
  /** Ends the primary as `kill -9` does. */
  killPrimary(): Promise<unknown>;
  /** Ends both. */
  stop(): Promise<unknown>;
}

/** Resolves when the replica has caught up. */
export async function startFastcache(): Promise<Rival> {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0']);
  const { bind, listen } = await primary.event('ready');
  const replica = new FastcacheProcess(['replica', 'follow', String(bind), '--listen', ':0']);
  const { listen: replicaListen } = await replica.event('ready');
  await replica.event('caught-up');
  return {
    name: 'fastcache',
    primaryPid: primary.pid,
    primaryPort: portOf(listen),
    replicaPort: portOf(replicaListen),
    killPrimary: () => primary.kill(),
    stop: () => Promise.all([primary.kill(), replica.kill()]),
  };
}

/** Resolves when the replica's link is up; `program` is the redis-server. */
export async function startRedis(program = 'redis-server'): Promise<Rival> {
  const sync = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'];
  const primary = await RedisServer.run(program, ...sync);
  const replica = await RedisServer.run(program, '--replicaof', `127.0.0.1 ${primary.port}`);
  await eventually(
    () => redisCli(replica.port, 'info', 'replication'),
    (text) => text.includes('master_link_status:up'),
  );
  return {
    name: 'redis',
    primaryPid: primary.pid,
    primaryPort: primary.port,
    replicaPort: replica.port,
    killPrimary: () => primary.kill(),
    stop: () => Promise.all([primary.kill(), replica.kill()]),
  };
}

function portOf(address: unknown): number {
  return Number(String(address).split(':').at(-1));
}

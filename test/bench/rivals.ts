/** The servers that are compared, each with replicas attached that apply what they are sent. */
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RedisServer, redisCli } from '../support/redis.js';
import { portOf } from './joining.js';

/** How a server and its replicas are started. */
export interface RivalOptions {
  /** One unless said otherwise. */
  readonly replicas?: number;
  /** The path of the redis-server; the one on the PATH unless said otherwise. */
  readonly program?: string;
  /** More flags of our primary. */
  readonly flags?: readonly string[];
}

/** A primary and its replicas. */
export interface Rival {
  readonly name: 'fastcache' | 'redis';
  /** The name in tables and plots: a redis-server's has its version. */
  readonly label: string;
  readonly primaryPid: number;
  /** The primary's port for clients. */
  readonly primaryPort: number;
  /** The port for clients of the first replica. */
  readonly replicaPort: number;
  /** The primary's port for replicas. */
  readonly replicationPort: number;
  /** Ends the primary as `kill -9` does. */
  killPrimary(): Promise<unknown>;
  /** Ends all. */
  stop(): Promise<unknown>;
}

/** Returns ours, redis-server and, where a path names one, another redis-server, each with its replicas. */
export async function startRivals(otherRedis?: string, options: RivalOptions = {}): Promise<Rival[]> {
  const rivals = [await startFastcache(options), await startRedis(options)];
  if (otherRedis !== undefined) rivals.push(await startRedis({ ...options, program: otherRedis }));
  return rivals;
}

/** Resolves when the replicas have caught up. */
export async function startFastcache({ replicas = 1, flags = [] }: RivalOptions = {}): Promise<Rival> {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0', ...flags]);
  const { bind, listen } = await primary.event('ready');
  const followers = Array.from(
    { length: replicas },
    () => new FastcacheProcess(['replica', 'follow', String(bind), '--listen', ':0']),
  );
  const ready = await Promise.all(followers.map((replica) => replica.event('ready')));
  await Promise.all(followers.map((replica) => replica.event('caught-up')));
  return {
    name: 'fastcache',
    label: 'fastcache',
    primaryPid: primary.pid,
    primaryPort: portOf(listen),
    replicaPort: portOf(ready[0]?.listen),
    replicationPort: portOf(bind),
    killPrimary: () => primary.kill(),
    stop: () => Promise.all([primary, ...followers].map((process) => process.kill())),
  };
}

/** Resolves when the replicas' links are up. */
export async function startRedis({ replicas = 1, program }: RivalOptions = {}): Promise<Rival> {
  const sync = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'];
  const primary = await RedisServer.run(program, ...sync);
  const followers = await Promise.all(
    Array.from({ length: replicas }, () =>
      RedisServer.run(program, '--replicaof', `127.0.0.1 ${primary.port}`),
    ),
  );
  for (const { port } of followers) {
    await eventually(
      () => redisCli(port, 'info', 'replication'),
      (text) => text.includes('master_link_status:up'),
    );
  }
  return {
    name: 'redis',
    label: `Redis ${/redis_version:(\S+)/.exec(await redisCli(primary.port, 'info', 'server'))?.[1]}`,
    primaryPid: primary.pid,
    primaryPort: primary.port,
    replicaPort: followers[0]?.port ?? 0,
    replicationPort: primary.port,
    killPrimary: () => primary.kill(),
    stop: () => Promise.all([primary, ...followers].map((process) => process.kill())),
  };
}

/**
 * Redis' own programs: `redis-cli` and `redis-benchmark` as clients of ours, `redis-server` to compare with.
 */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import type { OptionalPeer } from './optional-peers.js';
import { freePort, isOnPath, LineProcess } from './processes.js';

const run = promisify(execFile);

export const redisTools: OptionalPeer = {
  name: 'redis-tools',
  isThere: isOnPath('redis-cli') && isOnPath('redis-benchmark'),
  remedy: 'apt-get install redis-tools',
};

export const redisServer: OptionalPeer = {
  name: 'redis-server',
  isThere: isOnPath('redis-server'),
  remedy: 'apt-get install redis-server',
};

/** Runs one command through redis-cli and returns what it prints, without the last line break. */
export async function redisCli(port: number, ...command: string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...command]);
  return stdout.replace(/\n$/, '');
}

/** The report of redis-benchmark's `--csv` for a test. */
export interface RedisBenchmark {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Runs redis-benchmark with these flags (`{t: 'set', P: 16}`), of this command if there is one; returns what
 * it reports by test name.
 */
export async function redisBenchmark(
  port: number,
  flags: Readonly<Record<string, string | number | true>>,
  command: readonly string[] = [],
): Promise<Record<string, RedisBenchmark>> {
  const args = Object.entries(flags).flatMap(([flag, value]) =>
    value === true ? [`-${flag}`] : [`-${flag}`, String(value)],
  );
  args.push(...command);
  const { stdout } = await run('redis-benchmark', ['-h', '127.0.0.1', '-p', String(port), '--csv', ...args]);
  const rows = stdout.trim().split('\n').slice(1);
  return Object.fromEntries(
    rows.map((row) => {
      const [test, perSecond, , , p50Ms, , p99Ms] = row.split(',').map((cell) => cell.replaceAll('"', ''));
      return [test, { perSecond: Number(perSecond), p50Ms: Number(p50Ms), p99Ms: Number(p99Ms) }];
    }),
  );
}

/** A redis-server that keeps nothing on disk. */
export class RedisServer extends LineProcess {
  readonly port: number;

  private constructor(program: string, port: number, args: readonly string[]) {
    // A full sync goes through a file all the same, which the server then deletes.
    const rdb = [
      '--dir',
      tmpdir(),
      '--dbfilename',
      `fastcache-test-${port}.rdb`,
      '--rdb-del-sync-files',
      'yes',
    ];
    super(program, ['--port', String(port), '--save', '', '--appendonly', 'no', ...rdb, ...args]);
    this.port = port;
  }

  /** Resolves when it accepts connections; `args` as on its command line (`--replicaof`, …). */
  static start(...args: string[]): Promise<RedisServer> {
    return RedisServer.run(undefined, ...args);
  }

  /** Does what `start` does with the redis-server at `program`. */
  static async run(program = 'redis-server', ...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(program, await freePort(), args);
    await server.nextLine((line) => line.includes('Ready to accept connections'));
    return server;
  }
}

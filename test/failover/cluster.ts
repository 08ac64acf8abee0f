/**
 * Three servers, of fastcache or of Redis, under three stock Sentinels: each a process with a port that it
 * keeps over its lives.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestBy } from '../support/content.js';
import { eventually, FastcacheProcess, freePort, LineProcess } from '../support/processes.js';
import type { Reply, RespClient } from '../support/resp-client.js';
import { type Access, byTls, inTheClear } from './access.js';
import { Line } from './line.js';

/** By what name the Sentinels know the primary. */
const NAME = 'failover';
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 5_000;
const QUORUM = 2;

export type ServerKind = 'fastcache' | 'redis';

export interface ClusterOptions {
  kind: ServerKind;
  /** `min-replicas-to-write` of every server, with a lag of 3 s at most. */
  minReplicas?: number;
  /** Servers of fastcache have a role file, and ask the Sentinels when they are started again. */
  remembersRoles?: boolean;
  /** Everything is by TLS, and asks for a password. */
  isByTls?: boolean;
}

/** A server; it is started again on its port, empty, as a primary or as a replica. */
export class Server {
  readonly port: number;
  /** The ports of the Sentinels, once there are any. */
  sentinels: readonly number[] = [];
  readonly #options: ClusterOptions;
  readonly #access: Access;
  readonly #line: Line;
  readonly #directory: string;
  #process: LineProcess | undefined;

  constructor(port: number, options: ClusterOptions, directory: string) {
    this.port = port;
    this.#access = accessOf(options);
    this.#line = new Line(() => this.#access.connect(port));
    this.#options = options;
    this.#directory = directory;
  }

  /** Resolves when it listens; `primary` is the port of the one that it follows. */
  async start(primary?: number): Promise<void> {
    this.#process = this.#options.kind === 'redis' ? this.#redis(primary) : this.#fastcache(primary);
    await eventually(
      () => this.ask('PING').catch(() => 'not yet'),
      (reply) => reply !== 'not yet',
    );
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#line.close();
    await this.#process?.kill(signal);
    this.#process = undefined;
  }

  /** Halts the process, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.child.kill(signal);
  }

  ask(...args: string[]): Promise<Reply> {
    return this.#line.ask(...args);
  }

  /** The fields of INFO, of all sections. */
  async info(): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.ask('INFO'));
  }

  #fastcache(primary: number | undefined): LineProcess {
    const { minReplicas = 0, remembersRoles = false } = this.#options;
    const address = `127.0.0.1:${primary}`;
    const follow =
      primary === undefined ? ['primary', 'start', '--bind', ':0'] : ['replica', 'follow', address];
    const serve = ['serve', ...(primary === undefined ? [] : ['--replicaof', address]), ...this.#memory()];
    return new FastcacheProcess(
      [
        ...(remembersRoles ? serve : follow),
        ...this.#access.fastcacheFlags(this.port),
        ...['--min-replicas', String(minReplicas), '--min-replicas-max-lag', '3'],
      ],
      this.#access.fastcacheEnv(remembersRoles && this.sentinels.length > 0),
    );
  }

  /** The role file, and the Sentinels that are asked at the start. */
  #memory(): string[] {
    const sentinels = this.sentinels.map((port) => `127.0.0.1:${port}`).join();
    return [
      ...['--role-file', join(this.#directory, `${this.port}.role`)],
      ...(sentinels === '' ? [] : ['--sentinels', sentinels, '--sentinel-name', NAME]),
    ];
  }

  #redis(primary: number | undefined): LineProcess {
    const { minReplicas = 0 } = this.#options;
    return new LineProcess('redis-server', [
      ...this.#access.redisFlags(this.port),
      ...['--save', '', '--appendonly', 'no', '--dir', this.#directory],
      ...['--dbfilename', `${this.port}.rdb`, '--rdb-del-sync-files', 'yes'],
      ...['--repl-diskless-sync-delay', '0'],
      ...['--min-replicas-to-write', String(minReplicas), '--min-replicas-max-lag', '3'],
      ...(primary === undefined ? [] : ['--replicaof', '127.0.0.1', String(primary)]),
    ]);
  }
}

/** A Sentinel, with all that it has logged. */
export class Sentinel {
  readonly port: number;
  log = '';
  readonly #process: LineProcess;
  readonly #line: Line;

  constructor(port: number, file: string, access: Access) {
    this.port = port;
    this.#line = new Line(() => access.connect(port));
    this.#process = new LineProcess('redis-server', [file, '--sentinel']);
    this.#process.child.stdout.on('data', (text: string) => {
      this.log += text;
    });
  }

  /** The port of the primary that it names. */
  async primary(): Promise<number> {
    const reply = await this.#line.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
    if (!Array.isArray(reply)) throw new Error(`a Sentinel answers ${reply}`);
    return Number(reply[1]);
  }

  /** Returns its view of the primary: `status=ok,address=…,slaves=2,sentinels=3`. */
  async view(): Promise<string> {
    return fieldsOf(await this.#line.ask('INFO', 'sentinel')).get('master0') ?? '';
  }

  kill(): Promise<unknown> {
    this.#line.close();
    return this.#process.kill();
  }
}

/** The servers and their Sentinels. */
export class Cluster {
  readonly servers: readonly Server[];
  readonly sentinels: readonly Sentinel[];
  readonly #access: Access;
  readonly #directory: string;

  /** Resolves when all are connected, and the Sentinels know each other and both replicas. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const servers: Server[] = [];
    const access = accessOf(options);
    const directory = mkdtempSync(join(tmpdir(), 'fastcache-failover-'));
    for (let count = 0; count < 3; count += 1) {
      const server = new Server(await freePort(), options, directory);
      await server.start(servers[0]?.port);
      servers.push(server);
    }
    const sentinels: Sentinel[] = [];
    for (let count = 0; count < 3; count += 1) {
      const port = await freePort();
      const file = join(directory, `${port}.conf`);
      writeFileSync(
        file,
        [
          `dir ${directory}`,
          `sentinel monitor ${NAME} 127.0.0.1 ${servers[0]!.port} ${QUORUM}`,
          `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
          `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
          ...access.sentinelLines(port, NAME),
        ].join('\n'),
      );
      sentinels.push(new Sentinel(port, file, access));
    }
    for (const server of servers) server.sentinels = sentinels.map(({ port }) => port);
    const cluster = new Cluster(access, servers, sentinels, directory);
    await cluster.isSettled(servers[0]!);
    return cluster;
  }

  private constructor(
    access: Access,
    servers: readonly Server[],
    sentinels: readonly Sentinel[],
    directory: string,
  ) {
    this.#access = access;
    this.servers = servers;
    this.sentinels = sentinels;
    this.#directory = directory;
  }

  /** Opens a connection of a client to a server or a Sentinel. Throws when nobody listens. */
  connect(port: number): Promise<RespClient> {
    return this.#access.connect(port);
  }

  /** The server that the Sentinels name; rejects while they do not agree. */
  async primary(): Promise<Server> {
    const ports = await Promise.all(this.sentinels.map((sentinel) => sentinel.primary()));
    const [port] = ports;
    if (ports.some((other) => other !== port)) throw new Error(`the Sentinels name ${ports.join(', ')}`);
    return this.servers.find((server) => server.port === port)!;
  }

  /** Resolves when the Sentinels name another server than `old`. */
  async successor(old: Server): Promise<Server> {
    const found = await eventually(
      () => this.primary().catch(() => old),
      (primary) => primary !== old,
    );
    return found;
  }

  othersThan(...some: readonly Server[]): Server[] {
    return this.servers.filter((server) => !some.includes(server));
  }

  /** Resolves when `primary` leads, both others follow it, and the Sentinels see no more and no less. */
  async isSettled(primary: Server): Promise<void> {
    const wanted = `status=ok,address=127.0.0.1:${primary.port},slaves=2,sentinels=3`;
    await eventually(
      () => Promise.all(this.sentinels.map((sentinel) => sentinel.view().catch(() => ''))),
      (views) => views.every((view) => view.endsWith(wanted)),
    );
    await Promise.all(this.othersThan(primary).map((server) => isReplicaOf(server, primary)));
  }

  /** Resolves with the digest that all three have of these keys, when nothing is written any more. */
  async digest(keys: readonly string[]): Promise<string> {
    const digests = await eventually(
      () => Promise.all(this.servers.map(({ port }) => this.#digestAt(port, keys))),
      ([one, ...others]) => others.every((other) => other === one),
    );
    return digests[0]!;
  }

  /** Lines of the Sentinels' logs that no failover should have. */
  complaints(): string[] {
    const lines = this.sentinels.flatMap(({ log }) => log.split('\n'));
    return lines.filter((line) => /\+fix-slave-config|-failover-abort/.test(line));
  }

  async #digestAt(port: number, keys: readonly string[]): Promise<string> {
    const client = await this.connect(port);
    try {
      return await digestBy(client, keys);
    } finally {
      client.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.kill()));
    await Promise.all(this.servers.map((server) => server.kill()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Resolves when the server follows that primary, on a link that is up. */
export async function isReplicaOf(server: Server, primary: Server): Promise<void> {
  await eventually(
    async () => {
      const info = await server.info().catch(() => new Map<string, string>());
      return [info.get('master_port'), info.get('master_link_status')].join();
    },
    (link) => link === `${primary.port},up`,
  );
}

function fieldsOf(info: Reply): Map<string, string> {
  const pairs = String(info)
    .split('\r\n')
    .map((line) => line.split(/:(.*)/, 2) as [string, string]);
  return new Map(pairs);
}

function accessOf({ isByTls = false }: ClusterOptions): Access {
  return isByTls ? byTls : inTheClear;
}

/**
 * Three servers, of fastcache or of Redis, under three stock Sentinels: each a process with a port that it
 * keeps over its lives.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servedDigest } from '../support/content.js';
import { eventually, FastcacheProcess, freePort, LineProcess } from '../support/processes.js';
import { type Reply, RespClient } from '../support/resp-client.js';

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
}

/** One command on a connection of its own. Throws when nobody listens, or when it closes. */
async function ask(port: number, ...args: string[]): Promise<Reply> {
  const client = await RespClient.connect(`127.0.0.1:${port}`);
  try {
    return await client.command(...args);
  } finally {
    client.close();
  }
}

/** A server; it is started again on its port, empty, as a primary or as a replica. */
export class Server {
  readonly port: number;
  /** The ports of the Sentinels, once there are any. */
  sentinels: readonly number[] = [];
  readonly #options: ClusterOptions;
  readonly #directory: string;
  #process: LineProcess | undefined;

  constructor(port: number, options: ClusterOptions, directory: string) {
    this.port = port;
    this.#options = options;
    this.#directory = directory;
  }

  /** Resolves when it listens; `primary` is the port of the one that it follows. */
  async start(primary?: number): Promise<void> {
    this.#process = this.#options.kind === 'redis' ? this.#redis(primary) : this.#fastcache(primary);
    await eventually(
      () => ask(this.port, 'PING').catch(() => 'not yet'),
      (reply) => reply !== 'not yet',
    );
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal);
    this.#process = undefined;
  }

  /** Halts the process, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.child.kill(signal);
  }

  ask(...args: string[]): Promise<Reply> {
    return ask(this.port, ...args);
  }

  /** The fields of INFO, of all sections. */
  async info(): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.ask('INFO'));
  }

  #fastcache(primary: number | undefined): LineProcess {
    const { minReplicas = 0, remembersRoles = false } = this.#options;
    if (remembersRoles) return new FastcacheProcess(['serve', ...this.#remembering(primary)]);
    const begin = primary === undefined ? ['primary', 'start', '--bind', ':0'] : ['replica', 'follow'];
    return new FastcacheProcess([
      ...begin,
      ...(primary === undefined ? [] : [`127.0.0.1:${primary}`]),
      ...['--listen', `127.0.0.1:${this.port}`],
      ...['--min-replicas', String(minReplicas), '--min-replicas-max-lag', '3'],
    ]);
  }

  #remembering(primary: number | undefined): string[] {
    const { minReplicas = 0 } = this.#options;
    const sentinels = this.sentinels.map((port) => `127.0.0.1:${port}`).join();
    return [
      ...(primary === undefined ? [] : ['--replicaof', `127.0.0.1:${primary}`]),
      ...['--listen', `127.0.0.1:${this.port}`],
      ...['--min-replicas', String(minReplicas), '--min-replicas-max-lag', '3'],
      ...['--role-file', join(this.#directory, `${this.port}.role`)],
      ...(sentinels === '' ? [] : ['--sentinels', sentinels, '--sentinel-name', NAME]),
    ];
  }

  #redis(primary: number | undefined): LineProcess {
    const { minReplicas = 0 } = this.#options;
    return new LineProcess('redis-server', [
      ...['--port', String(this.port), '--save', '', '--appendonly', 'no', '--dir', tmpdir()],
      ...['--dbfilename', `failover-${this.port}.rdb`, '--rdb-del-sync-files', 'yes'],
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

  constructor(port: number, file: string) {
    this.port = port;
    this.#process = new LineProcess('redis-server', [file, '--sentinel']);
    this.#process.child.stdout.on('data', (text: string) => {
      this.log += text;
    });
  }

  /** The port of the primary that it names. */
  async primary(): Promise<number> {
    const reply = await ask(this.port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
    if (!Array.isArray(reply)) throw new Error(`a Sentinel answers ${reply}`);
    return Number(reply[1]);
  }

  /** What it knows of the primary: `status=ok,address=…,slaves=2,sentinels=3`. */
  async view(): Promise<string> {
    return fieldsOf(await ask(this.port, 'INFO', 'sentinel')).get('master0') ?? '';
  }

  kill(): Promise<unknown> {
    return this.#process.kill();
  }
}

/** The servers and their Sentinels. */
export class Cluster {
  readonly servers: readonly Server[];
  readonly sentinels: readonly Sentinel[];
  readonly kind: ServerKind;
  readonly #directory: string;

  /** Resolves when all are connected, and the Sentinels know each other and both replicas. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const servers: Server[] = [];
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
          `port ${port}`,
          `dir ${directory}`,
          `sentinel monitor ${NAME} 127.0.0.1 ${servers[0]!.port} ${QUORUM}`,
          `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
          `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
        ].join('\n'),
      );
      sentinels.push(new Sentinel(port, file));
    }
    for (const server of servers) server.sentinels = sentinels.map(({ port }) => port);
    const cluster = new Cluster(options.kind, servers, sentinels, directory);
    await cluster.isSettled(servers[0]!);
    return cluster;
  }

  private constructor(
    kind: ServerKind,
    servers: readonly Server[],
    sentinels: readonly Sentinel[],
    directory: string,
  ) {
    this.kind = kind;
    this.servers = servers;
    this.sentinels = sentinels;
    this.#directory = directory;
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
      () => Promise.all(this.servers.map(({ port }) => servedDigest(`127.0.0.1:${port}`, keys))),
      ([one, ...others]) => others.every((other) => other === one),
    );
    return digests[0]!;
  }

  /** Lines of the Sentinels' logs that no failover should have. */
  complaints(): string[] {
    const lines = this.sentinels.flatMap(({ log }) => log.split('\n'));
    return lines.filter((line) => /\+fix-slave-config|-failover-abort/.test(line));
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

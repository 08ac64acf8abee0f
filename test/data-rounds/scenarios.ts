/** Scenarios of servers with data directories under load; each returns its measurements. */
import { rmSync } from 'node:fs';
import { servedDigest } from '../support/content.js';
import { eventually } from '../support/processes.js';
import { Load, type Losses, pause } from './load.js';
import { DataServer } from './server.js';

/** A server is killed between these times of load, milliseconds. */
const LIFE_MIN_MS = 100;
const LIFE_REST_MS = 500;
/** How long a chain is under load before each restart, milliseconds. */
const BEFORE_RESTART_MS = 300;
/** Values that lie still, so that a base takes its time. */
const BALLAST_KEYS = 8_000;
const BALLAST_BYTES = 1_024;

export type Fsync = 'always' | 'everysec';

/** The measurements of a kill -9. */
export interface Kill extends Losses {
  /** From the start to the first answer, milliseconds. */
  readonly startMs: number;
  /** Whether a base was being made at the kill. */
  readonly isInBase: boolean;
  /** Whether a segment was torn. */
  readonly isTorn: boolean;
}

/** A server that is killed under load, and started again with the same line. */
export class KilledServer {
  readonly #server: DataServer;
  readonly #load: Load;

  static async start(directory: string, fsync: Fsync): Promise<KilledServer> {
    const server = await DataServer.place({
      directory,
      flags: ['--fsync', fsync, '--data-segment', '1mb', '--data-base', '4mb'],
    });
    await server.start();
    await fillBallast(server);
    return new KilledServer(server);
  }

  private constructor(server: DataServer) {
    this.#server = server;
    this.#load = new Load(server);
  }

  /** `random`: from 0 to 1, the moment. `hasBase`: a base is begun shortly before. */
  async kill(random: number, hasBase: boolean): Promise<Kill> {
    const server = this.#server;
    this.#load.start();
    await pause(LIFE_MIN_MS + random * LIFE_REST_MS);
    if (hasBase) {
      await server.ask('BGSAVE');
      await pause(random * 100);
    }
    const isInBase = hasBase && (await server.field('rdb_bgsave_in_progress')) === '1';
    const killedMs = performance.now();
    await server.end('SIGKILL');
    await this.#load.stop();
    const startedMs = performance.now();
    await server.start();
    const startMs = performance.now() - startedMs;
    const isTorn = server.output.includes('ended in a tear');
    const losses = await this.#load.losses(killedMs);
    const ballast = Number(await server.ask('STRLEN', `ballast:${BALLAST_KEYS - 1}`));
    if (ballast !== BALLAST_BYTES) throw new Error(`of the ballast there is ${ballast}`);
    return { ...losses, startMs, isInBase, isTorn };
  }

  close(): Promise<void> {
    return this.#server.stop();
  }
}

async function fillBallast(server: DataServer): Promise<void> {
  const client = await server.connect();
  for (let from = 0; from < BALLAST_KEYS; from += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, index) => `ballast:${from + index}`);
    const replies = await client.pipeline(keys.map((key) => ['SET', key, 'b'.repeat(BALLAST_BYTES)]));
    if (replies.some((reply) => reply !== '+OK')) throw new Error(`the ballast is answered ${replies}`);
  }
  // A kill that comes soon would take what the disk, which is busy with sealing, has not got yet.
  await client.command('WAITAOF', '1', '0', '0');
  client.close();
}

/** The measurements of restarts of all servers of a chain. */
export interface Turn extends Losses {
  /** Snapshots that were sent by any server. */
  readonly snapshots: number;
  /** Whether all three hold the same. */
  readonly isEqual: boolean;
  /** The longest time without an acknowledged write, milliseconds. */
  readonly pauseMs: number;
}

/** A primary, a relay and a leaf, each with a directory, under load. */
export class Chain {
  /** From the primary on. */
  readonly #servers: readonly DataServer[];
  readonly #load: Load;

  static async start(directory: string, fsync: Fsync): Promise<Chain> {
    const flags = ['--fsync', fsync, '--data-segment', '1mb', '--reconnect-backoff-ms', '50'];
    const servers: DataServer[] = [];
    for (const name of ['primary', 'relay', 'leaf']) {
      const [primary] = servers.slice(-1);
      const follows = primary === undefined ? {} : { primary };
      const server = await DataServer.place({ directory: `${directory}/${name}`, flags, ...follows });
      await server.start();
      servers.push(server);
    }
    const chain = new Chain(servers);
    await chain.#areLinked();
    return chain;
  }

  private constructor(servers: readonly DataServer[]) {
    this.#servers = servers;
    this.#load = new Load(servers[0]!, { writers: 4, pauseMs: 2 });
  }

  /** Restarts each in turn under load. With SIGKILL a snapshot may be needed, and is counted. */
  async turn(signal: 'SIGTERM' | 'SIGKILL'): Promise<Turn> {
    this.#load.start();
    let snapshots = -(await this.#snapshots());
    for (const server of this.#servers) {
      await pause(BEFORE_RESTART_MS);
      // Of the life that ends; the next one counts from 0.
      snapshots += Number(await server.field('sync_full'));
      if (signal === 'SIGTERM') await server.stop();
      else await server.end(signal);
      await server.start();
      await this.#areLinked();
    }
    await pause(BEFORE_RESTART_MS);
    snapshots += await this.#snapshots();
    const pauseMs = this.#load.longestPauseMs;
    await this.#load.stop();
    const losses = await this.#load.losses();
    return { ...losses, snapshots, isEqual: await this.#isEqual(), pauseMs };
  }

  async close(): Promise<void> {
    for (const server of this.#servers.toReversed()) await server.stop();
  }

  async #snapshots(): Promise<number> {
    const counts = await Promise.all(this.#servers.map((server) => server.field('sync_full')));
    return counts.reduce((sum, count) => sum + Number(count), 0);
  }

  async #areLinked(): Promise<void> {
    for (const server of this.#servers.slice(1)) {
      await eventually(
        () => server.field('master_link_status'),
        (status) => status === 'up',
      );
    }
  }

  async #isEqual(): Promise<boolean> {
    const { keys } = this.#load;
    const digests = await eventually(
      () => Promise.all(this.#servers.map(({ address }) => servedDigest(address, keys))),
      ([one, ...others]) => others.every((other) => other === one),
    );
    return new Set(digests).size === 1;
  }
}

/** Removes the directory of a scenario that has passed. */
export function discard(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

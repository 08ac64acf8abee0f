/** Scenarios of a cluster under Sentinels, one a function; each returns its measurements. */
import { eventually } from '../support/processes.js';
import { type Cluster, isReplicaOf, type Server } from './cluster.js';
import type { Losses, Writers } from './writers.js';

/** How long writers run before a fault, and behind the failover, milliseconds. */
const BEFORE_MS = 1_000;
const AFTER_MS = 500;
const HALT_MS = 6_000;
/** Sentinels say every 2 s who is primary, to a server that they have found. */
const SENTINELS_FOUND_MS = 4_000;
/** Writes that a primary has acknowledged before its halt have arrived behind this. */
const ON_ITS_WAY_MS = 200;
const WITNESSES = 4;

/** The measurements of a failover. */
export interface Failover extends Losses {
  /** From the fault to the first write that the new primary acknowledged, milliseconds. */
  readonly firstWriteMs: number;
  /** Snapshots that the new primary has given by the time that the other replica follows it. */
  readonly snapshots: number;
  /** From its new start to the old primary's being a replica whose link is up, milliseconds. */
  readonly backMs: number;
}

/** The primary is killed under load; later it is started again, empty, as a primary. */
export async function killPrimary(cluster: Cluster, writers: Writers): Promise<Failover> {
  const old = await cluster.primary();
  writers.start();
  await pause(BEFORE_MS);
  const killedMs = performance.now();
  await old.kill();
  const { next, firstWriteMs } = await takenOver(cluster, writers, old, killedMs);
  const [other] = cluster.othersThan(old, next) as [Server];
  await isReplicaOf(other, next);
  const snapshots = Number((await next.info()).get('sync_full'));
  await pause(AFTER_MS);
  const startedMs = performance.now();
  await old.start();
  await isReplicaOf(old, next);
  const backMs = performance.now() - startedMs;
  const losses = await settledLosses(cluster, writers, next);
  return { firstWriteMs, snapshots, backMs, ...losses };
}

/** A replica is killed while another catches up, then the primary; both are started again. */
export async function killReplicaThenPrimary(cluster: Cluster, writers: Writers): Promise<Failover> {
  const old = await cluster.primary();
  const [one, other] = cluster.othersThan(old) as [Server, Server];
  writers.start();
  await pause(BEFORE_MS);
  await one.kill();
  await one.start(old.port);
  await one.kill();
  const killedMs = performance.now();
  await old.kill();
  const { next, firstWriteMs } = await takenOver(cluster, writers, old, killedMs);
  if (next !== other) throw new Error('a replica is promoted that was down');
  await one.start(next.port);
  await isReplicaOf(one, next);
  const startedMs = performance.now();
  await old.start();
  await isReplicaOf(old, next);
  const backMs = performance.now() - startedMs;
  const losses = await settledLosses(cluster, writers, next);
  return { firstWriteMs, snapshots: 0, backMs, ...losses };
}

/** The measurements of a planned change of primaries. */
export interface HandOver extends Losses {
  /** The longest time around it in which no write was acknowledged, milliseconds. */
  readonly pauseMs: number;
  /** From FAILOVER until all Sentinels name the new primary, milliseconds. */
  readonly namedMs: number;
  /** 1: the Sentinels have promoted another one than FAILOVER had named. */
  readonly astray: number;
  /** Snapshots that any of the three has given until all was settled. */
  readonly snapshots: number;
}

/** The primary is asked to hand over to a replica, under load. */
export async function handOver(cluster: Cluster, writers: Writers): Promise<HandOver> {
  const old = await cluster.primary();
  const [heir] = cluster.othersThan(old) as [Server, Server];
  const snapshotsBefore = await snapshotsOf(cluster);
  await pause(SENTINELS_FOUND_MS);
  writers.start();
  await pause(BEFORE_MS);
  writers.watchPauses();
  const askedMs = performance.now();
  const reply = await old.ask('FAILOVER', 'TO', '127.0.0.1', String(heir.port), 'TIMEOUT', '5000');
  if (reply !== '+OK') throw new Error(`FAILOVER is answered ${reply}`);
  const next = await cluster.successor(old);
  const namedMs = performance.now() - askedMs;
  await eventually(
    () => writers.firstBy(next.port, askedMs),
    (first) => first !== undefined,
  );
  await pause(AFTER_MS);
  const pauseMs = writers.longestPauseMs;
  for (const server of cluster.othersThan(next)) await isReplicaOf(server, next);
  const losses = await settledLosses(cluster, writers, next);
  return {
    pauseMs,
    namedMs,
    astray: next === heir ? 0 : 1,
    snapshots: (await snapshotsOf(cluster)) - snapshotsBefore,
    ...losses,
  };
}

async function snapshotsOf({ servers }: Cluster): Promise<number> {
  const infos = await Promise.all(servers.map((server) => server.info()));
  return infos.reduce((sum, info) => sum + Number(info.get('sync_full')), 0);
}

/** The measurements of a primary that was halted. */
export interface Halt {
  /** Writes that the halted primary acknowledged from its halt on, on connections that it had. */
  readonly acknowledgedLate: number;
  readonly losses: Losses;
}

/** The primary is halted for six seconds, while clients go on sending on connections that they have. */
export async function haltPrimary(cluster: Cluster, writers: Writers): Promise<Halt> {
  const old = await cluster.primary();
  writers.start();
  // They stay with the primary, each with a write under way, and take whatever it answers.
  const witnesses = await Promise.all(Array.from({ length: WITNESSES }, () => cluster.connect(old.port)));
  let isHalted = false;
  let acknowledgedLate = 0;
  const heard = witnesses.map(async (witness) => {
    for (;;) {
      const reply = await witness.command('SET', 'witness', 'value');
      if (isHalted && reply === '+OK') acknowledgedLate += 1;
      await pause(1);
    }
  });
  const ended = Promise.allSettled(heard);
  await pause(BEFORE_MS);
  old.signal('SIGSTOP');
  await pause(ON_ITS_WAY_MS);
  isHalted = true;
  await pause(HALT_MS);
  old.signal('SIGCONT');
  const next = await cluster.successor(old);
  await isReplicaOf(old, next);
  for (const witness of witnesses) witness.close();
  await ended;
  return { acknowledgedLate, losses: await settledLosses(cluster, writers, next) };
}

/** The primary is killed and started again, empty, before the Sentinels notice. */
export async function restartEmpty(cluster: Cluster, writers: Writers): Promise<{ lostKeys: number }> {
  const primary = await cluster.primary();
  writers.start();
  await pause(BEFORE_MS);
  await writers.stop();
  const replicas = cluster.othersThan(primary);
  const keysOf = () => Promise.all(replicas.map(async (server) => Number(await server.ask('DBSIZE'))));
  await cluster.digest(writers.keys);
  const before = await keysOf();
  await primary.kill();
  await primary.start();
  let least = before;
  for (const endMs = performance.now() + 2 * HALT_MS; performance.now() < endMs; ) {
    const now = await keysOf();
    least = least.map((count, index) => Math.min(count, now[index]!));
    await pause(200);
  }
  return { lostKeys: before.reduce((sum, count, index) => sum + count - least[index]!, 0) };
}

/**
 * The primary, which remembers its role, is killed and started again, empty, before the Sentinels notice:
 * they replace it, and it follows.
 */
export async function restartRemembering(cluster: Cluster, writers: Writers): Promise<Failover> {
  const old = await cluster.primary();
  writers.start();
  await pause(BEFORE_MS);
  const killedMs = performance.now();
  await old.kill();
  await old.start();
  const { next, firstWriteMs } = await takenOver(cluster, writers, old, killedMs);
  await isReplicaOf(old, next);
  const backMs = performance.now() - killedMs;
  const snapshots = Number((await next.info()).get('sync_full'));
  const losses = await settledLosses(cluster, writers, next);
  return { firstWriteMs, snapshots, backMs, ...losses };
}

/** Every link of replicas is cut, so many times; returns what the Sentinels see behind that. */
export async function cutLinks(cluster: Cluster, times: number): Promise<string[]> {
  const primary = await cluster.primary();
  for (let cut = 0; cut < times; cut += 1) {
    const [replica, other] = cluster.othersThan(primary) as [Server, Server];
    const one = cut % 2 === 0 ? replica : other;
    // A replica that is asked to follow another address, and then its own primary again, comes on a new port.
    await one.ask('REPLICAOF', '127.0.0.1', '1');
    await one.ask('REPLICAOF', '127.0.0.1', String(primary.port));
    await isReplicaOf(one, primary);
  }
  await cluster.isSettled(primary);
  return Promise.all(cluster.sentinels.map((sentinel) => sentinel.view()));
}

async function takenOver(cluster: Cluster, writers: Writers, old: Server, faultMs: number) {
  const next = await cluster.successor(old);
  const atMs = await eventually(
    () => writers.firstBy(next.port, faultMs),
    (first) => first !== undefined,
  );
  return { next, firstWriteMs: atMs! - faultMs };
}

/** Stops the writers, waits until all is settled and equal, and counts what is lost. */
async function settledLosses(cluster: Cluster, writers: Writers, primary: Server): Promise<Losses> {
  await writers.stop();
  await cluster.isSettled(primary);
  await cluster.digest(writers.keys);
  return writers.losses(primary.port);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * The time until a write is everywhere, ours and redis-server side by side: from a SET's acknowledgement until
 * the replica shows it, and SET with `WAIT 1`. The poll of the replica is one round trip, so that shorter lags
 * cannot be seen. The two take turns.
 */
import { performance } from 'node:perf_hooks';
import { RespClient, respCommand } from '../support/resp-client.js';
import { type Rival, startFastcache, startRedis } from './rivals.js';
import { median } from './statistics.js';

/** Milliseconds between two writes whose visibility is measured. */
const WRITE_PAUSE_MS = 1;
const WAITING_CLIENTS = 8;

/** How much is measured. */
export interface LagBenchOptions {
  rounds: number;
  /** The share of the usual number of writes, for a smoke run. */
  scale: number;
}

/** One server's figures: medians of the rounds. */
export interface LagFigures {
  /** From the acknowledgement of a SET until the replica shows it, microseconds. */
  visibleP50Us: number;
  visibleP99Us: number;
  /** A SET and a WAIT 1 of one client, one after the other, milliseconds. */
  waitP50Ms: number;
  /** SET and WAIT 1 a second, of eight clients. */
  waitsPerSecond: number;
}

/** Returns the figures of both. */
export async function benchLag({
  rounds,
  scale,
}: LagBenchOptions): Promise<Record<Rival['name'], LagFigures>> {
  const rivals = [await startFastcache(), await startRedis()];
  const measured = new Map<Rival, LagFigures[]>(rivals.map((rival) => [rival, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const rival of rivals) measured.get(rival)!.push(await measure(rival, scale));
    }
  } finally {
    for (const rival of rivals) await rival.stop();
  }
  const [fastcache, redis] = rivals.map((rival) => medians(measured.get(rival)!));
  return { fastcache: fastcache!, redis: redis! };
}

async function measure(rival: Rival, scale: number): Promise<LagFigures> {
  const visibleUs = await measureVisibility(rival, Math.max(50, Math.round(2_000 * scale)));
  const waitsMs = await measureWaits(rival, 1, Math.max(50, Math.round(2_000 * scale)));
  const startedMs = performance.now();
  const crowd = await measureWaits(rival, WAITING_CLIENTS, Math.max(50, Math.round(1_000 * scale)));
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    visibleP50Us: quantile(visibleUs, 0.5),
    visibleP99Us: quantile(visibleUs, 0.99),
    waitP50Ms: quantile(waitsMs, 0.5),
    waitsPerSecond: crowd.length / seconds,
  };
}

/** Returns, for each of `writes`, the microseconds from its acknowledgement until the replica showed it. */
async function measureVisibility({ primaryPort, replicaPort }: Rival, writes: number): Promise<number[]> {
  const writer = await RespClient.connect(`127.0.0.1:${primaryPort}`);
  const reader = await RespClient.connect(`127.0.0.1:${replicaPort}`);
  const get = respCommand('GET', 'bench:visible');
  const lags: number[] = [];
  for (let write = 1; write <= writes; write++) {
    writer.write(respCommand('SET', 'bench:visible', String(write)));
    let acknowledgedMs: number | undefined;
    const acknowledged = writer.reply().then(() => {
      acknowledgedMs = performance.now();
    });
    for (;;) {
      reader.write(get);
      const seen = Number(await reader.reply());
      if (seen < write) continue;
      const seenMs = performance.now();
      await acknowledged;
      lags.push(Math.max(0, seenMs - acknowledgedMs!) * 1000);
      break;
    }
    await pause();
  }
  writer.socket.destroy();
  reader.socket.destroy();
  return lags;
}

/** Returns the milliseconds of each SET and WAIT 1, of so many clients at a time. */
async function measureWaits({ primaryPort }: Rival, clients: number, writes: number): Promise<number[]> {
  const times: number[] = [];
  const run = async (client: number) => {
    const connection = await RespClient.connect(`127.0.0.1:${primaryPort}`);
    for (let write = 0; write < writes; write++) {
      const startedMs = performance.now();
      connection.write(respCommand('SET', `bench:wait:${client}`, String(write)));
      connection.write(respCommand('WAIT', '1', '5000'));
      await connection.reply();
      if ((await connection.reply()) !== 1) throw new Error('a replica should have acknowledged');
      times.push(performance.now() - startedMs);
    }
    connection.socket.destroy();
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return times;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, WRITE_PAUSE_MS));
}

function medians(rounds: readonly LagFigures[]): LagFigures {
  const of = (name: keyof LagFigures) => median(rounds.map((figures) => figures[name]));
  return {
    visibleP50Us: of('visibleP50Us'),
    visibleP99Us: of('visibleP99Us'),
    waitP50Ms: of('waitP50Ms'),
    waitsPerSecond: of('waitsPerSecond'),
  };
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]!;
}

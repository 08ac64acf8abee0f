/**
 * A primary and a replica, both processes of ours, are killed at random moments under write load and started
 * again. They converge every time, and a reader on the replica never sees part of a snapshot.
 *
 * The invariants that the reader watches. Before a replica can reach a new primary, all static keys are
 * written there with that primary's generation: so whatever a replica shows is none of them or all, of one
 * generation, which never falls. And the two keys of a pair, which lie in one shard, are counted up all the
 * time, the first before the second: at every moment of the primary they are equal or the first is one ahead.
 * Entries of a snapshot that were scanned at different moments, and shown before the writes in between are
 * applied, would tell.
 */
import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import { servedDigest } from '../support/content.js';
import { digestOf, type Entry } from '../support/digest.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { type Reply, RespClient } from '../support/resp-client.js';
import { Wiretap } from '../support/wiretap.js';
import { mulberry32, Workload } from '../support/workload.js';

const ROUNDS = 20;
const SEED = 20_261_123;
const STATIC_KEYS = Array.from({ length: 200 }, (_, index) => `static:${index}`);
/** So that a snapshot takes its time, in many chunks. */
const BALLAST = Array.from(
  { length: 800 },
  (_, index): Entry => [Buffer.from(`ballast:${index}`), Buffer.alloc(4_096, `${index} `)],
);
const LIFE_MAX_MS = 600;
/** Slower than the wire, so that a replica catches up. */
const WRITE_PAUSE_MS = 4;
const SHARDS = 4;
const PAIRS = Array.from({ length: 16 }, (_, index) => pairOf(`pair:${index}`)).flat();

/** Two keys of one shard (docs/protocol.md, "Routing"). */
function pairOf(first: string): [string, string] {
  const shardOf = (key: string) => BigInt.asUintN(64, xxh3.xxh64(key) << 7n) / (2n ** 64n / BigInt(SHARDS));
  for (let index = 0; ; index++) {
    const second = `${first}:${index}`;
    if (shardOf(second) === shardOf(first)) return [first, second];
  }
}

function past(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One life of the primary: its generation, its static keys, and writes without end. */
class Writer {
  readonly workload: Workload;
  readonly #address: string;
  readonly #generation: string;
  readonly #client: RespClient;
  #count = 0;
  #stops = false;
  #done: Promise<void> = Promise.resolve();

  private constructor(client: RespClient, address: string, generation: string) {
    this.#client = client;
    this.#address = address;
    this.#generation = generation;
    this.workload = new Workload({ keys: 10_000, valueBytes: 200, seed: Number(generation) });
  }

  static async start(address: string, generation: string): Promise<Writer> {
    const writer = new Writer(await RespClient.connect(address), address, generation);
    await writer.#client.command('MSET', ...STATIC_KEYS.flatMap((key) => [key, generation]));
    for (let at = 0; at < BALLAST.length; at += 200) {
      await writer.#client.command('MSET', ...BALLAST.slice(at, at + 200).flat());
    }
    await writer.#countPairs(writer.#client);
    await writer.workload.write(writer.#client, 10_000);
    writer.resume();
    return writer;
  }

  /** Resolves when all that was sent is answered, or the primary is dead. */
  async stop(): Promise<void> {
    this.#stops = true;
    await this.#done;
  }

  resume(): void {
    this.#stops = false;
    this.#done = untilKilled(() => this.#goOn());
  }

  close(): void {
    this.#client.close();
  }

  keys(): string[] {
    return [...STATIC_KEYS, ...PAIRS, ...BALLAST.map(([key]) => key.toString()), ...this.workload.keys()];
  }

  /** To be called once it has stopped, while the primary lives. */
  digest(): string {
    const statics = STATIC_KEYS.map((key): Entry => [Buffer.from(key), Buffer.from(this.#generation)]);
    const pairs = PAIRS.map((key): Entry => [Buffer.from(key), Buffer.from(String(this.#count))]);
    return digestOf([...statics, ...pairs, ...BALLAST, ...this.workload.entries()]);
  }

  async #countPairs(client: RespClient): Promise<void> {
    this.#count += 1;
    const replies = await client.pipeline(PAIRS.map((key) => ['SET', key, String(this.#count)]));
    expect(new Set(replies)).toEqual(new Set(['+OK']));
  }

  async #goOn(): Promise<void> {
    const counter = await RespClient.connect(this.#address);
    await Promise.all([
      untilKilled(async () => {
        while (!this.#stops) await this.workload.write(this.#client, 500, () => past(WRITE_PAUSE_MS));
      }),
      untilKilled(async () => {
        while (!this.#stops) await this.#countPairs(counter);
      }),
    ]);
    counter.close();
  }
}

/** Awaits work, which also counts as done when it ends with the primary. */
async function untilKilled(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!/^Error: closed/.test(String(error))) throw error;
  }
}

/** Returns whether a reply is the one that a replica gives until its first content is whole. */
function isLoading(reply: Reply | undefined): boolean {
  return typeof reply === 'string' && reply.startsWith('-LOADING ');
}

/** Reads the static keys and the pairs over and over, through every death of the replica. */
class Reader {
  readonly faults: string[] = [];
  /** Looks taken while the replica was loading a snapshot, and while it had content. */
  duringSnapshot = 0;
  withContent = 0;
  readonly #address: string;
  #generation = 0;
  #stops = false;
  readonly #done: Promise<void>;

  constructor(address: string) {
    this.#address = address;
    this.#done = this.#readOn();
  }

  async stop(): Promise<void> {
    this.#stops = true;
    await this.#done;
  }

  async #readOn(): Promise<void> {
    while (!this.#stops) {
      let client: RespClient | undefined;
      try {
        client = await RespClient.connect(this.#address);
        await this.#readLife(client);
      } catch {
        // The replica is dead; its next life is empty at first.
        await past(5);
      } finally {
        client?.close();
      }
    }
  }

  async #readLife(client: RespClient): Promise<void> {
    let hasContent = false;
    while (!this.#stops) {
      const [statics, pairs, keys, info] = await client.pipeline([
        ['MGET', ...STATIC_KEYS],
        ['MGET', ...PAIRS],
        ['DBSIZE'],
        ['INFO', 'replication'],
      ]);
      if (String(info).includes('master_sync_in_progress:1')) this.duringSnapshot += 1;
      if (isLoading(pairs)) {
        if (hasContent) this.faults.push('loading, after content');
        continue;
      }
      const counts = (pairs as (Buffer | null)[]).map(Number);
      for (let at = 0; at < counts.length; at += 2) {
        const ahead = counts[at]! - counts[at + 1]!;
        if (ahead !== 0 && ahead !== 1) this.faults.push(`a pair counts ${counts[at]} and ${counts[at + 1]}`);
      }
      const generations = new Set((statics as (Buffer | null)[]).map(String));
      const [generation] = generations;
      if (generations.size !== 1) {
        this.faults.push(`static keys of ${generations.size} generations: ${[...generations]}`);
      } else if (generation === 'null') {
        this.faults.push(`no static keys, of ${keys}`);
      } else {
        hasContent = true;
        this.withContent += 1;
        if (Number(generation) < this.#generation)
          this.faults.push(`${generation} after ${this.#generation}`);
        this.#generation = Number(generation);
        if ((keys as number) < STATIC_KEYS.length) this.faults.push(`only ${keys} keys`);
      }
    }
  }
}

it(`a primary and a replica killed ${ROUNDS} times at random (seed ${SEED}) converge, and show nothing half applied`, async () => {
  const random = mulberry32(SEED);
  const [bind, listen, replicaListen] = [await freePort(), await freePort(), await freePort()].map(
    (port) => `127.0.0.1:${port}`,
  ) as [string, string, string];
  const startPrimary = async () => {
    const process = new FastcacheProcess([
      ...['primary', 'start', '--fresh', '--bind', bind, '--listen', listen],
      ...['--shards', String(SHARDS), '--snapshot-chunk', '4kb', '--backlog', '1mb'],
    ]);
    await process.event('ready');
    return process;
  };
  const tap = await Wiretap.start(bind, { pieceBytes: 32_768 });
  const startReplica = async () => {
    const process = new FastcacheProcess([
      ...['replica', 'follow', tap.address, '--listen', replicaListen],
      ...['--reconnect-backoff-ms', '10'],
    ]);
    await process.event('ready');
    return process;
  };

  let generation = 1;
  let primary = await startPrimary();
  let writer = await Writer.start(listen, String(generation));
  let replica = await startReplica();
  const reader = new Reader(replicaListen);
  const killed = { primary: 0, replica: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await past(random() * LIFE_MAX_MS);
    if (random() < 0.5) {
      killed.primary += 1;
      tap.isOpen = false;
      await primary.kill();
      await writer.stop();
      writer.close();
      generation += 1;
      primary = await startPrimary();
      writer = await Writer.start(listen, String(generation));
      tap.isOpen = true;
    } else {
      killed.replica += 1;
      await replica.kill();
      replica = await startReplica();
    }
    if (round % 5 === 4) await converge();
  }
  await reader.stop();
  expect(reader.faults).toEqual([]);
  expect(reader.duringSnapshot).toBeGreaterThan(0);
  expect(reader.withContent).toBeGreaterThan(100);
  expect(killed.primary).toBeGreaterThan(4);
  expect(killed.replica).toBeGreaterThan(4);
  expect(tap.sent.SnapshotEnd).toBeGreaterThanOrEqual(4);
  writer.close();
  await tap.close();

  /** Pauses the writes, and goes on with new ones of the same life once both sides hold the same. */
  async function converge() {
    await writer.stop();
    const keys = writer.keys();
    const expected = writer.digest();
    for (const address of [listen, replicaListen]) {
      await eventually(
        () => servedDigest(address, keys),
        (digest) => digest === expected,
      );
    }
    writer.resume();
  }
}, 180_000);

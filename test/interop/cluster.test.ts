/**
 * A tree of processes of ours under load: a primary, two relays, four leaves below each. Processes are killed
 * and links are cut at random, also the primary; then the faults end, and all ten replicas hold what the
 * primary holds.
 */
import { expect, it } from 'vitest';
import { servedDigest } from '../support/content.js';
import { digestOf } from '../support/digest.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { Wiretap } from '../support/wiretap.js';
import { mulberry32, Workload } from '../support/workload.js';

const LOAD_MS = 60_000;
const SEED = 20_261_125;
const RELAYS = 2;
const LEAVES_A_RELAY = 4;
const KEYS = 20_000;
const WRITE_PAUSE_MS = 10;
const FAULT_PAUSE_MAX_MS = 1_500;
/** One fault in so many is the primary's death. */
const PRIMARY_DEATHS = 15;

function past(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function place(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** A process that is killed and started again, with the same arguments. */
class Node {
  readonly listen: string;
  readonly #args: readonly string[];
  #process: FastcacheProcess | undefined;

  constructor(listen: string, args: readonly string[]) {
    this.listen = listen;
    this.#args = [...args, '--listen', listen];
  }

  async start(): Promise<void> {
    this.#process = new FastcacheProcess(this.#args);
    await this.#process.event('ready');
  }

  async restart(): Promise<void> {
    await this.#process?.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#process?.kill();
  }
}

/** Writes to the primary through its deaths: each life of it has content of its own. */
class Writer {
  workload: Workload;
  lives = 1;
  readonly #address: string;
  #stops = false;
  readonly #done: Promise<void>;

  constructor(address: string) {
    this.#address = address;
    this.workload = this.#newWorkload();
    this.#done = this.#writeOn();
  }

  async stop(): Promise<void> {
    this.#stops = true;
    await this.#done;
  }

  #newWorkload(): Workload {
    return new Workload({ keys: KEYS, valueBytes: 300, seed: SEED + this.lives });
  }

  async #writeOn(): Promise<void> {
    while (!this.#stops) {
      const client = await RespClient.connect(this.#address).catch(() => undefined);
      if (client === undefined) {
        await past(20);
        continue;
      }
      try {
        while (!this.#stops) await this.workload.write(client, 500, () => past(WRITE_PAUSE_MS));
      } catch (error) {
        if (!/^Error: closed/.test(String(error))) throw error;
        this.lives += 1;
        this.workload = this.#newWorkload();
      } finally {
        client.close();
      }
    }
  }
}

it(`a primary, ${RELAYS} relays and ${RELAYS * LEAVES_A_RELAY} leaves end equal after ${LOAD_MS / 1000} s of load, kills and cuts (seed ${SEED})`, async () => {
  const random = mulberry32(SEED);
  const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const bind = await place();
  const primary = new Node(await place(), [
    ...['primary', 'start', '--fresh', '--bind', bind, '--backlog', '1mb', '--snapshot-chunk', '16kb'],
  ]);
  await primary.start();
  const writer = new Writer(primary.listen);

  const follow = ['--reconnect-backoff-ms', '20'];
  const taps: Wiretap[] = [];
  const relays: Node[] = [];
  const leaves: Node[] = [];
  const tapTo = async (address: string) => {
    const tap = await Wiretap.start(address);
    taps.push(tap);
    return tap.address;
  };
  for (let relay = 0; relay < RELAYS; relay += 1) {
    const relayBind = await place();
    relays.push(
      new Node(await place(), [
        ...['replica', 'follow', await tapTo(bind), '--bind', relayBind, '--backlog', '1mb', ...follow],
      ]),
    );
    const above = await tapTo(relayBind);
    for (let leaf = 0; leaf < LEAVES_A_RELAY; leaf += 1) {
      leaves.push(new Node(await place(), ['replica', 'follow', above, ...follow]));
    }
  }
  const replicas = [...relays, ...leaves];
  await Promise.all(replicas.map((replica) => replica.start()));

  const faults = { cut: 0, outage: 0, relay: 0, leaf: 0, primary: 0 };
  const endAt = performance.now() + LOAD_MS;
  while (performance.now() < endAt) {
    await past(random() * FAULT_PAUSE_MAX_MS);
    if (random() < 1 / PRIMARY_DEATHS) {
      faults.primary += 1;
      await primary.restart();
      continue;
    }
    const kind = oneOf(['cut', 'outage', 'relay', 'leaf'] as const);
    faults[kind] += 1;
    if (kind === 'relay') await oneOf(relays).restart();
    else if (kind === 'leaf') await oneOf(leaves).restart();
    else {
      const tap = oneOf(taps);
      tap.isOpen = kind === 'cut';
      tap.cut();
      if (kind === 'outage') await past(random() * 1_000);
      tap.isOpen = true;
    }
  }
  for (const [kind, count] of Object.entries(faults)) expect(count, kind).toBeGreaterThan(0);

  // The last fault may have been the primary's death, with which the count starts over.
  await eventually(
    () => writer.workload.written,
    (written) => written > 1_000,
  );
  await writer.stop();
  const { workload } = writer;
  const expected = digestOf(workload.entries());
  for (const { listen } of [primary, ...replicas]) {
    await eventually(
      () => servedDigest(listen, workload.keys()),
      (digest) => digest === expected,
    );
  }
  await Promise.all([primary, ...replicas].map((node) => node.stop()));
  await Promise.all(taps.map((tap) => tap.close()));
}, 240_000);

/**
 * Clients that write without pause through failovers, as clients of Sentinel do: they ask a Sentinel for the
 * primary, check its role, and ask again when the connection ends or nothing comes. They remember every write
 * that was acknowledged, so that what was lost can be counted.
 */
import type { RespClient } from '../support/resp-client.js';
import type { Cluster } from './cluster.js';

const WRITERS = 8;
const IN_FLIGHT = 8;
/** Writes of one writer go round so many keys, each with a greater number than the one before. */
const KEYS_OF_WRITER = 1_000;
/** A client that hears nothing for so long asks the Sentinels again. */
const PATIENCE_MS = 1_000;
const WAIT_MS = 500;
/** The pause before each try to find the primary, as of ioredis; the one between batches; milliseconds. */
const RETRY_MS = 50;
const BATCH_PAUSE_MS = 2;

/** A write that was acknowledged. */
interface Acknowledged {
  readonly key: string;
  readonly number: number;
  /** Whether WAIT has said that a replica has it. */
  readonly isReplicated: boolean;
}

/** The acknowledged writes that were lost. */
export interface Losses {
  readonly acknowledged: number;
  readonly replicated: number;
  readonly lost: number;
  /** Of the lost ones, those that WAIT had acknowledged. */
  readonly lostReplicated: number;
}

/** The first acknowledgement by another server than before. */
interface FirstBy {
  readonly port: number;
  readonly atMs: number;
}

/** The writers of a cluster; every second one has each of its batches confirmed by WAIT. */
export class Writers {
  readonly #cluster: Cluster;
  readonly #followsRoles: boolean;
  #acknowledged: Acknowledged[] = [];
  #isOn = false;
  #running: Promise<void>[] = [];
  readonly #numbers = new Array<number>(WRITERS).fill(0);
  #firsts: FirstBy[] = [];
  #lastMs = 0;
  #longestPauseMs = 0;

  /** `followsRoles`: where a Sentinel names a replica, the primary of that is written to. */
  constructor(cluster: Cluster, { followsRoles = false }: { followsRoles?: boolean } = {}) {
    this.#cluster = cluster;
    this.#followsRoles = followsRoles;
  }

  start(): void {
    this.#isOn = true;
    this.#running = Array.from({ length: WRITERS }, (_, writer) => this.#run(writer));
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#running);
  }

  /** Every key that could have been written. */
  get keys(): string[] {
    return Array.from({ length: WRITERS * KEYS_OF_WRITER }, (_, index) =>
      keyOf(Math.floor(index / KEYS_OF_WRITER), index % KEYS_OF_WRITER),
    );
  }

  /** How many writes were acknowledged since the last count of losses. */
  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** When a server on that port has acknowledged first since `sinceMs`, by performance.now(). */
  firstBy(port: number, sinceMs: number): number | undefined {
    return this.#firsts.find((first) => first.port === port && first.atMs >= sinceMs)?.atMs;
  }

  /** From now on the longest time without an acknowledged write is measured. */
  watchPauses(): void {
    this.#lastMs = performance.now();
    this.#longestPauseMs = 0;
  }

  /** The longest time since then in which no write of any writer was acknowledged, milliseconds. */
  get longestPauseMs(): number {
    return Math.max(this.#longestPauseMs, performance.now() - this.#lastMs);
  }

  /** Counts what was acknowledged and is not at the server on that port, and begins to count anew. */
  async losses(port: number): Promise<Losses> {
    const client = await this.#cluster.connect(port);
    const stored = new Map<string, number>();
    const { keys } = this;
    for (let at = 0; at < keys.length; at += 1_000) {
      const asked = keys.slice(at, at + 1_000);
      const values = (await client.command('MGET', ...asked)) as (Buffer | null)[];
      for (const [index, value] of values.entries()) stored.set(asked[index]!, Number(value ?? -1));
    }
    client.close();
    const acknowledged = this.#acknowledged;
    this.#acknowledged = [];
    this.#firsts = [];
    // A later write of the same key may be there, acknowledged or not.
    const lost = acknowledged.filter(({ key, number }) => stored.get(key)! < number);
    return {
      acknowledged: acknowledged.length,
      replicated: acknowledged.filter(({ isReplicated }) => isReplicated).length,
      lost: lost.length,
      lostReplicated: lost.filter(({ isReplicated }) => isReplicated).length,
    };
  }

  async #run(writer: number): Promise<void> {
    while (this.#isOn) {
      const found = await this.#connect().catch(() => undefined);
      if (found !== undefined) {
        await this.#write(writer, found.client, found.port).catch(() => {});
        found.client.close();
      }
      await pause(RETRY_MS);
    }
  }

  /** Connects to the primary that a Sentinel names, if that says so of itself. */
  async #connect(): Promise<{ client: RespClient; port: number } | undefined> {
    const { sentinels } = this.#cluster;
    const sentinel = sentinels[Math.floor(Math.random() * sentinels.length)]!;
    return this.#connectTo(await inTime(sentinel.primary()), this.#followsRoles);
  }

  async #connectTo(
    port: number,
    followsRole: boolean,
  ): Promise<{ client: RespClient; port: number } | undefined> {
    const client = await inTime(this.#cluster.connect(port));
    const role = await inTime(client.command('ROLE')).catch(() => undefined);
    if (Array.isArray(role) && String(role[0]) === 'master') return { client, port };
    client.close();
    return Array.isArray(role) && followsRole ? this.#connectTo(Number(role[2]), false) : undefined;
  }

  /** Writes batches until something else than OK is answered. */
  async #write(writer: number, client: RespClient, port: number): Promise<void> {
    const isConfirmed = writer % 2 === 0;
    const wait = isConfirmed ? [['WAIT', '1', String(WAIT_MS)]] : [];
    while (this.#isOn) {
      const numbers = Array.from({ length: IN_FLIGHT }, () => this.#numbers[writer]!++);
      const sets = numbers.map((number) => ['SET', keyOf(writer, number % KEYS_OF_WRITER), String(number)]);
      const replies = await inTime(client.pipeline([...sets, ...wait]));
      const isReplicated = isConfirmed && Number(replies[IN_FLIGHT]) >= 1;
      const nowMs = performance.now();
      for (const [index, number] of numbers.entries()) {
        if (replies[index] !== '+OK') return;
        this.#acknowledged.push({ key: keyOf(writer, number % KEYS_OF_WRITER), number, isReplicated });
      }
      this.#longestPauseMs = Math.max(this.#longestPauseMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
      if (this.#firsts.at(-1)?.port !== port) this.#firsts.push({ port, atMs: nowMs });
      await pause(BATCH_PAUSE_MS);
    }
  }
}

function keyOf(writer: number, index: number): string {
  return `writer:${writer}:${index}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Rejects when `answer` has not come within the patience of a client. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

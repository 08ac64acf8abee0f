/**
 * The clients of a simulation: they write whatever a seed draws to whoever is a primary, and note that they
 * never wait.
 */
import { NO_EXPIRY } from '../../../src/frame/batch.js';
import { POSTPONED_VALUE_BYTES_MIN } from '../../../src/kernel/layout.js';
import { RandomSource } from '../random.js';
import type { Planned, VirtualWorld } from '../virtual-world.js';
import type { Configuration, Outcome } from './configuration.js';
import type { SimNode } from './node.js';
import type { ObservedEngine } from './observed-engine.js';

const BURST = { least: 10, most: 60 };
/** Keys that are enough for each of 16 shards to have some of them. */
const KEYS_FOR_A_SHARD = 12;
/** How many go at once when all shall go. */
const KEYS_AT_ONCE = 50;
/** About twice as many in a run. */
const TIDES = 4;
/** One in so many. */
const KEYS_THAT_STAY = 20;
/** From so many bytes of values on, some writes change a part of a value whose record is then postponed. */
const PARTS_FROM_BYTES = 5_001;
/** So many parts of a value are written in one turn; all but the last may leave no record. */
const PARTS = 3;
/** A turn of the event loop, and what timers are rounded up by. */
const SLACK_MS = 3;

/** Records of a node that must have been published by a time. */
interface Due {
  node: SimNode;
  store: ObservedEngine;
  watermarks: bigint[];
  byMs: number;
  /** How often the node was paused until then. */
  pauses: number;
}

export class Workload {
  readonly #world: VirtualWorld;
  readonly #configuration: Configuration;
  readonly #random: RandomSource;
  /** The nodes that take writes now. */
  readonly #primaries: () => SimNode[];
  readonly #reached: (outcome: Outcome) => void;
  #operationsLeft: number;
  #due: Due | undefined;
  #next: Planned | undefined;
  #nextTide: Planned | undefined;

  constructor(
    world: VirtualWorld,
    seed: number,
    configuration: Configuration,
    primaries: () => SimNode[],
    reached: (outcome: Outcome) => void,
  ) {
    this.#world = world;
    this.#configuration = configuration;
    this.#random = RandomSource.fork(seed, 'workload');
    this.#primaries = primaries;
    this.#reached = reached;
    this.#operationsLeft = configuration.operations;
  }

  start(): void {
    if (this.#configuration.isFilled) this.#world.plan(0, () => this.#fill());
    if (this.#configuration.hasTides) this.#planTide();
    this.#planNext();
  }

  /**
   * The last writes, which stay: so that the primary holds something, and where frames get lost that every
   * shard shows it.
   */
  end(): void {
    for (const planned of [this.#next, this.#nextTide]) if (planned !== undefined) planned.run = undefined;
    const { faults, shards } = this.#configuration;
    const count = faults.has('lost frames') ? KEYS_FOR_A_SHARD * shards : 1;
    for (const node of this.#primaries()) {
      const { primaryStore } = node;
      node.configure('maxmemory', '0');
      for (let key = 0; key < count; key += 1)
        primaryStore?.set(Buffer.from(`last:${key}`), Buffer.from('1'));
    }
  }

  #fill(): void {
    const { keys, valueBytesMax } = this.#configuration;
    for (const { primaryStore } of this.#primaries()) {
      for (let key = 0; key < keys; key += 1) {
        primaryStore?.set(Buffer.from(`key:${key}`), Buffer.alloc(Math.min(valueBytesMax, 200), key));
      }
    }
  }

  #planTide(): void {
    const withinMs = this.#random.below(Math.ceil(this.#configuration.durationMs / TIDES));
    this.#nextTide = this.#world.plan(withinMs, () => {
      for (const { primaryStore } of this.#primaries())
        if (primaryStore !== undefined) this.#tide(primaryStore);
      this.#planTide();
    });
  }

  /** Nearly all keys go, or come back. */
  #tide(store: ObservedEngine): void {
    if (store.openScans > 0) this.#reached('tide during a scan');
    const { keys } = this.#configuration;
    const isEbb = store.keyCount() > keys / 2;
    for (let index = 0; index < keys; index += 1) {
      const key = Buffer.from(`key:${index}`);
      if (!isEbb) {
        if (store.makeRoom()) store.set(key, key);
      } else if (index % KEYS_THAT_STAY !== 0) store.del(key);
    }
  }

  #planNext(): void {
    const { durationMs, operations } = this.#configuration;
    const meanMs = durationMs / (1 + operations / 4);
    const pauseMs = this.#random.below(Math.ceil(meanMs * 2_000)) / 1_000;
    this.#next = this.#world.plan(pauseMs, () => this.#turn());
  }

  #turn(): void {
    if (this.#operationsLeft <= 0) return;
    const random = this.#random;
    const count = random.chance(0.1) ? random.between(BURST.least, BURST.most) : random.below(4);
    this.#operationsLeft -= count;
    this.#checkDue();
    const primaries = this.#primaries();
    const node = primaries[random.below(primaries.length)];
    // The gate would refuse clients' writes.
    const lacksReplicas = node?.node?.lacksReplicas === true;
    if (lacksReplicas) this.#reached('too few replicas');
    const store = lacksReplicas ? undefined : node?.primaryStore;
    for (let index = 0; index < count; index += 1) this.#operate(store);
    const isScanned = store !== undefined && store.openScans > 0;
    if (isScanned && this.#configuration.hasTides && random.chance(0.3)) this.#tide(store);
    if (node !== undefined && store !== undefined) this.#expectPublished(node, store);
    this.#planNext();
  }

  /** Draws the same whether there is a store or not. */
  #operate(store: ObservedEngine | undefined): void {
    const random = this.#random;
    const { keys, valueBytesMax } = this.#configuration;
    const key = Buffer.from(`key:${random.below(keys)}`);
    const kind = random.below(1_000);
    const value = Buffer.alloc(random.skewed(valueBytesMax), random.below(256));
    const expireAtMs = this.#drawExpiry();
    if (store === undefined) return;
    if (kind < 60 && valueBytesMax >= PARTS_FROM_BYTES) this.#writeParts(store, key, value);
    else if (kind < 650) {
      if (store.makeRoom()) store.set(key, value, expireAtMs);
    } else if (kind < 800) store.del(key);
    else if (kind < 950) store.expire(key, expireAtMs);
    else if (kind < 998) store.get(key);
    else while (!store.keyspace.deleteSome(KEYS_AT_ONCE));
  }

  /** Writes parts of a large value, as SETRANGE, APPEND and SETBIT do, which make it if it is not there. */
  #writeParts(store: ObservedEngine, key: Buffer, value: Buffer): void {
    if (!store.makeRoom()) return;
    if ((store.values.length(key) ?? 0) < POSTPONED_VALUE_BYTES_MIN) {
      store.set(key, Buffer.alloc(POSTPONED_VALUE_BYTES_MIN, 1));
    }
    const part = value.subarray(0, 100);
    for (let index = 0; index < PARTS; index += 1) {
      const offset = index === 0 ? store.values.length(key)! : index * value.length;
      store.values.overwrite(key, offset, part);
    }
    this.#reached('part of a large value');
  }

  #drawExpiry(): bigint {
    const random = this.#random;
    const isFar = random.chance(0.5);
    const inMs = isFar ? random.below(60_000) : random.between(-5_000, 2_000);
    if (!this.#configuration.hasExpiries || random.chance(0.5)) return NO_EXPIRY;
    const nowMs = Math.trunc(this.#world.seams.clock.nowMs());
    return BigInt(nowMs + inMs);
  }

  #expectPublished(node: SimNode, store: ObservedEngine): void {
    if (this.#due !== undefined) return;
    const { sendPolicy, batchMaxDelayUs } = this.#configuration;
    const delayMs = sendPolicy === 'batch' ? 2 * (batchMaxDelayUs / 1_000) : 0;
    const byMs = this.#world.nowMs + delayMs + SLACK_MS;
    this.#due = { node, store, watermarks: store.watermarks(), byMs, pauses: node.pauses };
  }

  /** Writes are published in time, whatever replicas do. */
  #checkDue(): void {
    const due = this.#due;
    if (due === undefined || this.#world.nowMs < due.byMs) return;
    this.#due = undefined;
    const { publisher } = due.node;
    if (publisher === undefined || publisher.store !== due.store || due.node.pauses !== due.pauses) return;
    const published = publisher.watermarks();
    const late = due.watermarks.findIndex((watermark, shard) => (published[shard] ?? 0n) < watermark);
    if (late !== -1) {
      throw new Error(`what was written to shard ${late} is not published in time`);
    }
  }
}

/**
 * Nodes that follow each other at random, are cut, stalled, promoted and sent to follow others again, with
 * one of them written to at any time. All content that a node shows of a shard was once true at just that
 * sequence, watermarks never fall within a history, and when all is healed all are level.
 */
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import type { TestStore } from '../../support/map-store.js';
import { VirtualRelay } from '../../support/virtual-relay.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { seededRandom, VirtualWorld } from '../../support/virtual-world.js';

const NODES = 5;
const STEPS = 120;
const KEYS = 24;
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);
const EXPECTED_CODES = new Set([
  ...['CONNECTION_LOST', 'PRIMARY_UNREACHABLE', 'PEER_SILENT', 'PRIMARY_LOADING', 'PRIMARY_BEHIND'],
  ...['REPLICATION_CYCLE', 'HISTORY_DIFFERS', 'EMPTY_SNAPSHOT'],
]);

class Family {
  readonly world: VirtualWorld;
  readonly transport: VirtualTransport;
  readonly nodes: VirtualRelay[] = [];
  head = 0;
  readonly #random: { u32(): number };
  readonly #truth = new Map<string, string>();
  readonly #seen = new Map<VirtualRelay, { history: string; watermarks: bigint[] }>();
  #writes = 0;

  constructor(seed: number) {
    this.world = new VirtualWorld(seed);
    this.transport = new VirtualTransport(this.world);
    this.#random = seededRandom(seed);
  }

  below(count: number): number {
    return this.#random.u32() % count;
  }

  static addressOf(index: number): string {
    return `127.0.0.1:${7200 + index}`;
  }

  async start(): Promise<void> {
    this.transport.conditions.latencyMs = 1 + this.below(5);
    this.transport.conditions.sliceBytes = [50, 500, 5_000][this.below(3)]!;
    for (let index = 0; index < NODES; index += 1) {
      const node = await VirtualRelay.start(this.world, this.transport, {
        address: Family.addressOf(0),
        bind: Family.addressOf(index),
        backlogBytes: [2_000, 20_000, 1_048_576][this.below(3)]!,
        shards: 2,
      });
      this.nodes.push(node);
    }
    this.#promote(0);
    this.write(30);
  }

  write(count: number): void {
    const { store } = this.nodes[this.head]!.publisher!;
    for (let at = 0; at < count; at += 1) {
      this.#writes += 1;
      (store as TestStore).set(`key:${this.below(KEYS)}`, `value ${this.#writes}`);
      this.#remember(store as TestStore);
    }
  }

  step(): void {
    const what = this.below(20);
    if (what < 8) this.write(1 + this.below(20));
    else if (what < 11) this.#cut();
    else if (what < 13) this.#stall();
    else if (what < 17) this.#refollow();
    else if (what < 19) this.#succeed();
    this.run(this.below(what === 19 ? 3_000 : 60));
  }

  run(durationMs: number): void {
    const untilMs = this.world.nowMs + durationMs;
    while (this.world.step(untilMs)) this.check();
    this.world.run(untilMs - this.world.nowMs);
  }

  check(): void {
    for (const node of this.nodes) {
      for (const error of node.following?.errors.splice(0) ?? []) {
        if (!(error instanceof FastcacheError) || !EXPECTED_CODES.has(error.code)) throw error;
      }
      const store = node.store();
      const history = node.publisher?.history ?? node.following?.follower.holding?.history;
      if (store === undefined || history === undefined) continue;
      const watermarks = store.watermarks();
      const last = this.#seen.get(node);
      if (last?.history === history.id && last.watermarks.join() === watermarks.join()) continue;
      for (const [shard, sequence] of watermarks.entries()) {
        const shown = store.shardContent(shard).join();
        const truth = this.#truth.get(`${shard}:${sequence}`);
        if (shown !== truth) throw new Error(`shard ${shard} at ${sequence} shows what was never true`);
        if (last?.history === history.id && sequence < last.watermarks[shard]!)
          throw new Error('a watermark fell');
      }
      this.#seen.set(node, { history: history.id, watermarks });
    }
  }

  heal(): void {
    for (const { client, server } of this.transport.pairs) {
      if (!client.closed) client.unstall();
      if (!server.closed) server.unstall();
    }
    const order = this.nodes.map((_, index) => index).filter((index) => index !== this.head);
    for (const [place, index] of order.entries()) {
      const above = place === 0 ? this.head : [this.head, order[this.below(place)]!][this.below(2)]!;
      this.nodes[index]!.follow(Family.addressOf(above));
    }
    this.write(5);
  }

  isLevel(): boolean {
    const head = this.nodes[this.head]!.store()!.watermarks().join();
    return this.nodes.every((node) => node.store()?.watermarks().join() === head);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
  }

  #cut(): void {
    const open = this.transport.pairs.filter(({ client, server }) => !client.closed && !server.closed);
    open[this.below(Math.max(1, open.length))]?.client.break();
  }

  #stall(): void {
    const { server } = this.transport.pairs[this.below(this.transport.pairs.length)] ?? {};
    if (server === undefined || server.closed) return;
    server.stall();
    this.world.plan(this.below(2_000), () => {
      if (!server.closed) server.unstall();
    });
  }

  #refollow(): void {
    const index = this.below(NODES);
    if (index !== this.head) this.nodes[index]!.follow(Family.addressOf(this.below(NODES)));
  }

  /** Another one is promoted; the one before follows it, sooner or later. */
  #succeed(): void {
    const heirs = this.nodes.filter((node, index) => index !== this.head && node.store() !== undefined);
    const heir = heirs[this.below(Math.max(1, heirs.length))];
    if (heir === undefined || heir.store()!.keyCount() === 0) return;
    // Histories that begin in one millisecond have one base, and their sequences could not be told apart
    // below.
    this.run(1);
    const last = this.head;
    this.#promote(this.nodes.indexOf(heir));
    if (this.below(3) > 0) this.nodes[last]!.follow(Family.addressOf(this.head));
    else this.nodes[last]!.follow(Family.addressOf(this.below(NODES)));
  }

  #promote(index: number): void {
    this.head = index;
    const { store } = this.nodes[index]!.promote();
    this.#remember(store as TestStore);
  }

  #remember(store: TestStore): void {
    for (const [shard, sequence] of store.watermarks().entries()) {
      this.#truth.set(`${shard}:${sequence}`, store.shardContent(shard).join());
    }
  }
}

describe('nodes that follow each other at random', () => {
  it.each(SEEDS)('show what was true, and are level in the end (seed %i)', async (seed) => {
    const family = new Family(seed);
    await family.start();
    for (let step = 0; step < STEPS; step += 1) family.step();
    family.heal();
    const untilMs = family.world.nowMs + 30_000;
    while (!family.isLevel()) {
      if (!family.world.step(untilMs)) throw new Error('not level within 30 s');
      family.check();
    }
    const contents = family.nodes.map((node) => node.store()!.content());
    for (const content of contents) expect(content).toEqual(contents[family.head]);
    await family.stop();
  });
});

import { describe, expect, it } from 'vitest';
import { decodeBatch } from '../../../src/frame/batch.js';
import { decodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../../src/limits.js';
import { ReplicationMetrics } from '../../../src/replication/metrics.js';
import type { Cursor, LogReader } from '../../../src/replication/stream/cursor.js';
import { Publisher, type PublisherOptions } from '../../../src/replication/stream/publisher.js';
import { MapStore, type MapStoreOptions } from '../../support/map-store.js';
import { MemoryLog } from '../../support/virtual-cluster.js';
import { VirtualWorld } from '../../support/virtual-world.js';

class Collector implements LogReader {
  readonly untakenBytes = 0;
  readonly frames: Buffer[] = [];
  readonly #cursor: Cursor;
  interrupted = 0;
  sends = 0;
  constructor({ backlog }: Publisher) {
    this.#cursor = backlog.open(this);
  }
  ready(): void {
    for (let frame = this.#cursor.nextFrame(); frame !== undefined; frame = this.#cursor.nextFrame()) {
      this.frames.push(frame);
    }
  }
  leave(): void {
    this.#cursor.close();
  }
  send(): void {
    this.sends += 1;
  }
  interrupt(): void {
    this.interrupted += 1;
  }
  records(): string[] {
    return this.frames.flatMap((frame) =>
      [...decodeBatch(decodeFrame(frame).payload).records].map(
        ({ op, key, value }) => `${op} ${key}=${value}`,
      ),
    );
  }
}

function publish(overrides: Partial<PublisherOptions> = {}, storeOptions: Partial<MapStoreOptions> = {}) {
  const world = new VirtualWorld();
  const { clock, timers } = world.seams;
  const metrics = new ReplicationMetrics();
  const log = new MemoryLog();
  const store = new MapStore({ shards: 1, clock, ...storeOptions });
  const publisher = new Publisher({
    store,
    history: { id: 'f'.repeat(32), base: 0n },
    clock,
    timers,
    metrics,
    log,
    sendPolicy: 'adaptive',
    batchMaxDelayUs: 750,
    nodeId: 'f'.repeat(16),
    backlogBytes: 1_000_000,
    encoding: {},
    ...overrides,
  });
  const collector = new Collector(publisher);
  return { world, metrics, log, store, publisher, collector };
}

describe('the publisher', () => {
  it('adaptive: what a turn gathers leaves as one frame at its end', () => {
    const { world, store, collector } = publish();
    store.set('a', '1');
    store.set('b', '2');
    expect(collector.frames).toHaveLength(0);
    world.run(0);
    expect(collector.frames).toHaveLength(1);
    expect(collector.records()).toEqual(['set a=1', 'set b=2']);
  });

  it('adaptive: the writes of a turn leave with it, however short the last one was', () => {
    const { world, store, collector } = publish();
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      store.set(key, '1');
      world.run(0);
      expect(collector.frames).toHaveLength(index + 1);
    }
    expect(collector.records()).toEqual(['set a=1', 'set b=1', 'set c=1']);
    expect(world.pending).toBe(0);
  });

  it('adaptive: what clients are about to be answered for leaves before, and nothing again behind it', () => {
    const { world, store, publisher, collector } = publish();
    store.set('a', '1');
    publisher.endTurn();
    expect(collector.records()).toEqual(['set a=1']);
    expect(collector.sends).toBe(1);
    world.run(5);
    expect(collector.frames).toHaveLength(1);
  });

  it('batch: what is not full waits, be its client answered', () => {
    const { world, store, publisher, collector } = publish({ sendPolicy: 'batch' });
    store.set('a', '1');
    publisher.endTurn();
    expect(collector.frames).toHaveLength(0);
    world.run(5);
    expect(collector.frames).toHaveLength(1);
  });

  it('adaptive: a batch that is full is sealed at once, and leaves with the turn', () => {
    const { world, store, publisher, collector } = publish({}, { maxRecords: 2 });
    for (const key of ['a', 'b', 'c']) store.set(key, '');
    expect(publisher.watermarks()).toEqual([2n]);
    world.run(0);
    expect(collector.frames).toHaveLength(2);
  });

  it('does not wait for the end of a long turn once much has gathered', () => {
    const { store, collector } = publish({}, { maxBytes: 100_000 });
    for (let index = 0; index < 8; index += 1) store.set(`${index}`, 'x'.repeat(100_000));
    expect(collector.frames.length).toBeGreaterThan(4);
  });

  it('batch: what has gathered leaves when its first record is old enough, timers rounded up to a millisecond', () => {
    const { world, store, collector } = publish({ sendPolicy: 'batch', batchMaxDelayUs: 750 });
    store.set('a', '1');
    world.run(0.9);
    store.set('b', '2');
    expect(collector.frames).toHaveLength(0);
    world.run(0.1);
    expect(collector.records()).toEqual(['set a=1', 'set b=2']);
    world.run(50);
    store.set('c', '3');
    world.run(0.9);
    expect(collector.frames).toHaveLength(1);
    world.run(0.1);
    expect(collector.frames).toHaveLength(2);
    expect(world.pending).toBe(0);
  });

  it('batch: another shard that began later gets its own time', () => {
    const settings = { sendPolicy: 'batch', batchMaxDelayUs: 2_000 } as const;
    const { world, store, collector } = publish(settings, { shards: 4, maxDelayUs: 2_000 });
    const early = 'a';
    const late = Array.from({ length: 50 }, (_, index) => `k${index}`).find(
      (key) => store.shardOf(key) !== store.shardOf(early),
    )!;
    store.set(early, '1');
    world.run(1);
    store.set(late, '2');
    world.run(1);
    expect(collector.records()).toEqual(['set a=1']);
    world.run(1);
    expect(collector.records()).toEqual(['set a=1', `set ${late}=2`]);
  });

  it('immediate: every record is a frame', () => {
    const { store, world, collector } = publish({ sendPolicy: 'immediate' }, { immediate: true });
    store.set('a', '1');
    store.del('a');
    world.run(0);
    expect(collector.records()).toEqual(['set a=1', 'del a=']);
    expect(collector.frames).toHaveLength(2);
  });

  it('an empty flush yields nothing', () => {
    const { publisher, collector, metrics } = publish();
    publisher.flush();
    expect(collector.frames).toHaveLength(0);
    expect(metrics.sentBatches).toBe(0);
  });

  it('its watermarks are what was sealed, not what still waits', () => {
    const { publisher, store } = publish();
    store.set('a', '1');
    expect(publisher.watermarks()).toEqual([0n]);
    publisher.flush();
    expect(publisher.watermarks()).toEqual([1n]);
    publisher.invariants();
  });

  it('seals once: all readers and who comes back get the same bytes, zstd or not', () => {
    for (const compression of ['none', 'zstd'] as const) {
      const { publisher, store, collector } = publish({ encoding: { compression } });
      const other = new Collector(publisher);
      store.set('a', 'x'.repeat(2_000));
      publisher.endTurn();
      const catchUp = publisher.backlog.catchUp([0n]);
      expect(catchUp).toEqual({ kind: 'frames', frames: [collector.frames[0]] });
      expect(other.frames).toEqual(collector.frames);
      const { header } = decodeFrame(collector.frames[0]!);
      expect(header).toMatchObject({ kind: FrameKind.MutationBatch, compressed: compression === 'zstd' });
      expect(collector.records()).toEqual([`set a=${'x'.repeat(2_000)}`]);
    }
  });

  it('counts what it sends', () => {
    const { publisher, store, collector, metrics } = publish({ encoding: { compression: 'zstd' } });
    store.set('a', 'x'.repeat(1_000));
    store.set('b', '');
    publisher.endTurn();
    expect(metrics.snapshot()).toMatchObject({
      emittedMutations: 2,
      sentBatches: 1,
      sentRecords: 2,
      sentBytesUncompressed: 4 + 53 + 1 + 1_000 + 53 + 1,
      sentBytesCompressed: collector.frames[0]!.length,
      drops: 0,
    });
    expect(metrics.sentBytesCompressed).toBeLessThan(metrics.sentBytesUncompressed);
  });

  it('drops a batch of a shard that does not exist, counts and says so, and goes on', () => {
    const { store, collector, metrics, log } = publish();
    const payload = Buffer.alloc(4);
    store.onBatch({ shard: 1, payload, records: 1, minSequence: 1n, maxSequence: 1n });
    expect(metrics.drops).toBe(1);
    expect(log.lines).toEqual(['warn dropped a batch for shard 1: there are 1 shards']);
    expect(collector.frames).toHaveLength(0);
  });

  it('a batch that cannot be sealed ends every stream, and the backlog never serves across it', () => {
    const { store, publisher, collector, metrics } = publish();
    store.set('a', '1');
    publisher.flush();
    const payload = new Uint8Array(MAX_FRAME_PAYLOAD_BYTES + 1);
    store.onBatch({ shard: 0, payload, records: 1, minSequence: 2n, maxSequence: 2n });
    expect(metrics.drops).toBe(1);
    expect(collector.interrupted).toBe(1);
    expect(publisher.watermarks()).toEqual([2n]);
    expect(publisher.backlog.catchUp([1n]).kind).toBe('needs-snapshot');
  });

  it('hands nothing to whoever has left, and nothing at all once closed', () => {
    const { publisher, store, world, collector } = publish();
    const other = new Collector(publisher);
    other.leave();
    store.set('a', '1');
    publisher.close();
    expect(collector.records()).toEqual(['set a=1']);
    expect(other.frames).toHaveLength(0);
    store.set('b', '2');
    world.run(10);
    expect(collector.frames).toHaveLength(1);
  });
});

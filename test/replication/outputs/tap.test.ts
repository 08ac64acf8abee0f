/** The changes that a tap hands on: all that are applied, once and in order, at the pace of the consumer. */
import { describe, expect, it } from 'vitest';
import { WatermarkStore } from '../../../src/engine/watermark-store.js';
import type { Change } from '../../../src/replication/outputs/changes.js';
import { Tap } from '../../../src/replication/outputs/tap.js';
import type { Holding } from '../../../src/replication/replica/holding.js';
import { ChangeFold } from '../../support/change-fold.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { type Cluster, clustersOf, fill } from '../../support/virtual-clusters.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

type Room = Promise<void> | undefined;

interface TapSetup {
  take?: (change: Change) => Room;
  holding?: Holding;
}

/** A follower that keeps no content, with a tap on it. */
function startTap({ world, transport }: Pick<Cluster, 'world' | 'transport'>, setup: TapSetup = {}) {
  const fold = new ChangeFold();
  const resyncs: string[] = [];
  const faults: Error[] = [];
  const tap = new Tap({
    consumer: {
      take(change) {
        fold.take(change);
        return setup.take?.(change);
      },
    },
    watermarks: setup.holding?.store.watermarks() ?? [],
    onFault: (error) => {
      faults.push(error);
      started.follower.stop(error);
    },
  });
  world.always(() => tap.invariants());
  const events: string[] = [];
  const started = startFollower(world, transport, {
    tap,
    holding: setup.holding,
    createStore: (shards) => new WatermarkStore(shards),
    handlers: {
      resync: ({ reason }) => resyncs.push(reason),
      live: () => tap.inOrder(() => events.push(`live behind ${fold.records.length}`)),
      lost: ({ error }) => events.push(`lost ${(error as { code?: string }).code}`),
      stopped: ({ error }) => events.push(`stopped ${error?.message}`),
    },
  });
  const holds = () => started.follower.holding?.store.watermarks().join();
  return { ...started, tap, fold, resyncs, faults, events, holds };
}

/** Lets what is promised happen, and what follows from it in the world. */
async function run(world: VirtualWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1) {
    world.run(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A consumer that has no room until it is let. */
function gate() {
  let open: (() => void) | undefined;
  return {
    room: (): Room =>
      new Promise((resolve) => {
        open = resolve;
      }),
    get isShut() {
      return open !== undefined;
    },
    open() {
      open?.();
      open = undefined;
    },
  };
}

describe.each(['map', 'kernel'] as const)('of a primary on a %s store, a tap', (kind) => {
  const cluster = clustersOf(kind);

  it('hands on a snapshot and what follows, from which the content can be made', async () => {
    const { world, transport, primary } = await cluster({}, { sliceBytes: 700 });
    fill(primary, 0, 500);
    world.run(1);
    const { fold, holds } = startTap({ world, transport });
    for (let round = 0; round < 50; round++) {
      fill(primary, round * 11, round * 11 + 20, `round ${round}`);
      primary.store.del(`key:${round * 7}`);
      primary.store.expire(`key:${round * 7 + 1}`, 4_000_000_000_000n);
      world.run(3);
    }
    world.run(1_000);
    expect(fold.content()).toEqual(primary.store.content());
    expect(holds()).toBe(primary.store.watermarks().join());
    expect(fold.types.filter((type) => type.startsWith('snapshot'))).toEqual([
      'snapshot-begin',
      'snapshot-end',
    ]);
    expect(new Set(fold.records).size).toBe(fold.records.length);
  });

  it('that comes back goes on without a snapshot, each record once', async () => {
    const { world, transport, primary } = await cluster();
    fill(primary, 0, 100);
    world.run(1);
    const first = startTap({ world, transport });
    world.run(100);
    const { holding } = first.follower;
    first.follower.stop();
    primary.store.set('key:1', 'while away');
    world.run(100);
    const second = startTap({ world, transport }, { holding: holding! });
    world.run(100);
    expect(second.fold.types).toEqual(['record']);
    expect(second.fold.records).toHaveLength(1);
    expect(second.resyncs).toEqual([]);
  });

  it('that comes back too late says why it starts over', async () => {
    const { world, transport, primary } = await cluster({ publisher: { backlogBytes: 4_000 } });
    fill(primary, 0, 10);
    world.run(1);
    const first = startTap({ world, transport });
    world.run(100);
    const { holding } = first.follower;
    first.follower.stop();
    fill(primary, 0, 1_000, 'again');
    world.run(100);
    const second = startTap({ world, transport }, { holding: holding! });
    world.run(100);
    expect(second.resyncs).toEqual([expect.stringMatching(/^the primary no longer keeps all .* shard 0 /)]);
    expect(second.fold.content()).toEqual(primary.store.content());
  });

  it('stops the flow while there is no room, for as long as that takes, and loses nothing', async () => {
    const { world, transport, primary } = await cluster({
      listener: { subscriberQueueFrames: 100_000 },
    });
    fill(primary, 0, 200);
    world.run(1);
    const shut = gate();
    const tapped = startTap(
      { world, transport },
      { take: () => (tapped.fold.records.length % 100 === 50 ? shut.room() : undefined) },
    );
    await run(world, 200);
    let written = 0;
    while (!shut.isShut) {
      fill(primary, written, ++written);
      await run(world, 1);
    }
    const takenBefore = tapped.fold.records.length;
    for (let second = 0; second < 20; second++) {
      fill(primary, 0, 40, `while shut ${second}`);
      await run(world, 1_000);
    }
    expect(tapped.fold.records.length).toBe(takenBefore);
    expect(tapped.events).toEqual(['live behind 0']);
    // Of what was written meanwhile, only what one read had brought was taken in.
    expect(tapped.holds()).not.toBe(primary.store.watermarks().join());
    for (let round = 0; round < 200; round++) {
      shut.open();
      await run(world, 2);
    }
    expect(tapped.fold.content()).toEqual(primary.store.content());
    expect(new Set(tapped.fold.records).size).toBe(tapped.fold.records.length);
    expect(tapped.events).toEqual(['live behind 0']);
  });

  it('has no snapshot that did not end: it is void', async () => {
    const { world, transport, primary } = await cluster({ listener: { snapshotChunkBytes: 4_096 } });
    fill(primary, 0, 500);
    world.run(1);
    transport.conditions.cutAfterBytes = 20_000;
    const { fold } = startTap({ world, transport });
    world.runUntil(() => fold.types.includes('snapshot-abandoned'));
    transport.conditions.cutAfterBytes = Number.POSITIVE_INFINITY;
    expect(fold.content()).toEqual([]);
    world.run(5_000);
    expect(fold.content()).toEqual(primary.store.content());
  });
});

describe('a tap', () => {
  const world = () => {
    const virtual = new VirtualWorld();
    return { world: virtual, transport: new VirtualTransport(virtual) };
  };

  it('hands on what is applied, and not what is skipped', () => {
    const place = world();
    new FakePrimary(place.transport, (peer) => {
      peer.answer([5n], 'h');
      peer.snapshot([5n]);
      peer.batch([4n, 5n, 6n]);
      peer.batch([6n]);
      peer.batch([5n, 7n, 6n, 8n]);
    });
    const { fold, holds } = startTap(place);
    place.world.run(100);
    expect(fold.records).toEqual(['0:6', '0:7', '0:8']);
    expect(holds()).toBe('8');
  });

  it('says of whose history it came to know another', () => {
    const place = world();
    new FakePrimary(place.transport, (peer, _hello, connection) => {
      peer.answer([2n], (connection === 1 ? '1' : '2').repeat(32));
      peer.snapshot([2n]);
      if (connection === 1) peer.connection.end();
    });
    const { resyncs, fold } = startTap(place);
    place.world.run(2_000);
    expect(resyncs).toEqual([
      `the primary has the history ${'2'.repeat(32)}, and what is held is of the history ${'1'.repeat(32)}`,
    ]);
    expect(fold.types).toEqual(['snapshot-begin', 'snapshot-end', 'snapshot-begin', 'snapshot-end']);
  });

  it('takes a gap from nobody', () => {
    const place = world();
    new FakePrimary(place.transport, (peer) => {
      peer.answer([5n], 'h');
      peer.snapshot([5n]);
      peer.batch([7n]);
    });
    const { fold, events } = startTap(place);
    place.world.run(100);
    expect(fold.records).toEqual([]);
    expect(events).toContain('lost SEQUENCE_GAP');
  });

  it('hands on the frames of a primary without histories that begins with the first sequence, as new content', () => {
    const place = world();
    new FakePrimary(place.transport, (peer) => {
      peer.answer([3n]);
      peer.batch([1n, 2n]);
      peer.batch([3n, 4n]);
    });
    const { fold, holds } = startTap(place);
    place.world.run(100);
    expect(fold.types).toEqual(['snapshot-begin', 'record', 'snapshot-end']);
    expect(fold.records).toEqual(['0:1', '0:2', '0:3', '0:4']);
    expect(holds()).toBe('4');
  });

  it('ends the following when it is taken no more', async () => {
    const place = world();
    new FakePrimary(place.transport, (peer) => {
      peer.answer([2n], 'h');
      peer.snapshot([2n], ['a', 'b', 'c']);
      peer.batch([3n]);
    });
    let taken = 0;
    const refuses = startTap(place, {
      take: () => {
        taken++;
        return taken === 3 ? Promise.reject(new Error('no more')) : undefined;
      },
    });
    await run(place.world, 100);
    expect(taken).toBe(3);
    expect(refuses.events.at(-1)).toBe('stopped no more');
    await expect(refuses.tap.drained()).rejects.toThrow('no more');
  });

  it('does not connect again before there is room', async () => {
    const place = world();
    const primary = new FakePrimary(place.transport, (peer) => {
      peer.answer([2n], 'h');
      peer.snapshot([2n], ['a', 'b']);
    });
    const shut = gate();
    startTap(place, { take: ({ type }) => (type === 'entry' ? shut.room() : undefined) });
    await run(place.world, 50);
    primary.peers[0]!.connection.destroy();
    await run(place.world, 20_000);
    expect(primary.hellos).toHaveLength(1);
    shut.open();
    await run(place.world, 10);
    shut.open();
    await run(place.world, 6_000);
    expect(primary.hellos.length).toBeGreaterThan(1);
  });
});

/** A silent link between fastcache peers is dead, seen from both sides (docs/protocol.md, "Acks"). */
import { afterEach, describe, expect, it } from 'vitest';
import type { Timers } from '../../../src/clock.js';
import { FastcacheError } from '../../../src/errors.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { RawPeer, startFollower, startPrimary } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const HISTORY = 'ab'.repeat(16);
const OURS = encodeHelloFrame({ role: 'replica' }, { margin: new Map() });

const cluster = clustersOf('map');
const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/**
 * A follower of a primary that answers, with or without a history, gives an empty snapshot, and then says
 * nothing.
 */
function followSilent(history: string | undefined) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, (peer) => {
    peer.answer([7n], history);
    peer.snapshot([7n]);
  });
  const follower = startFollower(world, transport);
  closings.push(() => follower.follower.stop());
  world.run(50);
  return { world, transport, primary, ...follower };
}

/** A cluster with one replica that is level with its primary, and on which nothing but heartbeats goes on. */
async function idlePair() {
  const opened = await cluster();
  const replica = opened.follow();
  opened.world.runUntil(() => isEqual(opened.primary, replica));
  opened.world.run(100);
  return { ...opened, replica };
}

/** Timers of a process that can be stopped: those that fall due meanwhile run at once when it goes on. */
function stoppable(timers: Timers) {
  let isStopped = false;
  const due = new Set<() => void>();
  const held = (run: () => void) => () => {
    if (isStopped) due.add(run);
    else run();
  };
  return {
    timers: {
      after: (delayMs: number, run: () => void) => {
        const timer = timers.after(delayMs, held(run));
        return {
          cancel() {
            timer.cancel();
            due.delete(run);
          },
        };
      },
      endOfTurn: (run: () => void) => timers.endOfTurn(held(run)),
    } satisfies Timers,
    stop() {
      isStopped = true;
    },
    goOn() {
      isStopped = false;
      // One that is cancelled by another before it is out of the set and does not run.
      for (const run of due) run();
      due.clear();
    },
  };
}

describe('a replica', () => {
  it('drops a primary of ours that has said nothing for five seconds, and comes back to it', () => {
    const { world, primary, follower, errors } = followSilent(HISTORY);
    world.run(4_900);
    expect(follower.state.name).toBe('live');
    world.run(300);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(FastcacheError);
    expect(errors[0]).toMatchObject({ code: 'PEER_SILENT', address: '127.0.0.1:7631' });
    expect(errors[0]!.message).toMatch(
      /^127\.0\.0\.1:7631 has sent nothing for 5\d{3} ms: the link is dead\.$/,
    );
    world.run(300);
    expect(primary.hellos).toHaveLength(2);
    expect(primary.peers[0]!.closed).toBe(true);
  });

  it('says after how long it follows again', () => {
    const { world, log, follower } = followSilent(HISTORY);
    world.run(5_500);
    expect(follower.state.name).toBe('live');
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatch(/^info follows 127\.0\.0\.1:7631 again after \d+ ms$/);
  });

  it('stays with a Rust primary that says nothing', () => {
    const { world, primary, follower, errors } = followSilent(undefined);
    world.run(60_000);
    expect(errors).toEqual([]);
    expect(follower.state.name).toBe('live');
    expect(primary.hellos).toHaveLength(1);
  });

  it('stays with a primary that has nothing to say but that it is there', async () => {
    const { world, replica } = await idlePair();
    world.run(60_000);
    expect(replica.events.filter((name) => name === 'lost')).toEqual([]);
  });

  it('stays with a primary whose one frame trickles in for longer than that', () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    Object.assign(transport.conditions, { latencyMs: 100, sliceBytes: 50 });
    new FakePrimary(transport, (peer) => {
      peer.answer([7n], HISTORY);
      const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`);
      peer.snapshot([7n], keys);
    });
    const { follower, errors } = startFollower(world, transport);
    closings.push(() => follower.stop());
    world.runUntil(() => follower.state.name === 'live');
    expect(world.nowMs).toBeGreaterThan(10_000);
    expect(errors).toEqual([]);
  });

  it('whose process was stopped reads what came meanwhile before it calls the primary dead', () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const primary = new FakePrimary(transport, (peer) => {
      peer.answer([7n], HISTORY);
      peer.snapshot([7n]);
    });
    const process = stoppable(world.seams.timers);
    const { follower, errors } = startFollower(world, transport, { timers: process.timers });
    closings.push(() => follower.stop());
    const heartbeats = (count: number) => {
      for (let beat = 0; beat < count; beat += 1) {
        world.run(1_000);
        primary.peers[0]!.send(FrameKind.Ack, encodeWatermarks([7n]));
      }
    };
    world.run(50);
    heartbeats(2);
    process.stop();
    transport.pairs[0]!.client.pause();
    heartbeats(20);
    process.goOn();
    transport.pairs[0]!.client.resume();
    heartbeats(20);
    expect(errors).toEqual([]);
    expect(primary.hellos).toHaveLength(1);
  });

  it('whose process was stopped for long is dropped meanwhile, comes back and is level again', async () => {
    const { world, transport, primary } = await cluster();
    const process = stoppable(world.seams.timers);
    const replica = startFollower(world, transport, { timers: process.timers });
    closings.push(() => replica.follower.stop());
    world.runUntil(() => isEqual(primary, replica));
    process.stop();
    transport.pairs[0]!.client.pause();
    world.run(6_100);
    expect(primary.listener.replicas()).toEqual([]);
    fill(primary, 0, 20);
    world.run(20_000);
    process.goOn();
    world.runUntil(() => isEqual(primary, replica));
    expect(primary.listener.replicas()).toHaveLength(1);
    world.runUntil(() => primary.metrics.catchUpBacklogCount === 1);
    expect(primary.metrics.catchUpSnapshotCount).toBe(1);
  });
});

describe('a primary', () => {
  it('drops a replica of ours that has said nothing for five seconds, and says which and for how long', async () => {
    const { world, transport, primary } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(OURS);
    world.run(4_900);
    const [replica] = primary.listener.replicas();
    expect(replica).toBeDefined();
    world.run(300);
    expect(primary.listener.replicas()).toEqual([]);
    expect(peer.closed).toBe(true);
    expect(primary.log.lines.at(-1)).toMatch(
      new RegExp(
        `^warn replica ${replica!.address} has sent nothing for 5\\d{3} ms: the link is dead and is dropped$`,
      ),
    );
  });

  it('drops one that does not read either, although its own send buffer is full', async () => {
    const { world, transport, primary } = await cluster({}, { sendBufferBytes: 500 });
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(OURS);
    world.run(100);
    peer.connection.pause();
    fill(primary, 0, 100);
    world.run(5_200);
    expect(transport.pairs[0]!.server.closed).toBe(true);
    expect(primary.listener.replicas()).toEqual([]);
    expect(primary.metrics.queueDepth).toBe(0);
  });

  it('frees a snapshot that was on its way to a dead link', async () => {
    const { world, transport, primary } = await cluster({}, { sendBufferBytes: 500 });
    fill(primary, 0, 1_000);
    world.run(10);
    const peer = RawPeer.connect(world, transport);
    peer.connection.pause();
    peer.connection.write(OURS);
    world.run(1_000);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'snapshot' }]);
    expect(primary.store.openScans).toBe(1);
    world.run(5_000);
    expect(primary.listener.replicas()).toEqual([]);
    expect(primary.store.openScans).toBe(0);
  });

  it('keeps a Rust replica, which never says anything', async () => {
    const { world, transport, primary } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
    world.run(60_000);
    expect(primary.listener.replicas()).toHaveLength(1);
    expect(peer.closed).toBe(false);
  });

  it('keeps a replica that is slow, be it that its Ack comes byte by byte', async () => {
    const { world, transport, primary } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(OURS);
    world.run(100);
    const ack = encodeFrame(FrameKind.Ack, encodeWatermarks([1n, 2n, 3n, 4n]));
    for (const byte of ack) {
      peer.connection.write(Buffer.from([byte]));
      world.run(900);
    }
    expect(peer.closed).toBe(false);
    expect(primary.listener.replicas()).toMatchObject([{ acknowledged: [1n, 2n, 3n, 4n] }]);
  });

  it('whose process was stopped reads what came meanwhile before it calls a replica dead', async () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const process = stoppable(world.seams.timers);
    const primary = await startPrimary(world, transport, { listener: { timers: process.timers } });
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(OURS);
    const acks = (count: number) => {
      for (let ack = 0; ack < count; ack += 1) {
        world.run(1_000);
        peer.send(FrameKind.Ack, encodeWatermarks([1n]));
      }
    };
    acks(2);
    process.stop();
    transport.pairs[0]!.server.pause();
    acks(20);
    process.goOn();
    transport.pairs[0]!.server.resume();
    acks(20);
    expect(peer.closed).toBe(false);
    expect(primary.listener.replicas()).toHaveLength(1);
    await primary.stop();
  });

  it('leaves no timer behind when it is closed', async () => {
    const { world, primary, replica, close } = await idlePair();
    world.run(2_000);
    replica.follower.stop();
    await close();
    world.run(6_000);
    expect(primary.listener.replicas()).toEqual([]);
    expect(world.pending).toBe(0);
    expect(primary.log.lines.filter((line) => line.includes('the link is dead'))).toEqual([]);
  });
});

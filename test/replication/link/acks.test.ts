/**
 * Acks of replicas: content, receiver and frequency, and the clients that wait (docs/protocol.md, "Acks").
 */
import { describe, expect, it } from 'vitest';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeWatermarks, encodeWatermarks } from '../../../src/frame/watermarks.js';
import { waitForReplicas } from '../../../src/replication/primary/wait.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { RawPeer, startFollower } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const HISTORY = 'ab'.repeat(16);

/**
 * A follower of a primary that hands out `perMs` batches a millisecond for `durationMs`; the Acks, with their
 * times.
 */
function acksWhile(history: string | undefined, durationMs: number, batches: number) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const acks: { atMs: number; watermarks: bigint[] }[] = [];
  const primary = new FakePrimary(transport, (peer) => {
    const note = peer.onFrame!;
    peer.onFrame = (frame) => {
      if (frame.header.kind !== FrameKind.Ack) return note(frame);
      acks.push({ atMs: world.nowMs, watermarks: Array.from(decodeWatermarks(frame.wirePayload)) });
    };
    peer.answer([0n], history);
    if (history === undefined) return;
    peer.begin([0n]);
    peer.chunk(0n, true, [0n], []);
    peer.end([0n]);
  });
  const { follower } = startFollower(world, transport);
  world.run(50);
  for (let batch = 1; batch <= batches; batch += 1) {
    world.plan((durationMs * batch) / batches, () => primary.peers[0]!.batch([BigInt(batch)]));
  }
  world.run(durationMs);
  follower.stop();
  return { world, acks };
}

describe('a replica acknowledges', () => {
  it('what it has applied, at most every 100 ms', () => {
    const { acks } = acksWhile(HISTORY, 2_000, 2_000);
    expect(acks.length).toBeGreaterThan(15);
    const pauses = acks.slice(1).map(({ atMs }, index) => atMs - acks[index]!.atMs);
    expect(Math.round(Math.min(...pauses))).toBeGreaterThanOrEqual(100);
    expect(Math.max(...pauses)).toBeLessThan(150);
    const told = acks.map(({ watermarks }) => Number(watermarks[0]));
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBeGreaterThan(1_800);
  });

  it('every second when nothing comes, and no more once it has left', () => {
    const { world, acks } = acksWhile(HISTORY, 5_000, 0);
    expect(acks.length).toBeGreaterThanOrEqual(5);
    expect(acks.length).toBeLessThanOrEqual(6);
    world.run(5_000);
    expect(acks.length).toBeLessThanOrEqual(6);
    expect(world.pending).toBe(0);
  });

  it('nothing to a Rust primary, which does not read', () => {
    expect(acksWhile(undefined, 3_000, 100).acks).toEqual([]);
  });
});

describe('a primary', () => {
  const cluster = clustersOf('map');

  it('knows what a replica has applied, not only what it was sent', async () => {
    const { world, transport, primary, follow } = await cluster();
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(1_500);
    const before = primary.publisher.watermarks();
    expect(primary.listener.acknowledged(before)).toBe(1);
    transport.pairs[0]!.server.stall();
    fill(primary, 0, 10);
    world.run(500);
    expect(primary.listener.acknowledged(primary.publisher.watermarks())).toBe(0);
    expect(primary.listener.acknowledged(before)).toBe(1);
    expect(primary.listener.replicas()).toMatchObject([{ acknowledged: before, sinceAckSeconds: 0 }]);
  });

  it('waits for as many replicas as are asked for, and tells how many there are', async () => {
    const { world, primary, follow } = await cluster();
    const replicas = [follow(), follow()];
    world.runUntil(() => replicas.every((replica) => isEqual(primary, replica)));
    world.run(200);
    const { publisher, listener } = primary;
    const answers: [count: number, atMs: number][] = [];
    const wait = (count: number, timeoutMs: number) =>
      waitForReplicas({ timers: world.seams.timers, publisher, listener }, count, timeoutMs, (there) =>
        answers.push([there, world.nowMs]),
      );
    const startedMs = world.nowMs;
    wait(2, 0);
    expect(answers).toEqual([[2, startedMs]]);
    primary.store.set('key', 'value');
    wait(2, 0);
    expect(answers).toHaveLength(1);
    world.run(150);
    expect(answers[1]?.[0]).toBe(2);
    expect(answers[1]?.[1]).toBeGreaterThan(startedMs);
    // They were asked; by themselves they acknowledge after 100 ms.
    expect(answers[1]?.[1]).toBeLessThan(startedMs + 20);
    wait(3, 300);
    const cancel = wait(3, 0);
    const planned = world.nowMs;
    world.run(5_000);
    expect(answers.slice(2)).toEqual([[2, planned + 300]]);
    cancel();
  });

  it('asks once more for what was written while a question was on its way', async () => {
    const { world, primary, follow } = await cluster({}, { latencyMs: 2 });
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(200);
    const { publisher, listener } = primary;
    const startedMs = world.nowMs;
    const answeredMs: number[] = [];
    for (const key of ['first', 'second']) {
      primary.store.set(key, 'value');
      waitForReplicas({ timers: world.seams.timers, publisher, listener }, 1, 0, () => {
        answeredMs.push(world.nowMs - startedMs);
      });
      world.run(1);
    }
    world.run(50);
    expect(answeredMs).toHaveLength(2);
    expect(Math.max(...answeredMs)).toBeLessThan(20);
  });

  it('counts a replica as good while it is live and its last Ack is not older than what is asked for', async () => {
    const { world, transport, primary } = await cluster();
    const good = (maxLagSeconds: number) => primary.listener.goodReplicas(maxLagSeconds);
    const rust = RawPeer.connect(world, transport);
    rust.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    world.run(100);
    peer.send(FrameKind.Ack, encodeWatermarks([]));
    world.run(100);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'live' }, { state: 'live' }]);
    expect(good(10)).toBe(0);
    peer.send(FrameKind.Ack, encodeWatermarks(primary.publisher.watermarks()));
    world.run(100);
    expect(good(10)).toBe(1);
    world.run(2_800);
    expect([good(1), good(2), good(10)]).toEqual([0, 1, 1]);
    world.run(200);
    expect(good(2)).toBe(0);
    peer.send(FrameKind.Ack, encodeWatermarks(primary.publisher.watermarks()));
    world.run(100);
    expect(good(1)).toBe(1);
  });

  it('no longer counts a replica that has gone', async () => {
    const { world, primary, follow } = await cluster();
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(200);
    expect(primary.listener.acknowledged(primary.publisher.watermarks())).toBe(1);
    replica.follower.stop();
    world.run(50);
    expect(primary.listener.acknowledged(primary.publisher.watermarks())).toBe(0);
  });
});

describe('between peers of ours', () => {
  const cluster = clustersOf('map');
  const acksOf = (peer: RawPeer) => peer.kinds().filter((kind) => kind === FrameKind.Ack).length;

  it('the primary sends its own watermarks each second', async () => {
    const { world, transport, primary } = await cluster();
    primary.store.set('key', 'value');
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    world.run(900);
    expect(acksOf(peer)).toBe(0);
    world.run(3_200);
    expect(acksOf(peer)).toBe(4);
    const last = peer.frames.at(-1)!;
    expect(last.kind).toBe(FrameKind.Ack);
    expect(Array.from(decodeWatermarks(last.payload))).toEqual(primary.publisher.watermarks());
  });

  it('a Rust replica is sent none', async () => {
    const { world, transport } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
    world.run(4_000);
    expect(acksOf(peer)).toBe(0);
    expect(peer.closed).toBe(false);
  });

  it('heartbeats do not gather where nobody reads', async () => {
    const { world, transport, primary } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    world.run(500);
    const { server } = transport.pairs[0]!;
    server.stall();
    primary.store.set('key', 'value');
    world.run(100);
    const waiting = server.bufferedBytes;
    world.run(4_000);
    expect(server.bufferedBytes).toBe(waiting);
  });

  it('a replica that takes in a snapshot acknowledges what it holds, and nothing when it holds nothing', () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const acks: bigint[][] = [];
    const primary = new FakePrimary(transport, (peer, _, connection) => {
      peer.onFrame = ({ header, wirePayload }) => {
        if (header.kind === FrameKind.Ack) acks.push(Array.from(decodeWatermarks(wirePayload)));
      };
      peer.answer([9n], HISTORY);
      peer.begin([9n]);
      if (connection === 1) peer.chunk(0n, false, [9n], ['key:1']);
    });
    const { follower } = startFollower(world, transport);
    world.run(3_000);
    expect(acks.length).toBeGreaterThanOrEqual(2);
    expect(acks.every((watermarks) => watermarks.length === 0)).toBe(true);
    primary.peers[0]!.chunk(1n, true, [9n], []);
    primary.peers[0]!.end([9n]);
    world.run(200);
    expect(acks.at(-1)).toEqual([9n]);
    primary.peers[0]!.connection.destroy();
    acks.length = 0;
    // The same history, and yet a snapshot: the held content is still true of it.
    world.run(3_000);
    expect(acks.length).toBeGreaterThanOrEqual(2);
    expect(acks.every((watermarks) => watermarks[0] === 9n)).toBe(true);
    follower.stop();
  });
});

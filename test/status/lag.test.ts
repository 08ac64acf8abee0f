/** How far replicas are behind, as INFO and the tools tell it, on a virtual network. */
import { describe, expect, it } from 'vitest';
import { encodeHello, encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { lagLine, lagOf } from '../../src/status/lag.js';
import { RawPeer, type VirtualPrimary } from '../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../support/virtual-clusters.js';

const cluster = clustersOf('map');
const LEVEL = { records: 0, bytes: 0, ms: 0 };

function lagsOf({ listener, publisher }: VirtualPrimary) {
  return listener.replicas().map((replica) => lagOf(replica, publisher.backlog));
}

/**
 * A replica of ours, played by the test, that has taken the snapshot of an empty primary and acknowledged it.
 */
async function withPeer() {
  const opened = await cluster({ store: { shards: 1 } });
  const { world, transport, primary } = opened;
  const peer = RawPeer.connect(world, transport);
  peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
  world.run(10);
  const acknowledge = (records: number) => {
    peer.send(FrameKind.Ack, encodeWatermarks([primary.history.base + BigInt(records)]));
    world.run(1);
  };
  acknowledge(0);
  return { ...opened, peer, acknowledge };
}

describe('the lag of a replica', () => {
  it('is nothing once it has acknowledged all, and stays so however long the primary is idle', async () => {
    const { world, primary, follow } = await cluster();
    const replica = follow();
    fill(primary, 0, 100);
    world.runUntil(() => isEqual(primary, replica));
    world.run(200);
    expect(lagsOf(primary)).toEqual([{ ...LEVEL, shards: new Array(4).fill(LEVEL) }]);
    world.run(3_600_000);
    expect(lagsOf(primary)).toEqual([{ ...LEVEL, shards: new Array(4).fill(LEVEL) }]);
  });

  it('is counted from what it has acknowledged, not from what it was sent', async () => {
    const { world, primary, acknowledge } = await withPeer();
    for (let write = 0; write < 10; write += 1) {
      primary.store.set(`key:${write}`, 'value');
      world.run(20);
    }
    const [all] = lagsOf(primary);
    expect(all).toMatchObject({ records: 10, ms: 180, bytes: primary.publisher.backlog.windows()[0]!.bytes });
    acknowledge(4);
    expect(lagsOf(primary)).toMatchObject([{ records: 6, ms: 100, shards: [{ records: 6, ms: 100 }] }]);
    acknowledge(10);
    expect(lagsOf(primary)).toMatchObject([LEVEL]);
  });

  it('of all shards is the sum of their records and bytes, and the most of their times', async () => {
    const { world, transport, primary, follow } = await cluster();
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(1_000);
    transport.pairs[0]!.client.stall();
    fill(primary, 0, 50);
    world.run(30);
    fill(primary, 50, 60);
    world.run(30);
    const [lag] = lagsOf(primary);
    if (lag === undefined || lag === 'snapshot') throw new Error('no lag');
    expect(lag.records).toBe(60);
    expect(lag.shards).toHaveLength(4);
    expect(lag.records).toBe(lag.shards.reduce((sum, { records }) => sum + records, 0));
    expect(lag.bytes).toBe(lag.shards.reduce((sum, { bytes }) => sum + bytes!, 0));
    expect(lag.ms).toBe(30);
  });

  it('is known in records alone behind the backlog', async () => {
    const { world, primary, acknowledge } = await withPeer();
    fill(primary, 0, 10);
    world.run(10);
    for (let round = 0; round < 30; round += 1) {
      fill(primary, 0, 1_000);
      world.run(10);
      acknowledge(5);
    }
    expect(lagsOf(primary)).toMatchObject([{ records: 30_005, bytes: undefined, ms: undefined }]);
    expect(lagLine(lagsOf(primary)[0]!)).toBe('lag_records=30005');
  });

  it('goes on growing in time behind the backlog, within a second and a sixteenth', async () => {
    const { world, primary, acknowledge } = await withPeer();
    fill(primary, 0, 10);
    world.run(10);
    acknowledge(5);
    let least = 0;
    for (let second = 1; second <= 100; second += 1) {
      fill(primary, 0, 1_000);
      world.run(900);
      acknowledge(5);
      world.run(100);
      const [replica] = primary.listener.replicas();
      const lag = lagOf(replica!, primary.publisher.backlog, (held) => primary.listener.lagMs(held));
      if (lag === 'snapshot') throw new Error('no lag');
      expect(lag.ms).toBeGreaterThanOrEqual(least);
      least = lag.ms!;
      const trueMs = second * 1000;
      expect(lag.ms!).toBeGreaterThan(trueMs - 1_000);
      expect(lag.ms!).toBeLessThan(trueMs * (1 + 1 / 16) + 2_000);
    }
    expect(primary.publisher.backlog.behind(0, primary.history.base + 5n).ms).toBeUndefined();
    acknowledge(10 + 100_000);
    expect(lagsOf(primary)).toMatchObject([LEVEL]);
  });

  it('is not known while it takes in a snapshot, nor while it has yet to show what it was sent', async () => {
    const { world, transport, primary } = await cluster({}, { sendBufferBytes: 500 });
    fill(primary, 0, 1_000);
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    world.run(1);
    peer.connection.pause();
    peer.send(FrameKind.Ack, encodeWatermarks([]));
    world.run(10);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'snapshot' }]);
    expect(lagsOf(primary)).toEqual(['snapshot']);
    peer.connection.resume();
    world.run(100);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'live' }]);
    expect(lagsOf(primary)).toEqual(['snapshot']);
    expect(lagLine('snapshot')).toBe('lag=snapshot');
    peer.send(FrameKind.Ack, encodeWatermarks(primary.publisher.watermarks()));
    world.run(10);
    expect(lagsOf(primary)).toMatchObject([LEVEL]);
  });

  it('of a Rust replica, which acknowledges nothing, is counted from what it was sent', async () => {
    const { world, transport, primary } = await cluster({ store: { shards: 1 } }, { sendBufferBytes: 500 });
    const peer = RawPeer.connect(world, transport);
    peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
    world.run(10);
    peer.connection.pause();
    for (let write = 0; write < 20; write += 1) {
      primary.store.set(`key:${write}`, 'value');
      world.run(5);
    }
    const [lag] = lagsOf(primary);
    expect(lag).toMatchObject({ records: expect.any(Number) });
    if (lag !== 'snapshot') expect(lag!.records).toBeGreaterThan(0);
    peer.connection.resume();
    world.run(100);
    expect(lagsOf(primary)).toMatchObject([LEVEL]);
  });

  it('is nothing of a list that is too short, too long or beyond the primary but what it says', async () => {
    const { world, primary, peer } = await withPeer();
    fill(primary, 0, 3);
    world.run(10);
    for (const [told, records] of [
      [[0n], 3],
      [[2n ** 64n - 1n], 0],
      [new Array(1_000).fill(2n ** 64n - 1n), 0],
    ] as const) {
      peer.send(FrameKind.Ack, encodeWatermarks(told as bigint[]));
      world.run(10);
      expect(lagsOf(primary)).toMatchObject([{ records }]);
    }
    expect(lagLine(lagsOf(primary)[0]!)).toBe('lag_records=0,lag_bytes=0,lag_ms=0');
  });
});

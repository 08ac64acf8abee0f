/**
 * Replicas of replicas: the frames that a relay hands on, when its replicas are dropped and when they notice
 * nothing.
 */
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { decodeErrorText } from '../../../src/frame/error-text.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { Probe } from '../../../src/replication/link/probe.js';
import { parseAddress } from '../../../src/transport/address.js';
import { FakePrimary, type Script } from '../../support/fake-primary.js';
import {
  PRIMARY_ADDRESS,
  RawPeer,
  startFollower,
  type VirtualFollower,
} from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualRelay } from '../../support/virtual-relay.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const RELAY = '127.0.0.1:7001';
const OTHER_RELAY = '127.0.0.1:7002';
const LOWER_RELAY = '127.0.0.1:7003';

function codes({ errors }: VirtualFollower): string[] {
  return errors.map((error) => (error instanceof FastcacheError ? error.code : error.message));
}

describe.each(['map', 'kernel'] as const)('on a %s store:', (kind) => {
  const cluster = clustersOf(kind);

  /** A primary with content, a relay and a leaf of the relay, all level. */
  async function chain(options: Parameters<typeof cluster>[0] = {}) {
    const opened = await cluster(options);
    fill(opened.primary, 0, 200);
    const relay = await opened.relay({ bind: RELAY });
    const leaf = opened.follow(RELAY);
    opened.world.runUntil(() => isEqual(opened.primary, leaf));
    return { ...opened, relay, leaf };
  }

  describe('a relay', () => {
    it('hands on the primary frames as they are, and its leaf holds the primary history', async () => {
      const { world, primary, relay, leaf } = await chain({
        publisher: { encoding: { compression: 'zstd' } },
      });
      const from = primary.store.watermarks();
      fill(primary, 100, 400, 'z'.repeat(200));
      primary.store.del('key:7');
      world.runUntil(() => isEqual(primary, leaf));
      expect(leaf.store()?.content()).toEqual(primary.store.content());
      expect(leaf.follower.holding?.history).toEqual(primary.history);
      const sent = primary.publisher.backlog.catchUp(from);
      expect(sent.kind).toBe('frames');
      expect(relay.relay.stream?.backlog.catchUp(from)).toEqual(sent);
    });

    it('that has no content yet refuses, probes too, and is followed when it has', async () => {
      const { world, transport, primary, relay: startRelay, follow } = await cluster();
      await primary.stop();
      await startRelay({ bind: RELAY });
      const leaf = follow(RELAY);
      world.run(50);
      expect(codes(leaf)[0]).toBe('PRIMARY_LOADING');
      const peer = RawPeer.connect(world, transport, RELAY);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica' }));
      const probe = Probe.open(parseAddress(RELAY), {
        transport,
        timers: world.seams.timers,
        connectTimeoutMs: 500,
      });
      const refused = expect(probe).rejects.toMatchObject({ code: 'PRIMARY_LOADING' });
      world.run(20);
      await refused;
      expect(decodeErrorText(peer.frames[0]!.payload)).toBe('no content yet');
    });

    it('that is cut off and comes back leaves its leaf alone, which misses nothing', async () => {
      const { world, transport, primary, relay, leaf } = await chain();
      leaf.events.length = 0;
      transport.pairs[0]!.client.break();
      fill(primary, 0, 50, 'while away');
      world.runUntil(() => isEqual(primary, leaf));
      expect(relay.following?.events).toContain('lost');
      expect(leaf.events).toEqual([]);
      expect(leaf.store()?.content()).toEqual(primary.store.content());
    });

    it('that was given a snapshot gives its leaf one', async () => {
      const { world, transport, primary, leaf } = await chain({ publisher: { backlogBytes: 8_000 } });
      leaf.events.length = 0;
      transport.pairs[0]!.client.break();
      fill(primary, 0, 400, 'while away');
      world.runUntil(() => isEqual(primary, leaf));
      expect(leaf.events).toEqual(['lost', 'connecting', 'snapshot', 'swapped', 'live', 'caughtUp']);
      expect(leaf.store()?.content()).toEqual(primary.store.content());
    });

    it('lets a leaf that was away resume from its backlog', async () => {
      const { world, transport, primary, relay, leaf } = await chain();
      // Until it has acknowledged what it has.
      world.run(200);
      transport.pairs.at(-1)!.client.break();
      fill(primary, 0, 100, 'while away');
      world.runUntil(() => isEqual(primary, leaf));
      world.runUntil(() => relay.metrics.catchUpBacklogCount === 1);
      expect(relay.metrics.catchUpSnapshotCount).toBe(1);
      expect(relay.log.lines.at(-2)).toMatch(/^info replica \S+ is back after \d+ ms$/);
      expect(relay.log.lines.at(-1)).toMatch(
        /^info replica \S+ resumes from the backlog: records that it lacks: \d+$/,
      );
    });

    it('says why it cannot: shard, wanted and earliest sequence, bytes', async () => {
      const { world, transport, primary, relay, leaf } = await chain({ store: { shards: 1 } });
      transport.pairs.at(-1)!.client.break();
      fill(primary, 0, 6_000, 'x'.repeat(300));
      world.runUntil(() => isEqual(primary, leaf), 10_000);
      expect(relay.log.lines.at(-1)).toMatch(
        /is given a snapshot: shard 0 would go on at sequence \d+, and the \d+ bytes of its backlog begin at \d+$/,
      );
    });

    it('that lags is no reason to go back: a replica that is ahead waits for it', async () => {
      const { world, transport, primary, relay: startRelay } = await cluster();
      fill(primary, 0, 100);
      const relay = await startRelay({ bind: RELAY });
      const other = await startRelay({ bind: OTHER_RELAY });
      world.runUntil(() => isEqual(primary, relay) && isEqual(primary, other));
      transport.pairs[0]!.server.stall();
      fill(primary, 0, 10, 'later');
      world.runUntil(() => isEqual(primary, other));
      const held = other.store()!.watermarks();
      other.follow(RELAY);
      world.run(2_000);
      expect(new Set(codes(other.following!))).toEqual(new Set(['PRIMARY_BEHIND']));
      expect(other.store()?.watermarks()).toEqual(held);
      transport.pairs[0]!.server.unstall();
      world.runUntil(() => other.follower.state.name === 'live');
      expect(other.following?.events).not.toContain('snapshot');
      expect(isEqual(primary, other)).toBe(true);
    });

    it('that was restarted with what it had, and has no primary yet, is none either', async () => {
      const { world, transport, primary, relay: startRelay } = await cluster();
      fill(primary, 0, 100);
      const relay = await startRelay({ bind: RELAY });
      const other = await startRelay({ bind: OTHER_RELAY });
      world.runUntil(() => isEqual(primary, relay) && isEqual(primary, other));
      transport.pairs[0]!.server.stall();
      fill(primary, 0, 10, 'later');
      world.runUntil(() => isEqual(primary, other));
      const held = other.store()!.watermarks();
      const restarted = await startRelay({ bind: LOWER_RELAY, address: '127.0.0.1:1' });
      restarted.relay.swapped(relay.follower.holding!);
      other.follow(LOWER_RELAY);
      world.run(2_000);
      expect(codes(other.following!)).toContain('PRIMARY_BEHIND');
      expect(other.store()?.watermarks()).toEqual(held);
    });

    it('is as good as the primary for a Rust replica', async () => {
      const { world, transport, primary, relay } = await chain({ store: { shards: 1 } });
      const peer = RawPeer.connect(world, transport, RELAY);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: relay.store()!.watermarks() }));
      world.run(10);
      primary.store.set('one', 'more');
      world.run(10);
      expect(peer.kinds()).toEqual([FrameKind.Hello, FrameKind.MutationBatch]);
    });

    it('tells the path to the primary, and drops its leaves when that changes', async () => {
      const { world, transport, primary, relay, leaf, relay: upper } = await chain();
      const lower = await VirtualRelay.start(world, transport, { kind, address: RELAY, bind: LOWER_RELAY });
      const lowest = startFollower(world, transport, { kind, address: parseAddress(LOWER_RELAY) });
      world.runUntil(() => isEqual(primary, lowest));
      const pathOf = (address: string) => {
        const peer = RawPeer.connect(world, transport, address);
        peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
        world.run(10);
        peer.connection.destroy();
        return peer.hello()?.margin?.get('path')?.split(',');
      };
      const [ofPrimary] = pathOf(PRIMARY_ADDRESS)!;
      expect(pathOf(LOWER_RELAY)).toEqual([lower.relay.nodeId, upper.relay.nodeId, ofPrimary]);
      lowest.events.length = 0;
      lower.follow(PRIMARY_ADDRESS);
      world.runUntil(() => lowest.events.includes('lost') && lowest.follower.state.name === 'live');
      expect(lowest.events).not.toContain('snapshot');
      expect(pathOf(LOWER_RELAY)).toEqual([lower.relay.nodeId, ofPrimary]);
      expect(relay.log.lines.join()).not.toContain('cut off');
      expect(leaf.follower.state.name).toBe('live');
      lowest.follower.stop();
      await lower.stop();
    });
  });

  it('a tree of relays and leaves is level after writes, cuts and a leaf that changes over', async () => {
    const { world, transport, primary, relay, follow } = await cluster({}, { latencyMs: 2, sliceBytes: 700 });
    fill(primary, 0, 300);
    const left = await relay({ bind: RELAY });
    const right = await relay({ bind: OTHER_RELAY });
    const lower = await relay({ address: RELAY, bind: LOWER_RELAY });
    const leaves = [follow(RELAY), follow(OTHER_RELAY), follow(LOWER_RELAY), follow(LOWER_RELAY)];
    for (let round = 0; round < 30; round += 1) {
      fill(primary, round * 7, round * 7 + 40, `round ${round}`);
      world.run(40);
      const { client, server } = transport.pairs[(round * 5) % transport.pairs.length]!;
      if (!client.closed && !server.closed) client.break();
      if (round === 15) lower.follow(OTHER_RELAY);
    }
    const all = [left, right, lower, ...leaves];
    world.runUntil(() => all.every((node) => isEqual(primary, node)), 30_000);
    for (const node of all) expect(node.store()?.content()).toEqual(primary.store.content());
  });
});

/** A relay of a primary that says exactly what a test has it say, and a leaf of that relay. */
async function scripted(script: Script) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, script);
  const relay = await VirtualRelay.start(world, transport, {
    address: PRIMARY_ADDRESS,
    bind: RELAY,
    foreignHistory: 'accept',
  });
  const leaf = startFollower(world, transport, { address: parseAddress(RELAY) });
  world.runUntil(() => leaf.follower.state.name === 'live');
  return { world, transport, primary, relay, leaf };
}

describe('above a Rust primary a relay', () => {
  it('makes up a history for what it holds, which outlives its link and not its content', async () => {
    const { world, primary, relay, leaf } = await scripted((peer, _, connection) => {
      if (connection < 3) peer.answer([connection === 1 ? 2n : 3n]);
      if (connection === 1) peer.batch([1n, 2n]);
      if (connection === 2) peer.batch([1n, 2n]);
      if (connection === 2) peer.batch([3n]);
      if (connection === 3) peer.answer([1n]);
      if (connection === 4) {
        peer.answer([1n]);
        peer.batch([1n], 'other');
      }
    });
    const first = leaf.follower.holding?.history;
    expect(relay.follower.holding?.history).toBeUndefined();
    expect(first).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), base: 0n, isRust: true });
    expect(leaf.follower.primaryIsOurs).toBe(false);
    leaf.events.length = 0;
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => leaf.store()?.get('key:3') !== undefined);
    expect(leaf.events).toEqual([]);
    primary.peers[1]?.connection.destroy();
    world.runUntil(() => leaf.store()?.get('key:1') === 'other');
    const second = leaf.follower.holding?.history;
    expect(second?.id).not.toBe(first?.id);
    expect(leaf.store()?.keyCount()).toBe(1);
    leaf.follower.stop();
    await relay.stop();
  });

  it('does not hand on what it knew already', async () => {
    const { world, primary, relay, leaf } = await scripted((peer) => {
      peer.answer([3n]);
      peer.batch([1n, 2n, 3n]);
    });
    primary.peers[0]?.batch([2n, 3n]);
    primary.peers[0]?.batch([3n, 4n]);
    world.run(10);
    expect(leaf.store()?.watermarks()).toEqual([4n]);
    expect(leaf.metrics).toMatchObject({ replicaApplied: 1, replicaSkipped: 1 });
    expect(relay.relay.stream?.backlog.windows()).toMatchObject([{ frames: 1, watermark: 4n }]);
    leaf.follower.stop();
    await relay.stop();
  });

  it('that sends batches of mixed shards gives its leaves snapshots, and says so once', async () => {
    const { world, primary, relay, leaf } = await scripted((peer) => peer.answer([0n, 0n]));
    const [peer] = primary.peers;
    peer?.mixedBatch([
      [0, 1n],
      [1, 1n],
    ]);
    world.runUntil(() => leaf.store()?.watermarks().join() === '1,1');
    peer?.mixedBatch([
      [1, 2n],
      [0, 2n],
    ]);
    world.runUntil(() => leaf.store()?.watermarks().join() === '2,2');
    expect(relay.metrics.catchUpSnapshotCount).toBe(3);
    expect(relay.log.lines.filter((line) => line.includes('is not handed on'))).toHaveLength(1);
    peer?.batch([3n]);
    world.run(50);
    expect(leaf.store()?.watermarks()).toEqual([3n, 2n]);
    leaf.follower.stop();
    await relay.stop();
  });
});

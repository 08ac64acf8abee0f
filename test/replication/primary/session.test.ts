import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHeader } from '../../../src/frame/header.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { parseAddress } from '../../../src/transport/address.js';
import type { VirtualPrimary, VirtualPrimaryOptions } from '../../support/virtual-cluster.js';
import { PRIMARY_ADDRESS, RawPeer, startPrimary } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const HELLO = encodeHello({ role: 'replica' });
const ALL = 0xffff_ffff_ffff_ffffn;

async function open(options: VirtualPrimaryOptions = {}) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = await startPrimary(world, transport, options);
  running.push(primary);
  return { world, transport, primary, connect: () => RawPeer.connect(world, transport) };
}

const running: VirtualPrimary[] = [];
afterEach(async () => {
  for (const primary of running.splice(0)) await primary.stop();
});

describe('the Hello of a replica', () => {
  it('is answered with a Hello: role 1, no token, the watermarks, and our margin', async () => {
    const { world, primary, connect } = await open({ store: { shards: 2 } });
    primary.store.set('a', '1');
    const peer = connect();
    peer.send(FrameKind.Hello, HELLO);
    world.run(10);
    const answer = peer.hello()!;
    expect(answer.hello).toMatchObject({ version: 1, role: 'replica', token: undefined });
    expect(Array.from(answer.hello.watermarks!)).toEqual(primary.publisher.watermarks());
    expect(answer.margin?.get('history')).toBe(primary.history.id);
    expect(answer.margin?.get('base')).toBe(primary.history.base.toString());
    expect(primary.history.id).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    ['another kind first', encodeFrame(FrameKind.Ack, encodeWatermarks([])), 'expected Hello frame'],
    [
      'another version in the Hello',
      encodeFrame(FrameKind.Hello, encodeHello({ role: 'replica', version: 2 })),
      'unsupported FCRP version',
    ],
    [
      'another version in the header',
      encodeFrame(FrameKind.Hello, HELLO, { version: 3 }),
      'unsupported FCRP version',
    ],
    ['no token', encodeFrame(FrameKind.Hello, HELLO), 'invalid auth token'],
    ['a wrong token', encodeHelloFrame({ role: 'replica', token: 'secreT' }), 'invalid auth token'],
  ])('%s is refused with its text, and the connection closed', async (_, bytes, text) => {
    const { world, primary, connect } = await open({ listener: { token: 'secret' } });
    const peer = connect();
    peer.connection.write(bytes);
    world.run(10);
    expect(peer.errorText()).toBe(text);
    expect(peer.kinds()).toEqual([FrameKind.Error]);
    expect(peer.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(primary.log.lines.join()).not.toContain('secreT');
  });

  it('with a wrong token is compared once a second behind ten of them, however many hang up', async () => {
    const { world, primary, connect } = await open({ listener: { token: 'secret' } });
    const guess = encodeHelloFrame({ role: 'replica', token: 'wrong' });
    const startedMs = world.seams.clock.nowMs();
    let compared = 0;
    for (let count = 0; count < 1_000; count += 1) {
      const peer = connect();
      peer.connection.write(guess);
      world.run(10);
      if (peer.errorText() !== undefined) compared += 1;
      peer.connection.destroy();
      world.run(5);
    }
    expect(compared).toBe(10);
    const peers = Array.from({ length: 200 }, connect);
    for (const peer of peers) peer.connection.write(guess);
    world.run(10);
    expect(peers.filter((peer) => !peer.closed).length).toBeLessThanOrEqual(3);
    world.run(4_000);
    expect(peers.filter((peer) => peer.errorText() !== undefined).length).toBeLessThanOrEqual(3);
    expect(world.seams.clock.nowMs() - startedMs).toBeGreaterThan(15_000);
    // The lines of a kind are few, and the others are counted.
    expect(primary.log.lines.filter((line) => line.includes('invalid auth token')).length).toBe(10);
    expect(primary.log.lines.filter((line) => line.includes('too many wrong tokens')).length).toBe(10);
    world.run(60_000);
    expect(primary.log.lines.join('\n')).toMatch(
      /warn \d+ more connections in a minute: is closed: too many wrong tokens came from its address/,
    );
  });

  it('with the right token waits for its turn behind wrong ones of its address, then opens', async () => {
    const { world, primary, connect } = await open({ listener: { token: 'secret' } });
    for (let count = 0; count < 10; count += 1) {
      connect().connection.write(encodeHelloFrame({ role: 'replica', token: 'wrong' }));
      world.run(10);
    }
    const [peer, forward] = [connect(), connect()];
    peer.connection.write(encodeHelloFrame({ role: 'replica', token: 'secret' }));
    forward.connection.write(encodeHelloFrame({ role: 'replica', token: 'secret' }));
    forward.send(FrameKind.Ack, encodeWatermarks([]));
    world.run(900);
    expect(forward.closed).toBe(true);
    expect(primary.listener.replicas()).toHaveLength(0);
    world.run(200);
    expect(peer.closed).toBe(false);
    expect(primary.listener.replicas()).toHaveLength(1);
  });

  it('with the right token opens', async () => {
    const { world, primary, connect } = await open({ listener: { token: 'secret' } });
    const peer = connect();
    peer.connection.write(encodeHelloFrame({ role: 'replica', token: 'secret' }));
    world.run(10);
    expect(peer.errorText()).toBeUndefined();
    expect(primary.listener.replicas()).toHaveLength(1);
  });

  it('must be whole within a second of the connection, however it trickles in', async () => {
    const { world, connect } = await open();
    const peer = connect();
    const bytes = encodeFrame(FrameKind.Hello, HELLO);
    for (const byte of bytes.subarray(0, -1)) {
      peer.connection.write(Buffer.from([byte]));
      world.run(40);
    }
    expect(peer.closed).toBe(false);
    world.run(1_001 - 40 * (bytes.length - 1));
    expect(peer.closed).toBe(true);
    expect(peer.frames).toEqual([]);
  });

  it('may announce 64 KiB and not a byte more, of either length', async () => {
    const header = (payloadBytes: number, uncompressedBytes: number, compressed: boolean) => {
      const bytes = Buffer.alloc(16);
      encodeHeader(bytes, { version: 1, kind: FrameKind.Hello, compressed, payloadBytes, uncompressedBytes });
      return bytes;
    };
    const { world, connect } = await open();
    for (const [bytes, isRefused] of [
      [header(65_536, 65_536, false), false],
      [header(65_537, 65_537, false), true],
      [header(100, 65_537, true), true],
    ] as const) {
      const peer = connect();
      peer.connection.write(bytes);
      world.run(10);
      expect(peer.closed).toBe(isRefused);
    }
  });

  it('that is garbage costs the connection and nothing else', async () => {
    const { world, primary, connect } = await open();
    const peer = connect();
    peer.connection.write(Buffer.from([0, 1, 2, 3]));
    world.run(10);
    expect(peer.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
  });

  it('of a probe is answered, and no snapshot, no frames and no slot follow', async () => {
    const { world, primary, connect } = await open({ listener: { maxReplicas: 0 } });
    primary.store.set('a', '1');
    world.run(1);
    const peer = connect();
    peer.connection.write(encodeHelloFrame({ role: 'replica', watermarks: new Array(4).fill(ALL) }));
    world.run(10);
    primary.store.set('b', '2');
    world.run(10);
    expect(peer.kinds()).toEqual([FrameKind.Hello]);
    expect(Array.from(peer.hello()!.hello.watermarks!)).toContain(primary.history.base + 1n);
    expect(peer.closed).toBe(true);
    expect(primary.metrics).toMatchObject({ catchUpBacklogCount: 0, catchUpSnapshotCount: 0 });
  });

  it('of a probe needs the token too', async () => {
    const { world, connect } = await open({ listener: { token: 'secret' } });
    const peer = connect();
    peer.connection.write(encodeHelloFrame({ role: 'replica', watermarks: [ALL] }));
    world.run(10);
    expect(peer.errorText()).toBe('invalid auth token');
  });
});

describe('the slots of a primary', () => {
  it('are taken by replicas only after they proved who they are, and free at once when one closes', async () => {
    const { world, primary, connect } = await open({ listener: { maxReplicas: 1, token: 'secret' } });
    for (let silent = 0; silent < 5; silent += 1) connect();
    const hello = encodeHelloFrame({ role: 'replica', token: 'secret' });
    const first = connect();
    first.connection.write(hello);
    world.run(10);
    const second = connect();
    second.connection.write(hello);
    world.run(10);
    expect(primary.listener.replicas()).toHaveLength(1);
    expect(second.errorText()).toBe('too many replicas');
    first.connection.destroy();
    world.run(10);
    expect(primary.listener.replicas()).toHaveLength(0);
    const third = connect();
    third.connection.write(hello);
    world.run(10);
    expect(primary.listener.replicas()).toHaveLength(1);
  });

  it('stay open to a replica behind a crowd of silent connections', async () => {
    const { world, transport, primary, connect } = await open();
    for (let silent = 0; silent < 1_000; silent += 1) {
      transport.connect(
        parseAddress(PRIMARY_ADDRESS),
        { connectTimeoutMs: 500 },
        { opened() {}, onData() {}, onDrain() {}, onClose() {} },
      );
    }
    world.run(10);
    expect(primary.listener.unauthenticatedConnections).toBeLessThanOrEqual(256);
    const peer = connect();
    peer.send(FrameKind.Hello, HELLO);
    world.run(10);
    expect(primary.listener.replicas()).toHaveLength(1);
    world.run(1_000);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
  });
});

describe('what a replica sends later', () => {
  async function live() {
    const opened = await open();
    const peer = opened.connect();
    peer.send(FrameKind.Hello, HELLO);
    opened.world.run(20);
    return { ...opened, peer };
  }

  it('may be Acks', async () => {
    const { world, primary, peer } = await live();
    peer.send(FrameKind.Ack, encodeWatermarks([1n, 2n, 3n, 4n]));
    world.run(10);
    expect(peer.closed).toBe(false);
    expect(primary.listener.replicas()[0]?.state).toBe('live');
  });

  it.each([
    ['a malformed Ack', encodeFrame(FrameKind.Ack, Buffer.from([255, 255, 255, 255]))],
    ['a second Hello', encodeFrame(FrameKind.Hello, HELLO)],
    ['a frame over 64 KiB', encodeFrame(FrameKind.Ack, encodeWatermarks(new Array(9_000).fill(1n)))],
    ['garbage', Buffer.from('garbage, and quite some of it')],
  ])('and %s closes the connection', async (_, bytes) => {
    const { world, primary, peer } = await live();
    peer.connection.write(bytes);
    world.run(10);
    expect(peer.closed).toBe(true);
    expect(primary.listener.replicas()).toEqual([]);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { encodeErrorText } from '../../../src/frame/error-text.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { STATUS_MAX_BYTES } from '../../../src/limits.js';
import { Probe } from '../../../src/replication/link/probe.js';
import { parseAddress } from '../../../src/transport/address.js';
import { type FakePeer, FakePrimary } from '../../support/fake-primary.js';
import { u32 } from '../../support/raw-frames.js';
import { PRIMARY_ADDRESS, startPrimary, type VirtualPrimary } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const running: VirtualPrimary[] = [];
afterEach(async () => {
  for (const primary of running.splice(0)) await primary.stop();
});

const ANSWER_DEADLINE_MS = 5_000;

function network() {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const options = { transport, timers: world.seams.timers, connectTimeoutMs: 500 };
  /** Returns the promised value, which is there, or will never be. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    world.run(ANSWER_DEADLINE_MS + 1_000);
    return promise;
  };
  const probe = (token?: string) => settle(Probe.open(parseAddress(PRIMARY_ADDRESS), { ...options, token }));
  return { world, transport, probe, settle };
}

describe('a probe', () => {
  it('reads the watermarks and the margin of a primary of ours, and leaves nothing behind', async () => {
    const { world, transport, probe } = network();
    const primary = await startPrimary(world, transport, {
      store: { shards: 64 },
      listener: { token: 'secret' },
    });
    running.push(primary);
    primary.store.set('a', '1');
    const opened = await probe('secret');
    expect(opened.watermarks).toEqual(primary.store.watermarks());
    expect(opened.margin?.get('history')).toBe(primary.history.id);
    opened.close();
    world.run(10);
    expect(primary.listener.replicas()).toEqual([]);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(transport.pairs.every(({ client, server }) => client.closed && server.closed)).toBe(true);
    expect(world.pending).toBe(0);
  });

  it('is told the status as often as it asks', async () => {
    const { world, transport, probe, settle } = network();
    let asked = 0;
    const status = () => Buffer.from([0x81, 0xa1, 0x6e, ++asked]);
    running.push(await startPrimary(world, transport, { listener: { status } }));
    const opened = await probe();
    for (let round = 1; round < 5; round += 1) {
      expect(await settle(opened.ask())).toEqual(Buffer.from([0x81, 0xa1, 0x6e, round]));
    }
    opened.close();
  });

  it('reads those of a Rust primary, claiming more shards than there can be and all sequences', async () => {
    const { transport, probe } = network();
    const primary = new FakePrimary(transport, (peer) => peer.answer([7n, 9n]));
    const { watermarks, margin, isOurs } = await probe();
    expect({ watermarks, margin, isOurs }).toEqual({
      watermarks: [7n, 9n],
      margin: undefined,
      isOurs: false,
    });
    expect(primary.claims()).toEqual([new Array(1_024).fill(2n ** 64n - 1n)]);
  });

  it('goes by what a Rust primary sends on', async () => {
    const { world, transport, probe } = network();
    const primary = new FakePrimary(transport, (peer) => peer.answer([7n, 9n]));
    const opened = await probe();
    primary.peers[0]!.batch([10n, 11n, 12n], 'v', 1);
    primary.peers[0]!.batch([], 'v', 1);
    primary.peers[0]!.batch([8n], 'v', 0);
    primary.peers[0]!.batch([1n], 'v', 77);
    world.run(10);
    expect(opened.watermarks).toEqual([8n, 12n]);
    expect(opened.fault).toBeUndefined();
    expect(primary.peers[0]!.kinds()).toEqual([FrameKind.Hello]);
  });

  it('tells who refuses, who is silent and who is not there', async () => {
    const refusing = network();
    running.push(await startPrimary(refusing.world, refusing.transport, { listener: { token: 'secret' } }));
    await expect(refusing.probe('other')).rejects.toMatchObject({ code: 'TOKEN_REFUSED', exitCode: 77 });
    const silent = network();
    new FakePrimary(silent.transport, () => {});
    await expect(silent.probe()).rejects.toMatchObject({ code: 'PEER_SILENT', exitCode: 69 });
    const absent = network();
    await expect(absent.probe()).rejects.toMatchObject({ code: 'PRIMARY_UNREACHABLE', exitCode: 69 });
  });
});

describe('what a primary of ours answers to a question', () => {
  const HISTORY = 'ab'.repeat(16);

  async function asked(answer: (peer: FakePeer) => void) {
    const { transport, probe, settle, world } = network();
    const primary = new FakePrimary(transport, (peer) => peer.answer([1n], HISTORY));
    const opened = await probe();
    primary.peers[0]!.onFrame = ({ header }) => {
      if (header.kind === FrameKind.Status) answer(primary.peers[0]!);
    };
    const status = settle(opened.ask());
    return { status, opened, world, primary };
  }

  it.each<[string, string, (peer: FakePeer) => void]>([
    ['may not be another kind', 'FRAME_OUT_OF_PLACE', (peer) => peer.send(FrameKind.Ack, u32(0))],
    ['may not be a batch', 'FRAME_OUT_OF_PLACE', (peer) => peer.batch([2n])],
    [
      'may not be larger than 1 MiB',
      'FCRP_LENGTH_OVER_LIMIT',
      (peer) => peer.send(FrameKind.Status, Buffer.alloc(STATUS_MAX_BYTES + 1)),
    ],
    [
      'may not become larger than 1 MiB when it is decompressed',
      'FCRP_LENGTH_OVER_LIMIT',
      (peer) =>
        peer.connection.write(
          encodeFrame(FrameKind.Status, Buffer.alloc(STATUS_MAX_BYTES + 1), { compression: 'zstd' }),
        ),
    ],
    ['may be a refusal', 'PRIMARY_REFUSED', (peer) => peer.send(FrameKind.Error, encodeErrorText('no'))],
    ['may not stay away', 'PEER_SILENT', () => {}],
    ['may not be an end', 'CONNECTION_LOST', (peer) => peer.connection.end()],
  ])('%s: %s', async (_, code, answer) => {
    const { status, opened, world } = await asked(answer);
    await expect(status).rejects.toMatchObject({ code });
    expect(opened.fault).toMatchObject({ code });
    await expect(opened.ask()).rejects.toMatchObject({ code });
    world.run(10);
    expect(world.pending).toBe(0);
  });

  it('comes once: a second one is not taken', async () => {
    const { status, opened, world } = await asked((peer) => {
      peer.send(FrameKind.Status, Buffer.from([0x80]));
      peer.send(FrameKind.Status, Buffer.from([0x80]));
    });
    expect(await status).toEqual(Buffer.from([0x80]));
    world.run(10);
    expect(opened.fault).toMatchObject({ code: 'FRAME_OUT_OF_PLACE' });
  });
});

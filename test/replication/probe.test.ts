import { afterEach, describe, expect, it } from 'vitest';
import { probePrimary } from '../../src/replication/probe.js';
import { parseAddress } from '../../src/transport/address.js';
import { FakePrimary } from '../support/fake-primary.js';
import { PRIMARY_ADDRESS, startPrimary, type VirtualPrimary } from '../support/virtual-cluster.js';
import { VirtualTransport } from '../support/virtual-transport.js';
import { VirtualWorld } from '../support/virtual-world.js';

const running: VirtualPrimary[] = [];
afterEach(async () => {
  for (const primary of running.splice(0)) await primary.stop();
});

function network() {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const probe = (token?: string) => {
    const answer = probePrimary(parseAddress(PRIMARY_ADDRESS), {
      transport,
      timers: world.seams.timers,
      connectTimeoutMs: 500,
      token,
    });
    world.run(6_000);
    return answer;
  };
  return { world, transport, probe };
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
    const answer = await probe('secret');
    expect(answer.watermarks).toEqual(primary.store.watermarks());
    expect(answer.margin?.get('history')).toBe(primary.history.id);
    expect(primary.listener.replicas()).toEqual([]);
    expect(primary.listener.strangers).toBe(0);
    expect(transport.pairs.every(({ client, server }) => client.closed && server.closed)).toBe(true);
    expect(world.pending).toBe(0);
  });

  it('reads those of a Rust primary, claiming more shards than there can be and all sequences', async () => {
    const { transport, probe } = network();
    const primary = new FakePrimary(transport, (peer) => peer.answer([7n, 9n]));
    expect(await probe()).toEqual({ watermarks: [7n, 9n], margin: undefined });
    expect(primary.claims()).toEqual([new Array(1_024).fill(2n ** 64n - 1n)]);
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

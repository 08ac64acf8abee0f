/** Relays that would follow themselves, through however many others, and chains that are too long. */
import { afterEach, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { PRIMARY_ADDRESS, startPrimary } from '../../support/virtual-cluster.js';
import { fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualRelay } from '../../support/virtual-relay.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

/** A primary and relays that follow it, each at its own address. */
async function relays(count: number) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = await startPrimary(world, transport);
  closings.push(() => primary.stop());
  fill(primary, 0, 20);
  const nodes: VirtualRelay[] = [];
  for (let index = 0; index < count; index += 1) {
    const node = await VirtualRelay.start(world, transport, {
      address: PRIMARY_ADDRESS,
      bind: addressOf(index),
    });
    closings.push(() => node.stop());
    nodes.push(node);
  }
  world.runUntil(() => nodes.every((node) => isEqual(primary, node)));
  return { world, primary, nodes };
}

function addressOf(index: number): string {
  return `127.0.0.1:${7100 + index}`;
}

function lastCode({ following }: VirtualRelay): string | undefined {
  const error = following?.errors.at(-1);
  return error instanceof FastcacheError ? error.code : error?.message;
}

it('a relay that is told to follow itself refuses', async () => {
  const { world, nodes } = await relays(1);
  const [node] = nodes as [VirtualRelay];
  node.follow(addressOf(0));
  world.run(1_000);
  expect(lastCode(node)).toBe('REPLICATION_CYCLE');
  expect(node.following?.log.lines[0]).toBe('error 127.0.0.1:7100 is this very replica.');
  expect(node.store()?.keyCount()).toBe(20);
});

it.each([2, 3, 5])(
  '%i relays in a ring notice it, keep what they hold, and follow when they can',
  async (count) => {
    const { world, primary, nodes } = await relays(count);
    // All at the same moment: none is below another yet.
    for (const [index, node] of nodes.entries()) node.follow(addressOf((index + 1) % count));
    world.run(20_000);
    expect(nodes.some((node) => lastCode(node) === 'REPLICATION_CYCLE')).toBe(true);
    expect(
      nodes.some((node) => node.following?.log.lines.some((line) => line.includes('follows this very'))),
    ).toBe(true);
    for (const node of nodes) expect(node.store()?.keyCount()).toBe(20);
    nodes[0]!.follow(PRIMARY_ADDRESS);
    fill(primary, 0, 40, 'later');
    world.runUntil(() => nodes.every((node) => isEqual(primary, node)));
    for (const node of nodes) expect(node.follower.state.name).toBe('live');
  },
);

it('a relay below too long a chain refuses, and a path that is none counts as none', async () => {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const paths = [
    Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(16, '0')).join(),
    'x,y',
    '',
  ];
  const primary = new FakePrimary(transport, (peer, _, connection) => {
    const margin = new Map([
      ['history', 'a'.repeat(32)],
      ['path', paths[connection - 1]!],
    ]);
    peer.connection.write(encodeHelloFrame({ role: 'replica', watermarks: [1n] }, { margin }));
    peer.snapshot([1n], ['key']);
  });
  const node = await VirtualRelay.start(world, transport, { address: PRIMARY_ADDRESS, bind: addressOf(0) });
  closings.push(() => node.stop());
  world.run(1_000);
  expect(node.following?.errors[0]).toMatchObject({ code: 'REPLICATION_CYCLE' });
  expect(primary.hellos).toHaveLength(2);
  expect(node.relay.stream?.path).toEqual([node.relay.nodeId]);
});

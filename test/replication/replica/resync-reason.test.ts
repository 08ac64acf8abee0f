/** The reason that a replica gives for new content. */
import { expect, it } from 'vitest';
import { FakePrimary } from '../../support/fake-primary.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

it('on a connection on which it was level: it has fallen behind, whatever the primary was at when it answered', () => {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, (peer) => {
    peer.answer([5n], 'a'.repeat(32));
    peer.snapshot([5n], ['held']);
    peer.batch([6n, 7n]);
  });
  const reasons: string[] = [];
  const { follower, metrics } = startFollower(world, transport, {
    handlers: { resync: ({ reason }) => reasons.push(reason) },
  });
  world.runUntil(() => follower.state.name === 'live');
  world.run(10);
  primary.peers[0]!.snapshot([9n], ['new']);
  world.run(10);
  expect(reasons).toEqual([
    'the replica has fallen behind, and the primary no longer keeps all that it lacks',
  ]);
  primary.peers[0]!.connection.destroy();
  world.run(2_000);
  expect(metrics).toMatchObject({ linkLosses: 1, linkAttempts: primary.hellos.length });
  follower.stop();
});

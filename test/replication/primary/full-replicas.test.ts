/** A replica that has no memory for what its primary has, as the primary knows of it. */
import { expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { FULL_BACKOFF_MS } from '../../../src/limits.js';
import { FullReplicas } from '../../../src/replication/primary/full-replicas.js';
import { makeTestStore } from '../../support/kernel-store.js';
import { MemoryLog, startFollower, startPrimary } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

it('is listed and logged once it has tried again, until it holds what is served', async () => {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = await startPrimary(world, transport);
  primary.store.set('key', 'value');
  let isFull = true;
  const { follower } = startFollower(world, transport, {
    nodeId: '0123456789abcdef',
    createStore: (shards) => {
      const store = makeTestStore('map', { shards, clock: world.seams.clock }, true);
      const { loadChunk } = store;
      store.loadChunk = (payload) => {
        if (isFull) throw new FastcacheError('OUT_OF_MEMORY', 'Full.', { expected: 4_000n, found: 3_900n });
        return loadChunk.call(store, payload);
      };
      return store;
    },
  });
  world.run(10_000);
  expect(primary.listener.fullReplicas()).toEqual([]);
  world.run(20 * FULL_BACKOFF_MS);
  expect(primary.listener.fullReplicas()).toEqual([
    { address: expect.stringMatching(/:\d+$/), heldBytes: 3_900, mostBytes: 4_000 },
  ]);
  const lines = primary.log.lines.filter((line) => line.includes('cannot hold what is here'));
  expect(lines).toEqual([expect.stringMatching(/^warn replica .*3900 of the 4000 bytes .*set maxmemory/)]);
  isFull = false;
  world.runUntil(() => follower.state.name === 'live', 3 * FULL_BACKOFF_MS);
  world.run(2_000);
  expect(primary.listener.fullReplicas()).toEqual([]);
  follower.stop();
  await primary.stop();
});

it('is forgotten when it has not said so for five minutes; at most sixteen are remembered', () => {
  const clock = { us: 0, monotonicUs: () => clock.us, nowMs: () => 0 };
  const replicas = new FullReplicas({ clock, log: new MemoryLog() });
  const full = { address: '10.0.0.1:1', heldBytes: 1, mostBytes: 2 };
  for (let node = 0; node < 20; node += 1) replicas.said(`${node}`, full);
  expect(replicas.list()).toHaveLength(16);
  clock.us = 200_000_000;
  replicas.said('3', { ...full, heldBytes: 2 });
  clock.us = 301_000_000;
  expect(replicas.list()).toEqual([{ ...full, heldBytes: 2 }]);
  replicas.holds('3');
  expect(replicas.list()).toEqual([]);
});

/** A replica that has no memory for what its primary has keeps what it holds, and comes back late. */
import { expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { FULL_BACKOFF_MS } from '../../../src/limits.js';
import { fullInMargin } from '../../../src/replication/link/full.js';
import { FakePrimary, type Script } from '../../support/fake-primary.js';
import { makeTestStore } from '../../support/kernel-store.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const OURS = 'a'.repeat(32);
const full = () => new FastcacheError('OUT_OF_MEMORY', 'Full.', { expected: 4_000n, found: 3_900n });

/** A follower in whose stores nothing fits while `isFull`. */
function follow(script: Script) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, script);
  const memory = { isFull: false };
  const replica = startFollower(world, transport, {
    createStore: (shards) => {
      const store = makeTestStore('map', { shards, clock: world.seams.clock }, true);
      const { apply, loadChunk } = store;
      store.apply = (payload) => {
        if (memory.isFull) throw full();
        return apply.call(store, payload);
      };
      store.loadChunk = (payload) => {
        if (memory.isFull) throw full();
        return loadChunk.call(store, payload);
      };
      return store;
    },
  });
  return { world, primary, memory, ...replica };
}

const snapshot: Script = (peer) => {
  peer.answer([5n], OURS);
  peer.snapshot([5n], ['held']);
};

it('at a batch: it logs once, keeps what it holds, and asks for a snapshot in a minute or two', () => {
  const { world, primary, memory, follower, log, errors, store } = follow(snapshot);
  world.runUntil(() => follower.state.name === 'live');
  memory.isFull = true;
  primary.peers[0]!.batch([6n]);
  world.runUntil(() => errors.length > 0);
  expect(errors[0]).toMatchObject({ code: 'OUT_OF_MEMORY', expected: 4_000n, found: 3_900n });
  expect(follower.refusal).toBe('out-of-memory');
  expect(follower.state.name === 'disconnected' && follower.state.retryInMs).toBeGreaterThanOrEqual(
    FULL_BACKOFF_MS,
  );
  expect(store()?.content()).toEqual(['held=snapshot @null']);
  world.run(10 * FULL_BACKOFF_MS);
  expect(primary.hellos.length).toBeGreaterThanOrEqual(5);
  expect(primary.hellos.length).toBeLessThanOrEqual(11);
  expect(primary.claims().slice(1)).toEqual(primary.claims().slice(1).fill(undefined));
  const [first, ...later] = primary.hellos.map(({ margin }) => fullInMargin(margin));
  expect(first).toBeUndefined();
  expect(later).toEqual(later.map(() => ({ heldBytes: 3_900, mostBytes: 4_000 })));
  const lines = log.lines.filter((line) => line.includes('more than this replica can hold'));
  expect(lines).toEqual([
    expect.stringMatching(/^error .*3900 of the 4000 bytes .*Have that primary hold less/),
  ]);
  memory.isFull = false;
  world.runUntil(() => follower.state.name === 'live', 3 * FULL_BACKOFF_MS);
  expect(follower.refusal).toBeUndefined();
  const tries = primary.hellos.length;
  primary.peers.at(-1)!.connection.destroy();
  world.runUntil(() => primary.hellos.length > tries, 10_000);
  expect(fullInMargin(primary.hellos.at(-1)!.margin)).toBeUndefined();
});

it('at its first snapshot: it shows so, with nothing held', () => {
  const { world, primary, memory, follower, errors } = follow(snapshot);
  memory.isFull = true;
  world.run(30_000);
  expect(primary.hellos).toHaveLength(1);
  expect(errors).toHaveLength(1);
  expect(follower.refusal).toBe('out-of-memory');
  expect(follower.holding).toBeUndefined();
  memory.isFull = false;
  world.runUntil(() => follower.state.name === 'live', 3 * FULL_BACKOFF_MS);
});

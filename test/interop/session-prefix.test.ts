/**
 * Session-prefix routing live, both ways: a session's chunks lie in one shard, and are found there by the
 * other side.
 */
import { expect, it } from 'vitest';
import { Primary, Replica } from '../../src/index.js';
import { embeddedDigest } from '../support/content.js';
import { digestOf, type Entry } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';

const entries: Entry[] = Array.from({ length: 40 }, (_, session) =>
  Array.from(
    { length: 5 },
    (_, chunk): Entry => [
      Buffer.from(`s:${session}:c:${chunk}`),
      Buffer.from(`chunk ${chunk} of ${session}`),
    ],
  ),
).flat();
entries.push([Buffer.from('no session'), Buffer.from('value')]);
const keys = entries.map(([key]) => key.toString());

describeWith(rustPeer, 'with session-prefix routing', () => {
  it.each([
    { bootstrap: 'backlog', options: {} },
    { bootstrap: 'snapshot', options: { backlogBytes: 64 } },
  ])('a replica of ours finds what a Rust primary wrote, by $bootstrap', async ({ options }) => {
    const primary = await RustPrimary.start({ shards: 64, sessionPrefix: true, ...options });
    for (const [key, value] of entries) await primary.set(key, value);
    const replica = await Replica.follow(primary.address);
    await eventually(
      () => replica.keyCount(),
      (count) => count === entries.length,
    );
    expect(embeddedDigest(replica, keys)).toBe(digestOf(entries));
    // Live records meet the entries that came before, and do not stand beside them.
    for (const [key] of entries) await primary.set(key, 'again');
    const again = digestOf(entries.map(([key]) => [key, Buffer.from('again')]));
    await eventually(
      () => embeddedDigest(replica, keys),
      (digest) => digest === again,
    );
    for (const [key] of entries.slice(1)) await primary.del(key);
    await eventually(
      () => replica.keyCount(),
      (count) => count === 1,
    );
    await replica.close();
  });

  it.each(['backlog', 'snapshot'])(
    'a Rust replica holds what our primary wrote, by %s',
    async (bootstrap) => {
      const primary = await Primary.start({
        bind: ':0',
        listen: false,
        shards: 64,
        route: 'session-prefix',
        sequenceBase: bootstrap === 'backlog' ? 'zero' : 'clock',
      });
      for (const [key, value] of entries) primary.set(key, value);
      const replica = await RustReplica.start(primary.bindAddress);
      await eventually(
        () => replica.digest(),
        (digest) => digest === digestOf(entries),
      );
      for (const [key] of entries) primary.set(key, 'again');
      await eventually(
        () => replica.digest(),
        (digest) => digest === digestOf(entries.map(([key]) => [key, Buffer.from('again')])),
      );
      expect(primary.metrics()).toMatchObject({
        catchUpBacklogCount: bootstrap === 'backlog' ? 1 : 0,
        catchUpSnapshotCount: bootstrap === 'snapshot' ? 1 : 0,
      });
      await primary.close();
    },
  );
});

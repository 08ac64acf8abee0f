/** `verify` between the crate's primary and a replica of ours that follows it. */
import { expect, it } from 'vitest';
import { compare, differing, replicaNode } from '../support/compared.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustPrimary, rustPeer } from '../support/rust-peer.js';

describeWith(rustPeer, 'a comparison with the crate', () => {
  it('finds what a replica of ours has otherwise, also while the crate is written to', async () => {
    const primary = await RustPrimary.start({ shards: 4 });
    await primary.startFill(0, 1_000, 40);
    await primary.filled();
    const replica = await replicaNode(primary.address);
    await eventually(
      () => replica.engine.keyCount(),
      (keys) => keys === 1_000,
    );
    expect(await compare(primary.address, replica.bindAddress!)).toMatchObject({
      isEqual: true,
      isOneHistory: false,
      keys: [1_000, 1_000],
    });
    replica.engine.set('key:7', 'another');
    replica.engine.del('key:8');
    replica.engine.set('added', 'x');
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; isWriting; n++) await primary.set(`key:${500 + (n % 100)}`, `${n}`);
    })();
    try {
      const found = await compare(primary.address, replica.bindAddress!);
      expect(differing(found)).toEqual(['only-first key:8', 'only-second added', 'value key:7']);
    } finally {
      isWriting = false;
      await writing;
    }
    await primary.kill();
  });
});

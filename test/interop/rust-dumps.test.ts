/**
 * Content goes from a primary of the crate by a recording to a primary of ours, and from there to a replica
 * of the crate.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diff } from '../support/diff-key-spaces.js';
import { digestOf } from '../support/digest.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { fillEntries, RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';

describeWith(rustPeer, 'a dump of a Rust primary', () => {
  it('is equal to what it holds, and starts a primary whose Rust replica has all of it', async () => {
    const rust = await RustPrimary.start({ shards: 16, zstd: true });
    await rust.startFill(0, 5_000, 100);
    await rust.filled();
    const dump = join(directory, 'rust.fcrp');
    const tap = await follow(rust.address, { record: dump });
    await new Promise((resolve) => tap.on('caught-up', resolve));
    await tap.close();
    expect((await diff(dump, rust.address)).text).toContain(': equal, 5,000 keys');
    await rust.set('more', 'm');
    await expect.poll(async () => (await diff(dump, rust.address)).text).toContain('+ "more" = "m"');

    const primary = await startPrimary({ load: dump, sequenceBase: 'zero' });
    const replica = await RustReplica.start(primary.bindAddress);
    await replica.reached(primary.watermarks());
    expect(await replica.digest()).toBe(digestOf(fillEntries(0, 5_000, 100)));
  });
});

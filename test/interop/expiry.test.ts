/**
 * Expiry across the two implementations. When a Set arrives past its expiry, the crate's replica leaves the
 * older value in place and serves it from then on (docs/protocol.md, "Conversation" 5). A fastcache replica
 * must not, given the same frames.
 */
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';

const SHORT_MS = 30;

function past(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describeWith(rustPeer, 'a key that has expired', () => {
  it('does not come back with its older value when its Set arrives too late', async () => {
    const primary = await RustPrimary.start();
    await primary.set('k', 'old');
    await primary.set('k', 'new', SHORT_MS);
    await primary.set('other', 'value');
    await past(2 * SHORT_MS);
    const watermarks = await eventually(
      () => primary.watermarks(),
      (all) => all.reduce((sum, watermark) => sum + watermark) === 3n,
    );

    // Both are given the backlog, the same frames.
    const theirs = await RustReplica.start(primary.address);
    await theirs.reached(watermarks);
    const ours = await Replica.follow(primary.address);
    await eventually(
      () => String(ours.watermarks()),
      (reached) => reached === String(watermarks),
    );
    expect((await primary.metrics()).catch_up_snapshot_count).toBe(0);
    expect((await theirs.get('k'))?.toString()).toBe('old');
    expect(ours.get('k')).toBeUndefined();
    expect(ours.get('other')?.toString()).toBe('value');
    await eventually(
      () => ours.keyCount(),
      (keyCount) => keyCount === 1,
    );
    await ours.close();
  });

  it('does not come back either when the replica held the older value before', async () => {
    const primary = await RustPrimary.start();
    await primary.set('k', 'old');
    const ours = await Replica.follow(primary.address);
    await eventually(
      () => ours.get('k')?.toString(),
      (value) => value === 'old',
    );
    await primary.set('k', 'new', 1);
    await eventually(
      () => ours.keyCount(),
      (keys) => keys === 0,
    );
    expect(ours.get('k')).toBeUndefined();
    await ours.close();
  });

  it('is swept away by a replica of ours, for a Rust primary tells nobody', async () => {
    const primary = await RustPrimary.start({ backlogBytes: 4096 });
    const short = Array.from({ length: 200 }, (_, index) => `short:${index}`);
    for (const key of short) await primary.set(key, 'value', 3_600_000);
    await primary.set('stays', 'value');
    await primary.set('persists', 'value', 3_600_000);
    const ours = await Replica.follow(primary.address);
    await eventually(
      () => ours.keyCount(),
      (keys) => keys === 202,
    );
    for (const key of short) await primary.expireAt(key, Date.now() + 500);
    await eventually(
      () => ours.keyCount(),
      (keys) => keys === 2,
    );
    const records = (await primary.watermarks()).reduce((sum, watermark) => sum + watermark);
    expect(records).toBe(402n);
    await ours.close();
  });
});

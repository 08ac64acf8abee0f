/**
 * The harness proves itself: the crate's replica follows the crate's primary, and our digest of what was
 * written is theirs.
 */
import { expect, it } from 'vitest';
import { digestOf, type Entry } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { fillEntries, RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';

describeWith(rustPeer, 'a Rust replica of a Rust primary', () => {
  it.each([
    { bootstrap: 'backlog', options: {} },
    { bootstrap: 'snapshot', options: { backlogBytes: 4096, chunkBytes: 4096 } },
    { bootstrap: 'compressed snapshot', options: { backlogBytes: 4096, zstd: true } },
  ])('holds what was written before and while it joined ($bootstrap)', async ({ options }) => {
    const primary = await RustPrimary.start({ ...options, subscriberFrames: 1 << 20 });
    await primary.startFill(0, 20_000, 100);
    await primary.filled();
    await primary.startFill(20_000, 30_000, 200, 50);
    const replica = await RustReplica.start(primary.address);
    await eventually(
      () => replica.watermarks(),
      (watermarks) => watermarks.some((watermark) => watermark > 0n),
    );
    await primary.set(Buffer.from([0, 255, 10]), Buffer.from('binary\r\n'));
    await primary.filled();
    expect(await primary.del('key:7')).toBe(true);
    expect(await primary.del('never there')).toBe(false);

    const expected: Entry[] = [
      ...fillEntries(0, 20_000, 100).filter((_, index) => index !== 7),
      ...fillEntries(20_000, 30_000, 200),
      [Buffer.from([0, 255, 10]), Buffer.from('binary\r\n')],
    ];
    const written = 30_002n;
    const watermarks = await eventually(
      () => primary.watermarks(),
      (all) => all.reduce((sum, watermark) => sum + watermark) === written,
    );
    await replica.reached(watermarks);
    expect(await primary.digest()).toBe(digestOf(expected));
    expect(await replica.digest()).toBe(digestOf(expected));
    expect(await replica.get(Buffer.from([0, 255, 10]))).toEqual(Buffer.from('binary\r\n'));
    expect(await replica.get('key:7')).toBeNull();
    expect((await primary.metrics()).emitted_mutations).toBe(Number(written));
  });

  it('routes sessions together when its primary is told to', async () => {
    const primary = await RustPrimary.start({ shards: 64, sessionPrefix: true });
    const chunks = await Promise.all([0, 1, 2, 3].map((_, chunk) => primary.route(`s:anna:c:${chunk}`)));
    expect(new Set(chunks.map(({ shard }) => shard)).size).toBe(1);
    expect(new Set(chunks.map(({ keyHash }) => keyHash)).size).toBe(4);
  });

  it('is refused without the token', async () => {
    const primary = await RustPrimary.start({ token: 's3cret' });
    const refused = await RustReplica.start(primary.address, { token: 'wrong' });
    await eventually(
      () => refused.stderr,
      (text) => text.includes('invalid auth token'),
    );
    const admitted = await RustReplica.start(primary.address, { token: 's3cret' });
    await primary.set('key', 'value', 3_600_000);
    await eventually(
      () => admitted.get('key'),
      (value) => value?.toString() === 'value',
    );
    expect(await refused.get('key')).toBeNull();
  });
});

/**
 * Replicas of ours, one embedded and one a process that records what it was sent, follow a primary of the
 * crate that is being written to.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { embeddedDigest } from '../support/content.js';
import { digestOf, type Entry } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';
import { fillEntries, RustPrimary, rustPeer } from '../support/rust-peer.js';

/**
 * The crate has a thread for each shard that wakes every 750 us: with many of them on few cores it writes
 * little else.
 */
const keysOf = (shards: number) =>
  shards === 64 ? { before: 10_000, all: 25_000, perMs: 50 } : { before: 60_000, all: 200_000, perMs: 150 };
const REFILLED = 5_000;
const VALUE_BYTES = 64;
/** Three keys, one deletion, one expiry. */
const OTHER_WRITES = 5;

const matrix = [1, 4, 64].flatMap((shards) =>
  [false, true].flatMap((zstd) =>
    (['backlog', 'snapshot'] as const).map((bootstrap) => ({ shards, zstd, bootstrap })),
  ),
);

const bootstrapOptions = {
  // A shard's share must hold all that is written, whatever the shard count.
  backlog: { backlogBytes: 256 << 20 },
  snapshot: { backlogBytes: 65_536, chunkBytes: 65_536 },
};

/** All records behind watermarks of sequences from 1. */
function total(watermarks: readonly string[]): number {
  return watermarks.reduce((sum, watermark) => sum + Number(watermark), 0);
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastcache-'));
});
afterAll(() => rm(directory, { recursive: true }));

describeWith(rustPeer, 'replicas of ours of a Rust primary', () => {
  it.each(matrix)(
    'have all that is written while they join ($shards shards, zstd $zstd, $bootstrap)',
    async ({ shards, zstd, bootstrap }) => {
      const { before, all, perMs } = keysOf(shards);
      const primary = await RustPrimary.start({
        shards,
        zstd,
        // A longer queue: its replicas would miss frames after an overflow (docs/protocol.md, "Known holes").
        subscriberFrames: 1 << 20,
        ...bootstrapOptions[bootstrap],
      });
      await primary.startFill(0, before, VALUE_BYTES);
      await primary.filled();
      await primary.set('expires', 'much later', 3_600_000);
      await primary.set('deleted', 'while they join');
      await primary.set('shortened', 'by an expiry');

      const dump = join(directory, `${shards}-${zstd}-${bootstrap}.fcrp`);
      const once = new FastcacheProcess([
        ...['replica', 'follow', primary.address, '--once', '--no-listen', '--record', dump],
      ]);
      const replica = await Replica.follow(primary.address);
      let snapshots = 0;
      replica.on('snapshot', () => {
        snapshots += 1;
      });
      const lost: string[] = [];
      replica.on('lost', ({ error }) => lost.push(error.message));
      let isSettled = false;
      const caughtUp = once.event('caught-up').finally(() => {
        isSettled = true;
      });
      // Awaited below; until then a failure is nobody's.
      caughtUp.catch(() => {});

      await primary.startFill(before, all, VALUE_BYTES, perMs);
      await primary.del('deleted');
      await primary.expireAt('shortened', Date.now() + 1);
      await primary.filled();
      let written = all + OTHER_WRITES;
      // On a slow machine they may not be there yet: the same keys once more, until the writes have outlasted
      // it.
      for (let isOutlasted = false; !isOutlasted; ) {
        isOutlasted = isSettled;
        await primary.startFill(0, REFILLED, VALUE_BYTES, perMs);
        await primary.filled();
        written += REFILLED;
      }
      const caughtUpAt = (await caughtUp).watermarks as string[];
      expect(await once.exited).toEqual({ code: 0, signal: null });

      // The crate counts no record that still waits in a batch.
      const watermarks = await eventually(
        () => primary.watermarks().then((reached) => reached.map(String)),
        (reached) => total(reached) === written,
      );
      expect(total(caughtUpAt)).toBeLessThan(written);
      const expected: Entry[] = [
        ...fillEntries(0, all, VALUE_BYTES),
        [Buffer.from('expires'), Buffer.from('much later')],
      ];
      const keys = [...expected.map(([key]) => key.toString()), 'deleted', 'shortened'];
      await eventually(
        () => `${replica.keyCount()} keys at ${replica.watermarks()}; lost: ${lost}`,
        (standing) => standing === `${expected.length} keys at ${watermarks}; lost: `,
      );
      expect(await primary.digest()).toBe(digestOf(expected));
      expect(embeddedDigest(replica, keys)).toBe(digestOf(expected));
      expect(lost).toEqual([]);
      expect(snapshots > 10).toBe(bootstrap === 'snapshot');
      expect((await primary.metrics()).backpressure_events).toBe(0);
      await replica.close();
      await primary.kill();

      const decoded = await runCommand(['frames', 'decode', dump, '--format', 'ndjson']);
      expect(decoded).toMatchObject({ status: 0, stderr: '' });
    },
    180_000,
  );
});

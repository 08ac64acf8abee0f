/**
 * Replicas of ours, one embedded and one a process that records what it was sent, follow a primary of the
 * crate that is being written to.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
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
 * little else, and its replicas have little time to read. It cuts off who takes nothing for 500 ms, so that
 * then no more may be under way than sockets have room for: it is written in `slices`, each of which waits
 * until the replicas have read on. A snapshot must have many chunks.
 */
const keysOf = (shards: number, bootstrap: 'backlog' | 'snapshot') => {
  if (shards !== 64) return { before: 60_000, all: 200_000, refilled: 5_000, perMs: 150 };
  const before = bootstrap === 'snapshot' ? 10_000 : 1_000;
  return { before, all: before + 2_000, refilled: 200, slices: 50 };
};
/** So many slices are written before a replica that has still to connect has read anything. */
const SLICES_AHEAD = 10;
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
  // It is a shard's: with more, the content of 64 shards would be in it.
  snapshot: { backlogBytes: 1_024, chunkBytes: 65_536 },
};

/** All records behind watermarks of sequences from 1. */
function total(watermarks: readonly (string | bigint)[]): number {
  return watermarks.reduce<number>((sum, watermark) => sum + Number(watermark), 0);
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
      const { before, all, refilled, perMs, slices } = keysOf(shards, bootstrap);
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
      let written = before + OTHER_WRITES - 2;
      const recordedBytes = async () => (await stat(dump).catch(() => ({ size: 0 }))).size;
      let slicesAhead = 0;
      /** Resolves when both have read on; for a while also when they have not begun to. */
      const haveReadOn = async (recordedBefore: number) => {
        if (recordedBefore === 0) slicesAhead += 1;
        const isDue = recordedBefore > 0 || slicesAhead > SLICES_AHEAD;
        const isBehind = () =>
          replica.watermarks().length > 0 && total(replica.watermarks()) < written - 1_000;
        const isRead = async () => isSettled || (await recordedBytes()) > recordedBefore;
        await eventually(
          async () => isBehind() || (isDue && !(await isRead())),
          (waits) => !waits,
        );
      };
      const fill = async (from: number, to: number) => {
        const slice = slices ?? to - from;
        for (let at = from; at < to; at += slice) {
          const recordedBefore = await recordedBytes();
          await primary.startFill(at, at + slice, VALUE_BYTES, perMs);
          await primary.filled();
          written += slice;
          if (slices !== undefined) await haveReadOn(recordedBefore);
        }
      };

      const filled = fill(before, all);
      await primary.del('deleted');
      await primary.expireAt('shortened', Date.now() + 1);
      written += 2;
      await filled;
      // On a slow machine they may not be there yet: the same keys once more, until the writes have outlasted
      // it.
      for (let isOutlasted = false; !isOutlasted; ) {
        isOutlasted = isSettled;
        await fill(0, refilled);
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

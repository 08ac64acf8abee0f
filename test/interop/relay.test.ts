/**
 * A relay of ours between peers of the crate: a Rust primary above it that is being written to, below it a
 * Rust replica and one of ours, and another relay with a leaf of its own. Then the relay is promoted by a
 * signal.
 */
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { embeddedDigest, servedDigest } from '../support/content.js';
import { digestOf } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { fillEntries, RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';

const BEFORE = 20_000;
const ALL = 60_000;
const PER_MS = 40;
const VALUE_BYTES = 64;

describeWith(rustPeer, 'a relay of a Rust primary', () => {
  it.each([false, true])(
    'has all below it level with the primary, and goes on when it is promoted (zstd %s)',
    async (zstd) => {
      const primary = await RustPrimary.start({ shards: 4, zstd, subscriberFrames: 1 << 20 });
      await primary.startFill(0, BEFORE, VALUE_BYTES);
      await primary.filled();
      const flags = ['--bind', ':0', '--listen', ':0', '--subscriber-queue', '100000'];
      const relay = new FastcacheProcess(['replica', 'follow', primary.address, ...flags]);
      const { bind, listen } = (await relay.event('ready')) as unknown as { bind: string; listen: string };
      await relay.event('live');
      const lower = await Replica.follow(bind, { bind: ':0' });
      const leaf = await Replica.follow(lower.bindAddress!);
      const rust = await RustReplica.start(bind);
      await primary.startFill(BEFORE, ALL, VALUE_BYTES, PER_MS);
      await primary.filled();
      await primary.del('key:7');

      const entries = fillEntries(0, ALL, VALUE_BYTES).filter(([key]) => key.toString() !== 'key:7');
      const expected = digestOf(entries);
      const keys = [...entries.map(([key]) => key.toString()), 'key:7'];
      const sum = (watermarks: readonly bigint[]) => watermarks.reduce((total, own) => total + own, 0n);
      await eventually(
        () => sum(leaf.watermarks()),
        (reached) => reached === BigInt(ALL + 1),
      );
      expect(embeddedDigest(leaf, keys)).toBe(expected);
      expect(embeddedDigest(lower, keys)).toBe(expected);
      expect(await servedDigest(listen, keys)).toBe(expected);
      await eventually(
        () => rust.digest(),
        (digest) => digest === expected,
      );

      const lost: string[] = [];
      let snapshots = 0;
      leaf.on('lost', ({ error }) => lost.push(error.message));
      leaf.on('snapshot', () => {
        snapshots += 1;
      });
      const before = leaf.history;
      await primary.kill();
      relay.child.kill('SIGUSR2');
      const { history } = await relay.event('promoted');
      const client = await RespClient.connect(listen);
      expect(String(await client.command('SET', 'after', 'promotion'))).toBe('+OK');
      await eventually(
        () => leaf.get('after')?.toString(),
        (value) => value === 'promotion',
      );
      expect(leaf.history).toBe(history);
      expect(history).not.toBe(before);
      expect(snapshots).toBe(0);
      expect(lost.length).toBeGreaterThan(0);
      // It has no history to carry on in.
      expect(
        await eventually(
          () => rust.get('after'),
          (value) => value !== null,
        ),
      ).toEqual(Buffer.from('promotion'));
      const afterwards = digestOf([...entries, [Buffer.from('after'), Buffer.from('promotion')]]);
      await eventually(
        () => rust.digest(),
        (digest) => digest === afterwards,
      );
      client.close();
      await leaf.close();
      await lower.close();
      await rust.kill();
      expect(await relay.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    },
  );
});

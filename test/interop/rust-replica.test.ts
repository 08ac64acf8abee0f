/**
 * A replica of the crate follows a primary of ours that is a process of its own and is being written to
 * through its Redis port. The frames that were sent are read off the wire, and the content that arrived is
 * compared by digest.
 */
import { expect, it } from 'vitest';
import { servedDigest } from '../support/content.js';
import { digestOf, type Entry } from '../support/digest.js';
import { connect, start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { RustReplica, rustPeer } from '../support/rust-peer.js';
import { Wiretap } from '../support/wiretap.js';
import { Workload } from '../support/workload.js';

const WRITES_BEFORE = 60_000;
const WRITES_WHILE_JOINING = 140_000;
const WRITES_MORE = 2_000;

const matrix = [1, 4, 64].flatMap((shards) =>
  (['none', 'zstd'] as const).flatMap((compression) =>
    (['backlog', 'snapshot'] as const).map((bootstrap) => ({ shards, compression, bootstrap })),
  ),
);

/**
 * By which the crate's replica, which comes with nothing, is given either everything from the first write on
 * or a snapshot.
 */
const bootstrapFlags = {
  backlog: ['--sequence-base', 'zero'],
  snapshot: ['--backlog', '64kb', '--snapshot-chunk', '64kb'],
};

describeWith(rustPeer, 'a Rust replica of our primary', () => {
  it.each(matrix)(
    'has all that is written while it joins ($shards shards, $compression, $bootstrap)',
    async ({ shards, compression, bootstrap }) => {
      const primary = new FastcacheProcess(
        [
          ...['primary', 'start', '--bind', ':0', '--listen', ':0'],
          ...['--shards', String(shards), '--compression', compression, '--subscriber-queue', '1000000'],
          ...bootstrapFlags[bootstrap],
        ],
        {},
      );
      const { bind, listen } = (await primary.event('ready')) as unknown as { bind: string; listen: string };
      const client = await RespClient.connect(listen);
      const workload = new Workload({ keys: 50_000, valueBytes: 100, seed: shards });
      await workload.write(client, WRITES_BEFORE);

      const tap = await Wiretap.start(bind);
      const replica = await RustReplica.start(tap.address);
      let hasJoined = false;
      const joined = eventually(
        () => replica.watermarks(),
        (watermarks) => watermarks.some((watermark) => watermark > 0n),
      ).finally(() => {
        hasJoined = true;
      });
      // Awaited below; until then a failure is nobody's.
      joined.catch(() => {});
      await workload.write(client, WRITES_WHILE_JOINING);
      // On a slow machine it may not be there yet: more, until the writes have outlasted its joining.
      for (let isOutlasted = false; !isOutlasted; ) {
        isOutlasted = hasJoined;
        await workload.write(client, WRITES_MORE);
      }
      await joined;

      const expected = digestOf(workload.entries());
      await eventually(
        () => client.command('DBSIZE'),
        (size) => size === workload.expected.size,
      );
      expect(await servedDigest(listen, workload.keys())).toBe(expected);
      await eventually(
        () => replica.digest(),
        (digest) => digest === expected,
      );
      expect(tap.sent.Hello).toBe(1);
      expect(tap.sent.SnapshotBegin ?? 0).toBe(bootstrap === 'snapshot' ? 1 : 0);
      expect(tap.sent.MutationBatch).toBeGreaterThan(0);
      if (bootstrap === 'snapshot') expect(tap.sent.SnapshotChunk).toBeGreaterThan(10);
      client.close();
      await tap.close();
      await replica.kill();
      expect(await primary.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    },
    60_000,
  );

  it('follows on the port of clients, with their password as its token', async () => {
    const password = 'a password of some length';
    const { primary } = await start({ password, sequenceBase: 'zero' });
    const client = await connect(primary);
    await client.command('AUTH', password);
    for (let index = 0; index < 100; index += 1) primary.set(`key:${index}`, `value:${index}`);
    const replica = await RustReplica.start(primary.listenAddress!, { token: password });
    await replica.reached(primary.watermarks());
    await client.command('SET', 'key:100', 'value:100');
    await replica.reached(primary.watermarks());
    const entries = Array.from(
      { length: 101 },
      (_, index): Entry => [Buffer.from(`key:${index}`), Buffer.from(`value:${index}`)],
    );
    expect(await replica.digest()).toBe(digestOf(entries));
    expect(String(await client.command('INFO', 'clients'))).toContain('connected_clients:1\r\n');
    await replica.kill();
  });
});

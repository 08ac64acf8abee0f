/**
 * A primary of ours dies and comes back on the same ports with other content, while its replicas, the crate's
 * and ours, stay: they end with the new content, whether the new primary has written less than the old or
 * more.
 */
import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { embeddedDigest } from '../support/content.js';
import { digestOf } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { RustReplica, rustPeer } from '../support/rust-peer.js';
import { Workload } from '../support/workload.js';

const cases = (['SIGKILL', 'SIGTERM'] as const).flatMap((signal) => [
  { signal, before: 20_000, after: 2_000, records: 'fewer' },
  { signal, before: 2_000, after: 20_000, records: 'more' },
]);

interface Addresses {
  bind: string;
  listen: string;
}

async function startPrimary(again?: Addresses, ...flags: string[]) {
  const { bind, listen } = again ?? { bind: await place(), listen: await place() };
  const process = new FastcacheProcess(['primary', 'start', '--bind', bind, '--listen', listen, ...flags]);
  return { process, ...((await process.event('ready')) as unknown as Addresses) };
}

/** Where nothing listens while the primary is away, though its replicas try again and again. */
async function place(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** Writes other keys than other seeds do; returns the digest once all that expires has. */
async function fill({ listen }: Addresses, count: number, seed: number) {
  const workload = new Workload({ keys: 5_000, valueBytes: 60, seed, prefix: `run ${seed}:` });
  const client = await RespClient.connect(listen);
  await workload.write(client, count);
  await eventually(
    () => client.command('DBSIZE'),
    (size) => size === workload.expected.size,
  );
  client.close();
  return { digest: digestOf(workload.entries()), keys: workload.keys() };
}

describeWith(rustPeer, 'a Rust replica that outlives its primary, which is ours,', () => {
  it.each(cases)('has the content of the next one ($signal, $records records)', async (run) => {
    const first = await startPrimary();
    const replica = await RustReplica.start(first.bind);
    const old = await fill(first, run.before, 1);
    await eventually(
      () => replica.digest(),
      (digest) => digest === old.digest,
    );
    await first.process.kill(run.signal);

    const second = await startPrimary(first);
    expect(second).toMatchObject({ bind: first.bind, listen: first.listen });
    const next = await fill(second, run.after, 2);
    await eventually(
      () => replica.digest(),
      (digest) => digest === next.digest,
    );
  });

  it('is empty when the next one is', async () => {
    const first = await startPrimary();
    const replica = await RustReplica.start(first.bind);
    const old = await fill(first, 1_000, 1);
    await eventually(
      () => replica.digest(),
      (digest) => digest === old.digest,
    );
    await first.process.kill();
    await startPrimary(first);
    await eventually(
      () => replica.digest(),
      (digest) => digest === digestOf([]),
    );
  });
});

describe('a replica of ours that outlives its primary', () => {
  it.each(cases)(
    'has the content of the next one that starts over on purpose ($signal, $records records)',
    async (run) => {
      const first = await startPrimary();
      const replica = await Replica.follow(first.bind, { reconnectBackoffMs: 20 });
      const old = await fill(first, run.before, 1);
      await eventually(
        () => embeddedDigest(replica, old.keys),
        (digest) => digest === old.digest,
      );
      const { history } = replica;
      await first.process.kill(run.signal);
      expect(embeddedDigest(replica, old.keys)).toBe(old.digest);

      const second = await startPrimary(first, '--fresh');
      const next = await fill(second, run.after, 2);
      await eventually(
        () => embeddedDigest(replica, next.keys),
        (digest) => digest === next.digest,
      );
      expect(replica.history).not.toBe(history);
      await replica.close();
    },
  );
});

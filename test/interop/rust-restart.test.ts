/**
 * The crate has no histories: replicas of ours must not mix the content of two runs of its primary or of two
 * of them, nor its replicas that of two primaries of ours.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Primary, Replica } from '../../src/index.js';
import { replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { embeddedDigest } from '../support/content.js';
import { digestOf } from '../support/digest.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { fillEntries, RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';
import { foldLines, TapProcess } from '../support/tap-process.js';
import { Wiretap } from '../support/wiretap.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-rust-restart-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function fill(primary: RustPrimary, from: number, to: number): Promise<void> {
  await primary.startFill(from, to, 40);
  await primary.filled();
}

/** Comes back where `primary` was, and writes `to - from` other keys. */
async function restart(primary: RustPrimary, shards: number, from: number, to: number): Promise<RustPrimary> {
  const port = Number(primary.address.split(':').at(-1));
  await primary.kill();
  const restarted = await RustPrimary.start({ shards, port });
  await fill(restarted, from, to);
  return restarted;
}

const names = (count: number) => fillEntries(0, count, 40).map(([key]) => key.toString());

describeWith(rustPeer, 'behind a Rust primary that has restarted', () => {
  it('a replica holds what the new run has, though that has written more than it held', async () => {
    const primary = await RustPrimary.start({ shards: 4 });
    await fill(primary, 0, 50);
    const replica = await Replica.follow(primary.address, { reconnectBackoffMs: 20 });
    // Of live records it knows the last one, which it asks for again.
    await fill(primary, 50, 100);
    await eventually(
      () => replica.keyCount(),
      (count) => count === 100,
    );
    const resyncs: string[] = [];
    replica.on('resync', ({ reason }) => resyncs.push(reason));
    const restarted = await restart(primary, 4, 100, 400);
    await eventually(
      () => embeddedDigest(replica, names(400)),
      (digest) => digest === digestOf(fillEntries(100, 400, 40)),
    );
    expect(replica.keyCount()).toBe(300);
    expect(resyncs).toHaveLength(1);
    await replica.close();
    await restarted.kill();
  });

  it('a tap with a state hands on all that the new run has', async () => {
    const primary = await RustPrimary.start({ shards: 4 });
    const flags = ['--changes', '--state', join(directory, 'state')];
    const first = new TapProcess(primary.address, flags);
    await first.event('caught-up');
    await fill(primary, 0, 100);
    await eventually(
      () => foldLines(first.changes).size,
      (size) => size === 100,
    );
    expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    const restarted = await restart(primary, 4, 100, 400);
    const second = new TapProcess(primary.address, flags);
    await second.event('caught-up');
    const keys = fillEntries(100, 400, 40).map(([key]) => key.toString());
    expect([...foldLines(second.changes).keys()].sort()).toEqual(keys.sort());
    expect(await second.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await restarted.kill();
  });
});

describeWith(rustPeer, 'behind a Rust primary that is still the same run', () => {
  it('a replica whose link was cut goes on without a snapshot', async () => {
    const primary = await RustPrimary.start({ shards: 4 });
    const replica = await Replica.follow(primary.address, { reconnectBackoffMs: 20 });
    await fill(primary, 0, 100);
    await eventually(
      () => replica.keyCount(),
      (count) => count === 100,
    );
    const resyncs: string[] = [];
    replica.on('resync', ({ reason }) => resyncs.push(reason));
    replica.follow(primary.address);
    await eventually(
      () => replica.state?.name,
      (name) => name === 'live',
    );
    await fill(primary, 100, 200);
    await eventually(
      () => embeddedDigest(replica, names(200)),
      (digest) => digest === digestOf(fillEntries(0, 200, 40)),
    );
    expect(resyncs).toEqual([]);
    await replica.close();
    await primary.kill();
  });
});

describeWith(rustPeer, 'REPLICAOF from one Rust primary to another', () => {
  it('claims nothing, and the replica holds what the other one has, and no more', async () => {
    const [first, second] = [await RustPrimary.start({ shards: 4 }), await RustPrimary.start({ shards: 4 })];
    await fill(second, 100, 500);
    const replica = await Replica.follow(first.address, { reconnectBackoffMs: 20 });
    await fill(first, 0, 100);
    await eventually(
      () => replica.keyCount(),
      (count) => count === 100,
    );
    replica.follow(second.address);
    await eventually(
      () => embeddedDigest(replica, names(500)),
      (digest) => digest === digestOf(fillEntries(100, 500, 40)),
    );
    await replica.close();
    await Promise.all([first.kill(), second.kill()]);
  });
});

describeWith(rustPeer, 'a Rust replica that was ahead of a promoted replica of ours', () => {
  it('ends with the content of that one, whose clock is an hour behind', async () => {
    const primary = await Primary.start({ bind: ':0', listen: false, shards: 4 });
    const [toOurs, toRust] = [
      await Wiretap.start(primary.bindAddress),
      await Wiretap.start(primary.bindAddress),
    ];
    const late = () => Date.now() - 3_600_000;
    const clock = { ...systemNodeSeams.clock, nowMs: late };
    const config = replicaConfig(toOurs.address, { bind: ':0', listen: false });
    const ours = await Node.start(config, { ...systemNodeSeams, clock });
    const rust = await RustReplica.start(toRust.address);
    const write = (from: number, to: number) => {
      for (const [key, value] of fillEntries(from, to, 40)) primary.set(key, value);
    };
    write(0, 100);
    await eventually(
      () => ours.engine.keyCount(),
      (count) => count === 100,
    );
    toOurs.isOpen = false;
    toOurs.cut();
    write(100, 300);
    await eventually(
      () => rust.digest(),
      (digest) => digest === digestOf(fillEntries(0, 300, 40)),
    );
    await primary.close();

    ours.promote();
    for (const [key, value] of fillEntries(300, 800, 40)) ours.engine.set(key, value);
    toRust.primary = ours.bindAddress!;
    toRust.cut();
    const expected = digestOf([...fillEntries(0, 100, 40), ...fillEntries(300, 800, 40)]);
    await eventually(
      () => rust.digest(),
      (digest) => digest === expected,
    );
    await ours.close();
    await Promise.all([toOurs.close(), toRust.close(), rust.kill()]);
  });
});

/**
 * The crate's peers are silent for longer than a peer of ours may be, and their links are not taken for dead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closesLater, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustPrimary, RustReplica, rustPeer } from '../support/rust-peer.js';
import { Wiretap } from '../support/wiretap.js';

/** A link between peers of ours is dead after five seconds. */
const SILENCE_MS = 6_500;

describeWith(rustPeer, 'a link that is idle', () => {
  it('to a Rust replica stays up, and carries no Acks; one to a replica of ours does', async () => {
    const primary = await startPrimary();
    primary.set('key', 'value');
    const taps = [await Wiretap.start(primary.bindAddress), await Wiretap.start(primary.bindAddress)];
    for (const tap of taps) closesLater(tap);
    const rust = await RustReplica.start(taps[0]!.address);
    const ours = await follow(taps[1]!.address);
    await isCaughtUp({ primary, replica: ours });
    await sleep(SILENCE_MS);
    primary.set('key', 'later');
    await eventually(
      () => rust.watermarks().then(String),
      (reached) => reached === String(primary.watermarks()),
    );
    expect(taps[0]!.sent).toMatchObject({ Hello: 1 });
    expect(taps[0]!.sent.Ack).toBeUndefined();
    expect(taps[1]!.sent).toMatchObject({ Hello: 1 });
    await eventually(
      () => taps[1]!.sent.Ack ?? 0,
      (acks) => acks >= 6,
    );
    await rust.kill();
  });

  it('to a Rust primary stays up', async () => {
    const primary = await RustPrimary.start();
    await primary.set('key', 'value');
    const replica = await follow(primary.address);
    const lost: string[] = [];
    replica.on('lost', ({ error }) => lost.push(error.message));
    await eventually(
      () => String(replica.get('key')),
      (value) => value === 'value',
    );
    await sleep(SILENCE_MS);
    await primary.set('key', 'later');
    await eventually(
      () => String(replica.get('key')),
      (value) => value === 'later',
    );
    expect(lost).toEqual([]);
    await primary.kill();
  });
});

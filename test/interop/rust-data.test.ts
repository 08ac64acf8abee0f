/**
 * A replica of the crate whose primary has a data directory: it is sent what it lacks from segments, between
 * whose frames stand digests, of which it must never see one.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { digestOf, type Entry } from '../support/digest.js';
import { start } from '../support/open-front.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustReplica, rustPeer } from '../support/rust-peer.js';
import { Wiretap } from '../support/wiretap.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-rust-data-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ROUNDS = 4;
const KEYS = 2_000;

function digestsIn(data: string): number {
  let count = 0;
  for (const name of readdirSync(data).filter((each) => each.endsWith('.fcrp'))) {
    new FrameSplitter().push(readFileSync(join(data, name)), ({ header }) => {
      if (header.kind === FrameKind.Digests) count += 1;
    });
  }
  return count;
}

describeWith(rustPeer, 'a Rust replica of a primary with a data directory', () => {
  it('is sent what it lacks from the segments, and none of their digests', async () => {
    const data = join(directory, 'data');
    const options = { data, backlogBytes: 10_000, dataBase: 'never' } as const;
    const { primary } = await start(options);
    primary.set('key:0', 'the first');
    const tap = await Wiretap.start(primary.bindAddress);
    const replica = await RustReplica.start(tap.address);
    await replica.reached(primary.watermarks());
    tap.isOpen = false;
    tap.cut();
    const before = tap.sent.SnapshotBegin ?? 0;
    const entries = new Map<string, string>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (let at = 0; at < KEYS; at += 1) {
        const [key, value] = [`key:${at}`, `${round} of ${at}`];
        primary.set(key, value);
        entries.set(key, value);
      }
      // As many digests as rounds: each is behind writes of a second or more before.
      await eventually(
        () => Promise.resolve(digestsIn(data)),
        (count) => count >= round,
      );
    }
    tap.isOpen = true;
    await replica.reached(primary.watermarks());
    const expected = Array.from(entries, ([key, value]): Entry => [Buffer.from(key), Buffer.from(value)]);
    expect(await replica.digest()).toBe(digestOf(expected));
    expect(tap.sent.SnapshotBegin ?? 0).toBe(before);
    expect(tap.sent.MutationBatch).toBeGreaterThan(ROUNDS);
    expect(tap.sent.Digests).toBeUndefined();
    await tap.close();
    await replica.kill();
  }, 120_000);
});

/**
 * A tap on the crate's primary, which has no histories: it goes on by its watermarks, and starts over when it
 * must.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RustPrimary, rustPeer } from '../support/rust-peer.js';
import { type ChangeLine, foldLines, sequencesOf, TapProcess } from '../support/tap-process.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-rust-tap-'));
afterAll(() => rmSync(directory, { recursive: true }));

describeWith(rustPeer, 'a tap on the crate', () => {
  it('goes on where it was, compressed frames too, without a snapshot', async () => {
    const primary = await RustPrimary.start({ shards: 4, zstd: true });
    const flags = ['--changes', '--record', join(directory, 'dump'), '--state', join(directory, 'state')];
    const changes: ChangeLine[] = [];
    for (let run = 0; run < 3; run++) {
      const tap = new TapProcess(primary.address, flags);
      await tap.event('caught-up');
      await primary.startFill(run * 1_000, run * 1_000 + 1_000, 40);
      await primary.filled();
      await primary.del(`key:${run}`);
      // All fills but a key each, and what was written while it was away.
      const keys = (run + 1) * 999 + run;
      await eventually(
        () => foldLines([...changes, ...tap.changes]).size,
        (size) => size === keys,
      );
      expect(await tap.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      changes.push(...tap.changes);
      // Records that are written while it is away are in the backlog.
      await primary.set(`away:${run}`, 'x');
    }
    expect(changes.filter(({ type }) => type === 'snapshot-begin')).toHaveLength(1);
    for (const [, sequences] of sequencesOf(changes)) {
      expect(sequences).toEqual(sequences.map((_, index) => sequences[0]! + BigInt(index)));
    }
    await primary.kill();
  });

  it('starts over, and says so, when the primary has restarted and counts from 1 again', async () => {
    const primary = await RustPrimary.start({ shards: 2 });
    const flags = ['--changes', '--state', join(directory, 'restarted')];
    for (let at = 0; at < 20; at++) await primary.set(`old:${at}`, 'x');
    const tap = new TapProcess(primary.address, flags);
    await tap.event('caught-up');
    await tap.kill('SIGTERM');
    const port = Number(primary.address.split(':').at(-1));
    await primary.kill();
    const restarted = await RustPrimary.start({ shards: 2, port });
    await restarted.set('new', 'y');
    const second = new TapProcess(primary.address, flags);
    expect(await second.event('lost')).toMatchObject({ error: { code: 'HISTORY_DIFFERS' } });
    expect(await second.event('resync')).toMatchObject({
      reason: expect.stringContaining('of the primary is at'),
    });
    await second.event('caught-up');
    expect(foldLines(second.changes)).toEqual(new Map([['new', 'y']]));
    await second.kill('SIGTERM');
    await restarted.kill();
  });
});

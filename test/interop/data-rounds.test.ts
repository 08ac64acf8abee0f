/**
 * The short form of `npm run data:rounds`: servers with data directories that are killed under load,
 * restarted in turn, have single writes and syncs fail, and meet each other on one directory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compiler } from '../data-rounds/failing-disk.js';
import { FaultyRuns } from '../data-rounds/faulty-run.js';
import { FullDiskRounds, tmpfs } from '../data-rounds/full-disk.js';
import { Contestants } from '../data-rounds/one-directory.js';
import { Chain, KilledServer } from '../data-rounds/scenarios.js';
import { describeWith } from '../support/optional-peers.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-rounds-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** `everysec` loses two seconds at most; on a machine with other work a write may take a while as well. */
const LOST_MS = 10_000;

/** The directory of a server of one test. */
const place = (name: string) => mkdtempSync(join(directory, name));

describe('kill -9 under load', () => {
  it.each([
    ['always', 3],
    ['everysec', 2],
  ] as const)('with fsync %s loses no more than is said', async (fsync, rounds) => {
    const server = await KilledServer.start(place(fsync), fsync);
    for (let round = 0; round < rounds; round += 1) {
      const kill = await server.kill(round / rounds, round % 2 === 0);
      expect(kill.acknowledged).toBeGreaterThan(0);
      expect(kill.wrong).toBe(0);
      if (fsync === 'always') expect(kill.lost).toBe(0);
      else expect(kill.lostMs).toBeLessThan(LOST_MS);
    }
    await server.close();
  });
});

describe('restarts of primary, relay and leaf in turn, under load,', () => {
  it('need no snapshot, lose nothing, and leave all three equal', async () => {
    const chain = await Chain.start(place('chain'), 'everysec');
    expect(await chain.turn('SIGTERM')).toMatchObject({ snapshots: 0, lost: 0, wrong: 0, isEqual: true });
    await chain.close();
  });
});

describeWith(compiler, 'a write or sync that fails', () => {
  it.each([
    ['EIO', 1, 2],
    ['EIO', 1, 78],
    ['ENOSPC', 12, 30],
  ] as const)('with %s, %i at a time, from number %i on, loses nothing', async (code, count, at) => {
    const runs = await FaultyRuns.prepare(place('faults'));
    const run = await runs.play({ code, at, count }, false);
    expect(run.faults).toEqual([]);
    expect(run.failed).toBeDefined();
  });
});

describeWith(tmpfs, 'a disk that fills up under load and gets room again', () => {
  it.each([false, true])('loses nothing; killed meanwhile: %s', async (isKilled) => {
    const disk = await FullDiskRounds.start(place('full'));
    try {
      const full = await disk.fill(isKilled);
      expect(full).toMatchObject({ lost: 0, wrong: 0, faults: [] });
    } finally {
      await disk.close();
    }
  });
});

describe('two processes that are started with one directory', () => {
  it('are one that has it and one that is refused', async () => {
    const contestants = await Contestants.place(join(directory, 'one'));
    for (let round = 0; round < 2; round += 1) {
      expect(await contestants.contend()).toEqual({ winners: 1, faults: [] });
    }
  });
});

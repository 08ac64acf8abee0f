import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/frame/batch.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { DumpBuilder } from '../../support/dump-builder.js';
import { bytesOf } from '../../support/raw-frames.js';
import { runCommand } from '../../support/run-command.js';
import { verifyBytes } from '../../support/verify-bytes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-merge-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);
const merged = place('merged.fcrp');
const START_MS = 1_760_000_000_000n;

class TimedBuilder extends DumpBuilder {
  at(second: number, shard = 0): Buffer {
    const timestampMs = START_MS + BigInt(second * 1000);
    const records = [1, 2, 3].map(() => ({ ...this.record(shard), timestampMs }));
    return this.frame(FrameKind.MutationBatch, encodeBatch(records));
  }
}

function dump(name: string, ...parts: (Buffer | string)[]): string {
  writeFileSync(place(name), bytesOf(...parts));
  return place(name);
}

const merge = (...files: string[]) => runCommand(['frames', 'merge', '-o', merged, ...files]);
const isMerged = (...parts: Buffer[]) => readFileSync(merged).equals(bytesOf(...parts));

describe('frames merge', () => {
  beforeEach(() => rmSync(merged, { force: true }));

  it('orders the frames of all dumps by time, compressed or not, and the result verifies', async () => {
    const [plain, zstd] = [new TimedBuilder(4), new TimedBuilder(4, 'zstd')];
    const frames = Array.from({ length: 8 }, (_, second) =>
      (second % 3 === 1 ? zstd : plain).at(second, second % 3),
    );
    const [one, two, three] = [0, 1, 2].map((rest) =>
      dump(`by-${rest}.fcrp`, ...frames.filter((_, second) => second % 3 === rest)),
    );
    const { status, stdout, stderr } = await merge(three!, one!, two!);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(isMerged(...frames)).toBe(true);
    expect(stdout).toBe(`${merged}: 8 frames, 24 records, 1,653 bytes\n`);
    expect(verifyBytes(readFileSync(merged)).faults).toEqual([]);
  });

  it('keeps the order within a dump, and that of the arguments where times are equal', async () => {
    const build = new TimedBuilder();
    const [late, early, tie] = [build.at(5), build.at(1), build.at(5)];
    await merge(dump('falling.fcrp', late, early), dump('tie.fcrp', tie));
    expect(isMerged(late, early, tie)).toBe(true);
  });

  it('leaves what has no time with what follows it, and snapshots in one piece', async () => {
    const build = new TimedBuilder(4);
    const other = new TimedBuilder(4);
    const [before, behind] = [other.at(1, 1), other.at(3, 1)];
    const first = build.at(2);
    const begin = build.begin();
    const inside = [build.chunk(0, false), build.at(4), build.chunk(1, true)];
    const end = build.end();
    const ack = build.ack();
    const tap = dump('tap.fcrp', first, begin, ...inside, end, ack);
    const one = dump('one.fcrp', before, behind);
    await merge(one, tap);
    expect(isMerged(before, first, behind, begin, ...inside, end, ack)).toBe(true);
    // Nothing says when it was: it comes first.
    const snapshot = build.snapshot();
    rmSync(merged);
    await merge(one, dump('snapshot.fcrp', ...snapshot));
    expect(isMerged(...snapshot, before, behind)).toBe(true);
  });

  it('leaves out damage and what it spoils, says so, and exits 65', async () => {
    const build = new TimedBuilder(4);
    const [first, second, third] = [build.at(1), build.at(2), build.at(3)];
    const damaged = dump('damaged.fcrp', ...build.snapshot().slice(0, 2), 'junk', first, third);
    const { status, stdout } = await merge(damaged, dump('second.fcrp', second));
    expect(status).toBe(65);
    expect(isMerged(first, second, third)).toBe(true);
    expect(stdout).toContain(`of ${damaged}:`);
    expect(stdout).toContain('All of it is left out. (SNAPSHOT_OUT_OF_ORDER)');
    const json = JSON.parse(
      (await runCommand(['frames', 'merge', '--json', '--force', '-o', merged, damaged])).stdout,
    );
    expect(json).toMatchObject({ target: merged, frames: 2, inputs: [{ input: damaged, lossCount: 2 }] });
  });

  it('takes files alone, and leaves none where it fails', async () => {
    const file = dump('some.fcrp', new TimedBuilder().at(1));
    execFileSync('mkfifo', [place('pipe')]);
    expect((await merge(file, '-')).status).toBe(2);
    expect((await merge(file, place('pipe'))).status).toBe(2);
    expect((await merge(file, place('none'))).status).toBe(66);
    expect((await runCommand(['frames', 'merge', file, '-o', file, '--force'])).status).toBe(2);
    expect(existsSync(merged)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

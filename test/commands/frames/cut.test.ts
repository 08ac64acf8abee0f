import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/frame/batch.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeWith, parseLines } from '../../support/decode-dumps.js';
import { type Compression, DumpBuilder } from '../../support/dump-builder.js';
import { eventually, repositoryRoot } from '../../support/processes.js';
import { bytesOf } from '../../support/raw-frames.js';
import { runCommand } from '../../support/run-command.js';
import { verifyBytes } from '../../support/verify-bytes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-cut-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);
const cut = place('cut.fcrp');
const START_MS = 1_760_000_000_000n;

/**
 * A snapshot, then six batches of two shards, each a second later than the one before; every fourth record a
 * Del.
 */
function frames(compression: Compression): Buffer[] {
  const build = new DumpBuilder(4, compression);
  const batches = Array.from({ length: 6 }, (_, second) => {
    const records = Array.from({ length: 8 }, (_, index) => {
      const record = build.record(second % 2);
      const timestampMs = START_MS + BigInt(second * 1000 + index);
      return index % 4 === 3
        ? { ...record, timestampMs, op: 'del' as const, value: Buffer.alloc(0) }
        : { ...record, timestampMs };
    });
    return build.frame(FrameKind.MutationBatch, encodeBatch(records));
  });
  return [...new DumpBuilder(4, compression).snapshot(), ...batches];
}

function dump(name: string, ...parts: (Buffer | string)[]): string {
  writeFileSync(place(name), bytesOf(...parts));
  return place(name);
}

const plain = frames('none');
const sound = dump('sound.fcrp', ...plain);
const zstd = dump('zstd.fcrp', ...frames('zstd'));

const run = (...args: string[]) => runCommand(['frames', 'cut', '-o', cut, ...args]);

/** Records and entries of NDJSON, without the place where they stand. */
function itemsOf(ndjson: string): object[] {
  return parseLines(ndjson)
    .filter(({ type }) => type !== 'frame')
    .map(({ offset: _, ...item }) => item);
}

async function chosen(file: string, ...flags: string[]): Promise<object[]> {
  return itemsOf((await runCommand(['frames', 'decode', '--format', 'ndjson', ...flags, file])).stdout);
}

const cutItems = async () => itemsOf((await decodeWith({}, cut)).text);

function faultCodes(): string[] {
  return [...new Set<string>(verifyBytes(readFileSync(cut)).faults.map(({ code }) => code))];
}

describe('frames cut', () => {
  beforeEach(() => rmSync(cut, { force: true }));

  it.each([
    ['everything', [], []],
    ['a range of time', ['--since', `${START_MS + 1002n}`, '--until', `${START_MS + 4003n}`], []],
    ['a range of sequences', ['--start', '3', '--end', '20'], []],
    ['shards', ['--shard', '1'], []],
    ['ops', ['--op', 'set'], ['SEQUENCE_GAP']],
    ['keys, of the snapshot too', ['--key', 'key:?', '--key', '*:2:*'], []],
    ['a kind', ['--kind', 'MutationBatch'], []],
    ['so many records', ['--kind', 'MutationBatch', '--limit', '11'], []],
    ['so many behind a snapshot', ['--limit', '21'], []],
  ])('copies %s, as decode shows it, to a dump that verifies', async (_, flags, faults) => {
    for (const source of [sound, zstd]) {
      const { status, stderr } = await run('--force', ...flags, source);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const expected = await chosen(source, ...flags);
      expect(expected.length).toBeGreaterThan(0);
      expect(await cutItems()).toEqual(expected);
      expect(faultCodes()).toEqual(faults);
    }
  });

  it('copies frames byte for byte where all of them is chosen, and encodes others as they were', async () => {
    await run('--since', `${START_MS + 1004n}`, '--until', `${START_MS + 2999n}`, sound);
    const bytes = readFileSync(cut);
    expect(bytes.subarray(-plain[7]!.length).equals(plain[7]!)).toBe(true);
    expect(bytes.length).toBeLessThan(plain[6]!.length + plain[7]!.length);
    await run('--force', '--end', '3', zstd);
    const { text } = await decodeWith({ shows: 'frames' }, cut);
    expect(parseLines(text).map(({ compressed, records }) => [compressed, records])).toEqual([
      [true, 3],
      [true, 3],
    ]);
  });

  it('says what it wrote and what gaps that leaves', async () => {
    const { stdout } = await run('--op', 'del', sound);
    expect(stdout).toContain(`${cut}: 6 frames, 12 records, `);
    expect(stdout).toContain('Shard 0 lacks the sequences 5 to 7. (SEQUENCE_GAP)');
    const json = JSON.parse((await run('--op', 'del', sound, '--force', '--json')).stdout);
    expect(json).toMatchObject({
      frames: 6,
      records: 12,
      entries: 0,
      snapshotLeftOut: false,
      remainingCount: 10,
    });
    expect(json.inputs).toEqual([{ input: sound, lossCount: 0, lostBytes: 0, lostFrames: 0, losses: [] }]);
  });

  it('copies a snapshot whole or not at all', async () => {
    const { status, stdout } = await run('--limit', '7', sound);
    expect({ status, left: stdout.includes('--limit ends in is left out') }).toEqual({
      status: 0,
      left: true,
    });
    expect(readFileSync(cut)).toHaveLength(0);
    expect((await run('--force', '--kind', 'SnapshotChunk', sound)).status).toBe(2);
    const unended = dump('unended.fcrp', ...plain.slice(0, 3), plain[5]!);
    const behind = await run('--force', '--key', '*', unended);
    expect(behind.status).toBe(65);
    expect(behind.stdout).toContain('The dump ends inside the snapshot');
    expect(readFileSync(cut).equals(plain[5]!)).toBe(true);
  });

  it('copies of several dumps, one of them stdin, up to a limit of all together', async () => {
    const [first, second] = [dump('first.fcrp', ...plain.slice(5, 7)), bytesOf(...plain.slice(7))];
    const { stdout } = await runCommand(
      ['frames', 'cut', '--json', '-o', cut, '--limit', '18', first, '-', place('unread.fcrp')],
      { stdin: second },
    );
    expect(JSON.parse(stdout)).toMatchObject({ records: 18, inputs: [{ input: first }, { input: 'stdin' }] });
    expect(await cutItems()).toEqual((await chosen(sound, '--kind', 'MutationBatch')).slice(0, 18));
  });

  it('steps over damage, says where it is, and exits 65', async () => {
    const damaged = dump('damaged.fcrp', plain[5]!, 'junk', plain[6]!, plain[7]!.subarray(0, 40));
    const { status, stdout } = await run(damaged);
    expect(status).toBe(65);
    expect(readFileSync(cut).equals(bytesOf(plain[5]!, plain[6]!))).toBe(true);
    expect(stdout).toContain(`bytes ${plain[5]!.length} to ${plain[5]!.length + 3} (4): `);
    expect(stdout).toContain('merely ends inside its last frame');
  });

  it('refuses what it must not write over, and leaves no file where it fails', async () => {
    writeFileSync(cut, 'precious');
    expect((await run(sound)).status).toBe(2);
    expect((await runCommand(['frames', 'cut', sound, '-o', sound, '--force'])).status).toBe(2);
    expect((await runCommand(['frames', 'cut', sound])).status).toBe(2);
    expect(readFileSync(cut, 'utf8')).toBe('precious');
    rmSync(cut);
    expect((await run(sound, place('none'))).status).toBe(66);
    expect((await run('--start', '5', '--end', '4', sound)).status).toBe(2);
    expect(existsSync(cut)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('leaves no half file when SIGINT ends it', async () => {
    const child = spawn(process.execPath, ['bin/run.js', 'frames', 'cut', '-', '-o', cut], {
      cwd: repositoryRoot,
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.stdin.write(readFileSync(sound));
    const partial = () => readdirSync(directory).filter((name) => name.endsWith('.partial'));
    await eventually(partial, (names) => names.length === 1);
    child.kill('SIGINT');
    expect(await closed).toBe(130);
    expect([partial(), existsSync(cut)]).toEqual([[], false]);
  });
});

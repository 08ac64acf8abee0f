import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { parseLines, setRecord } from '../../support/decode-dumps.js';
import { DumpBuilder } from '../../support/dump-builder.js';
import { contentOf } from '../../support/engines.js';
import { foldBytes } from '../../support/fold-bytes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-state-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);

const bytes = (text: string) => Buffer.from(text);
const records = [
  setRecord({ sequence: 1n, timestampMs: 1000n, key: bytes('a'), value: bytes('first') }),
  setRecord({ sequence: 2n, timestampMs: 2000n, key: bytes('gone'), expireAtMs: 2500n }),
  setRecord({
    sequence: 3n,
    timestampMs: 3000n,
    key: bytes('a'),
    value: Buffer.from([0xff]),
    expireAtMs: 9000n,
  }),
];
const frames = records.map((record) => encodeFrame(FrameKind.MutationBatch, encodeBatch([record])));
const dump = place('dump.fcrp');
writeFileSync(dump, Buffer.concat(frames));

describe('frames state', () => {
  it('shows what a dump leads to, and counts what had expired', async () => {
    const { status, stdout, stderr } = await runCommand(['frames', 'state', dump]);
    expect(stdout).toBe('{"type":"entry","key":"a","valueBase64":"/w==","expireAtMs":9000}\n');
    expect(stderr).toBe('Note: 1 key had expired by 1970-01-01T00:00:03.000Z and is left out\n');
    expect(status).toBe(0);
  });

  it('shows it as it was, in one document too', async () => {
    const args = ['frames', 'state', '--json', '--until', '1970-01-01T00:00:02.400Z', dump];
    const { entries, ...rest } = JSON.parse((await runCommand(args)).stdout);
    expect(entries.map(({ key, value }: Record<string, string>) => [key, value]).sort()).toEqual([
      ['a', 'first'],
      ['gone', 'v'],
    ]);
    expect(rest).toEqual({ files: [dump], keys: 2, atMs: 2400, expiredKeys: 0, watermarks: ['2'] });
    const end = await runCommand(['frames', 'state', '--end', '1', '--values', 'hex', dump]);
    expect(parseLines(end.stdout)).toEqual([
      { type: 'entry', key: 'a', valueHex: '6669727374', expireAtMs: null },
    ]);
    const none = await runCommand(['frames', 'state', '--end', '0', '--json', '-'], {
      stdin: readFileSync(dump),
    });
    expect(JSON.parse(none.stdout)).toMatchObject({ entries: [], files: ['stdin'], keys: 0 });
  });

  it('takes dumps that continue each other, and writes a snapshot that leads to the same', async () => {
    const build = new DumpBuilder(4);
    const [one, two, made] = [place('one.fcrp'), place('two.fcrp'), place('made.fcrp')];
    writeFileSync(one, Buffer.concat([...build.snapshot(2), build.batch(0, 40)]));
    const [lost, next] = [build.batch(1, 1), build.batch(1, 3)];
    writeFileSync(two, Buffer.concat([lost, build.batch(2, 40), next]));
    const args = ['frames', 'state', one, two, '--format', 'dump', '--compression', 'zstd', '-o', made];
    const { status, stdout, stderr } = await runCommand(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      `${made}: 94 keys, ${readFileSync(made).length} bytes, as of 2025-10-09T08:53:20.000Z\n  watermarks 40 4 40 0\n`,
    );
    const whole = foldBytes(Buffer.concat([readFileSync(one), readFileSync(two)]));
    const again = foldBytes(readFileSync(made));
    expect(contentOf(again.store)).toEqual(contentOf(whole.store));
    expect(again.watermarks).toEqual(whole.watermarks);
    const verified = await runCommand(['frames', 'verify', '--json', made]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, files: [{ entries: 94, shards: 4 }] });

    writeFileSync(two, next);
    const gap = await runCommand(['frames', 'state', one, two]);
    expect(gap).toMatchObject({ status: 65, stdout: '' });
    expect(gap.stderr).toBe(`Error: byte 24 of ${two}: Shard 1 lacks the sequence 1. (SEQUENCE_GAP)\n`);
  });

  it('leaves no file and writes nothing when there is a fault', async () => {
    const target = place('none.fcrp');
    const cut = place('cut.fcrp');
    writeFileSync(cut, Buffer.concat(frames).subarray(0, -1));
    for (const [args, expected, message] of [
      [[cut, '-o', target], 65, 'FCRP_TRUNCATED'],
      [[cut], 65, `of ${cut}`],
      [[place('nothing')], 66, 'no such file'],
      [[dump, '--format', 'dump', '-o', dump, '--force'], 2, 'never written over'],
      [[dump, '-o', cut], 2, '--force overwrites it'],
      [['-', '-'], 2, 'only once'],
      [[dump, '--compression', 'zstd'], 2, '--format dump'],
      [[dump, '--format', 'dump', '--json'], 2, 'both want stdout'],
      [['fixtures/golden/all.fcrp', '--until', '1970-01-01T00:00:00.005Z'], 2, 'byte 80852'],
    ] as const) {
      const result = await runCommand(['frames', 'state', ...args]);
      expect({ args, status: result.status }).toEqual({ args, status: expected });
      expect(result.stdout === '' ? result.stderr : result.stdout).toContain(message);
    }
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
    const golden = await runCommand(['frames', 'state', '--values', 'none', 'fixtures/golden/all.fcrp']);
    expect(parseLines(golden.stdout).length).toBe(100);
  });
});

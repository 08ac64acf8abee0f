import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeBatch, type MutationRecord } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { setRecord } from '../../support/decode-dumps.js';
import { repositoryRoot } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-stats-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ALL = 'fixtures/golden/all.fcrp';

function dump(name: string, records: MutationRecord[], ...more: Uint8Array[]): string {
  const file = join(directory, name);
  const frame = encodeFrame(FrameKind.MutationBatch, encodeBatch(records), { compression: 'zstd' });
  writeFileSync(file, Buffer.concat([frame, ...more]));
  return file;
}

describe('frames stats', () => {
  it('tells a person what a dump holds', async () => {
    const records = Array.from({ length: 90 }, (_, index) =>
      setRecord({
        sequence: BigInt(index < 80 ? index + 1 : index + 11),
        timestampMs: 1_760_000_000_000n + BigInt(index < 45 ? 0 : 1_000 + index),
        key: Buffer.from(index % 3 === 0 ? 'hot:\u001b[31m"' : `user:${index}`),
        value: Buffer.alloc(index),
      }),
    );
    const file = dump('told.fcrp', [...records, setRecord({ sequence: 101n, key: Buffer.alloc(200, 'k') })]);
    const { status, stdout, stderr } = await runCommand(['frames', 'stats', file]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^MutationBatch +1 +1 +91 +[\d,]+ +9,\d+ +\d+\.\d\d$/m);
    expect(stdout).toMatch(/^set +91 +9,\d+$/m);
    expect(stdout).toMatch(/^ +0 +91 +1 +101 +1 +10 +0$/m);
    expect(stdout).toMatch(/^ +60 +\d,\d+ {2}"user:"$/m);
    expect(stdout).toMatch(/^ +30 +\d,\d+ {2}"hot:"$/m);
    expect(stdout).toMatch(/^ +1 +254 {2}\(none\)$/m);
    expect(stdout).toMatch(/^ +30 +\d,\d+ {2}'hot:\\x1b\[31m"'$/m);
    expect(stdout).toMatch(/^ +89 +0 {2}"user:89"$/m);
    expect(stdout).toContain('2025-10-09T08:53:20.000Z to 2025-10-09T08:53:21.089Z, 1 s 89 ms');
    expect(stdout).toMatch(/^█ {27,}.*[▁-█]+$/m);
    expect(stdout).toContain('32 ms a column: 83 records/s on average, 1,438/s at most');
    expect(stdout).not.toContain('\u001b');
  });

  it('shows how big keys and values are and how long keys live, in 80 columns', async () => {
    const base = 1_760_000_000_000n * 2048n;
    const records = Array.from({ length: 100 }, (_, index) =>
      setRecord({
        sequence: base + BigInt(index),
        key: Buffer.alloc(1 + (index % 10), 'k'),
        value: Buffer.alloc(index === 0 ? 0 : 1000),
        timestampMs: 1_760_000_000_000n,
        expireAtMs: index < 60 ? 1_760_000_090_000n : null,
      }),
    );
    const file = dump('sizes.fcrp', records);
    const { stdout } = await runCommand(['frames', 'stats', file]);
    expect(stdout).toMatch(/^ *key bytes from +to below +count$/m);
    expect(stdout).toMatch(/^ +4 +8 +40 {2}█{20}$/m);
    expect(stdout).toMatch(/^ +0 +1 +1 {2}█$/m);
    expect(stdout).toMatch(/^ +512 +1,024 +99 {2}█{20}$/m);
    expect(stdout).toMatch(/^1 min 5 s +2 min 11 s +60 {2}█{20}$/m);
    expect(stdout).toMatch(/^40 records without expiry$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const { stats } = JSON.parse((await runCommand(['frames', 'stats', '--json', file])).stdout).files[0];
    expect(stats).toMatchObject({
      keyBytes: [
        { from: 1, count: 10 },
        { from: 2, count: 20 },
        { from: 4, count: 40 },
        { from: 8, count: 30 },
      ],
      valueBytes: [
        { from: 0, count: 1 },
        { from: 512, count: 99 },
      ],
      lifeMs: [{ from: 65_536, count: 60 }],
      withoutExpiry: 40,
    });
  });

  it('shows long keys of any bytes in 80 columns, with their length', async () => {
    const records = Array.from({ length: 50 }, (_, index) =>
      setRecord({
        sequence: BigInt(index + 1),
        key: Buffer.concat([Buffer.alloc(299, 0x9b), Buffer.of(0x3a), Buffer.of(index % 5)]),
        value: Buffer.alloc(100_000 + index),
      }),
    );
    const { stdout } = await runCommand(['frames', 'stats', dump('long.fcrp', records)]);
    expect(stdout).toMatch(/^ +10 +[\d,]+ {2}"(\\x9b){9}…" \(301 bytes\)$/m);
    expect(stdout).toMatch(/^ +100,049 +0 {2}"(\\x9b){9}…" \(301 bytes\)$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('tells a program the same in one document, and what frames decode --stats tells', async () => {
    const { status, stdout } = await runCommand(['frames', 'stats', '--json', ALL]);
    expect(status).toBe(0);
    const [{ file, stats, fault }] = JSON.parse(stdout).files;
    expect({ file, fault }).toEqual({ file: ALL, fault: null });
    expect(stats).toMatchObject({
      frames: 11,
      records: 1_038,
      entries: 100,
      compressionRatio: 1.71,
      prefixes: [
        { prefix: 'key:', items: 1_024, itemsError: 0 },
        { prefix: 'snap:', items: 100, itemsError: 0 },
      ],
      prefixCount: 2,
      withoutPrefix: { items: 14, bytes: 6_846 },
      rate: { bucketMs: 16, records: expect.any(Array) },
    });
    expect(stats.hotKeys[0]).toEqual({ key: 'alpha', keyBytes: 5, records: 6, recordsError: 0, bytes: 354 });
    expect(stats.biggestValues[0]).toEqual({ key: 'ключ✓', keyBytes: 11, valueBytes: 3_000, offset: 351 });
    const decoded = await runCommand(['frames', 'decode', '--stats', '--json', ALL]);
    expect(decoded.stdout).toBe(stdout);
  });

  it('counts what ranges and filters leave, from stdin too', async () => {
    const args = ['--op', 'set', '--key', 'key:1*', '--shard', '0', '--end', '9', '--kind', 'MutationBatch'];
    const stdin = readFileSync(ALL);
    const { stdout } = await runCommand(['frames', 'stats', '--json', '-', ...args], { stdin });
    const lines = await runCommand(['frames', 'decode', '--format', 'ndjson', ALL, ...args]);
    const records = lines.stdout.split('\n').filter((line) => line.includes('"type":"record"'));
    expect(records.length).toBeGreaterThan(0);
    expect(JSON.parse(stdout).files[0].stats).toMatchObject({ records: records.length, entries: 0 });
  });

  it('counts up to damage, names its place, and exits 65', async () => {
    const file = dump('damaged.fcrp', [setRecord({})], Buffer.from('junk behind the frame'));
    const offset = readFileSync(file).indexOf('junk');
    const { status, stdout, stderr } = await runCommand(['frames', 'stats', file]);
    expect(status).toBe(65);
    expect(stdout).toMatch(/^set +1 +55$/m);
    expect(stderr).toContain(`byte ${offset} of ${file}`);
    const json = await runCommand(['frames', 'stats', '--json', file, ALL]);
    expect(json.status).toBe(65);
    expect(JSON.parse(json.stdout).files).toMatchObject([
      { stats: { records: 1 }, fault: { code: 'FCRP_BAD_MAGIC', offset } },
      { stats: { records: 1_038 }, fault: null },
    ]);
    const absent = await runCommand(['frames', 'stats', join(directory, 'absent')]);
    expect(absent.status).toBe(66);
  });

  it('refuses what no record can pass', async () => {
    for (const args of [
      ['--start', '9', '--end', '1'],
      ['--kind', 'Hello', '--op', 'set'],
      ['--limit', '1'],
    ]) {
      expect((await runCommand(['frames', 'stats', ALL, ...args])).status).toBe(2);
    }
  });

  it('ends quietly and well when nobody reads', async () => {
    const child = spawn(process.execPath, ['bin/run.js', 'frames', 'stats', ALL], { cwd: repositoryRoot });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.destroy();
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

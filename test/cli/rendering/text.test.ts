import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { formatDuration } from '../../../src/cli/terminal/text.js';
import { type FilterOptions, FrameFilter } from '../../../src/dump/choose/filter.js';
import { encodeBatch, type MutationRecord } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { decodeWith, setRecord } from '../../support/decode-dumps.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-text-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function textOf(frames: Buffer[], options: FilterOptions = {}): Promise<string> {
  const file = join(directory, 'dump.fcrp');
  writeFileSync(file, Buffer.concat(frames));
  const { text, status } = await decodeWith({ format: 'text', filter: new FrameFilter(options) }, file);
  expect(status).toBe(0);
  return text;
}

function batch(...records: Partial<MutationRecord>[]): Buffer {
  return encodeFrame(FrameKind.MutationBatch, encodeBatch(records.map(setRecord)));
}

const at = (shard: number, ...sequences: bigint[]) =>
  batch(...sequences.map((sequence) => ({ shard, sequence })));

const marksIn = (text: string) => text.split('\n').flatMap((line) => /… (shard .*)/.exec(line)?.[1] ?? []);

describe('marks between records', () => {
  it('tell of gaps, also between frames, and of what goes back', async () => {
    const text = await textOf([at(2, 5n, 6n, 8n), at(0, 1n, 2n), at(2, 12n, 9n, 10n, 13n)]);
    expect(marksIn(text)).toEqual([
      'shard 2: gap, sequence 7 is missing',
      'shard 2: gap, 3 sequences are missing, 9 to 11',
      'shard 2: goes back, from sequence 12 to 9',
    ]);
    const lines = text.split('\n');
    expect(lines[lines.findIndex((line) => line.includes('sequence 7')) + 1]).toMatch(/ 2 +8 {2}2025/);
  });

  it('are about the dump, not about what a filter hides of it', async () => {
    const frames = [at(1, 1n, 2n, 3n, 7n, 8n)];
    expect(marksIn(await textOf(frames, { start: 3n }))).toHaveLength(1);
    expect(marksIn(await textOf(frames, { start: 8n }))).toEqual([]);
    expect(marksIn(await textOf([at(1, 1n, 2n, 3n)], { keys: ['k'], end: 1n }))).toEqual([]);
  });

  it('start over where a snapshot ends', async () => {
    const end = encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks([10n, 0n]));
    expect(marksIn(await textOf([at(0, 1n), at(1, 1n), end, at(0, 11n), at(1, 500n)]))).toEqual([]);
    expect(marksIn(await textOf([at(0, 1n), end, at(0, 12n)]))).toEqual([
      'shard 0: gap, sequence 11 is missing',
    ]);
    const hidden = await textOf([at(0, 1n), end, at(0, 12n)], { kinds: ['MutationBatch'] });
    expect(marksIn(hidden)).toHaveLength(1);
  });

  it('hold for sequences up to the last, and not for shards that no store has', async () => {
    expect(marksIn(await textOf([at(0, 1n, 2n ** 64n - 1n)]))).toHaveLength(1);
    expect(marksIn(await textOf([at(2 ** 32 - 1, 1n, 9n)]))).toEqual([]);
  });
});

describe('an expiry', () => {
  it('is told as time and as distance, from its record or from now', async () => {
    const timestampMs = 1_760_000_000_000n;
    const records = batch(
      { expireAtMs: timestampMs + 30_000n },
      { sequence: 2n, expireAtMs: timestampMs - 1n },
      { sequence: 3n, op: 'expire', value: Buffer.of() },
    );
    const entries = [1_800_000_000_000n + 90_000n, 1_800_000_000_000n - 86_400_000n].map((expireAtMs) => ({
      key: Buffer.from('e'),
      value: Buffer.from('v'),
      expireAtMs,
    }));
    const chunk = encodeSnapshotChunk({
      chunkIndex: 0n,
      last: true,
      watermarks: [],
      entryCount: 2,
      entries: encodeSnapshotEntries(entries),
    });
    const text = await textOf([records, encodeFrame(FrameKind.SnapshotChunk, chunk)]);
    expect(text).toContain('expires 2025-10-09T08:53:50.000Z (30 s later)');
    expect(text).toContain('expires 2025-10-09T08:53:19.999Z (1 ms earlier)');
    expect(text).toContain('"k"  expires never');
    expect(text).toContain('expires 2027-01-15T08:01:30.000Z (1 min 30 s from now)');
    expect(text).toContain('expires 2027-01-14T08:00:00.000Z (1 d ago)');
  });

  it.each([
    [0n, '0 ms'],
    [999n, '999 ms'],
    [1_500n, '1 s 500 ms'],
    [60_000n, '1 min'],
    [90_061_000n, '1 d 1 h'],
    [2n ** 64n - 2n, '213,503,982,334 d 14 h'],
  ])('%d ms away is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unpackr } from 'msgpackr';
import { afterAll, describe, expect, it } from 'vitest';
import { type FilterOptions, FrameFilter } from '../../../src/dump/choose/filter.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { type DecodedLine, decodeWith, parseLines, setRecord } from '../../support/decode-dumps.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-stats-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ALL = 'fixtures/golden/all.fcrp';

async function statsOf(file: string, options: FilterOptions = {}) {
  const filter = new FrameFilter(options);
  const { text } = await decodeWith({ shows: 'stats', filter }, file);
  const [stats] = parseLines(text) as [DecodedLine];
  // Counted once more, from the lines that the dump is decoded to.
  const lines = parseLines((await decodeWith({ filter }, file)).text);
  return { stats, lines };
}

function dump(name: string, ...frames: Buffer[]): string {
  const file = join(directory, name);
  writeFileSync(file, Buffer.concat(frames));
  return file;
}

describe('stats', () => {
  it.each<[string, FilterOptions]>([
    ['the whole of a dump', {}],
    ['what filters leave', { ops: ['set', 'del'], end: 20n }],
    ['keys of snapshots', { keys: ['snap:*'] }],
  ])('count %s', async (_what, options) => {
    const { stats, lines } = await statsOf(ALL, options);
    const frames = lines.filter(({ type }) => type === 'frame');
    const records = lines.filter(({ type }) => type === 'record');
    const sum = (name: string) => frames.reduce((total, frame) => total + Number(frame[name]), 0);
    expect(stats).toMatchObject({
      type: 'stats',
      frames: frames.length,
      records: records.length,
      entries: lines.filter(({ type }) => type === 'entry').length,
      payloadBytes: sum('payloadBytes'),
      uncompressedBytes: sum('uncompressedBytes'),
      compressedFrames: frames.filter(({ compressed }) => compressed).length,
    });
    expect(stats.compressionRatio).toBeCloseTo(sum('uncompressedBytes') / sum('payloadBytes'), 2);
    const times = records.map(({ timestampMs }) => timestampMs as number);
    expect(stats.firstTimeMs).toBe(times.length === 0 ? null : Math.min(...times));
    expect(stats.lastTimeMs).toBe(times.length === 0 ? null : Math.max(...times));
    for (const [by, list] of [
      ['kind', stats.kinds],
      ['op', stats.ops],
      ['shard', stats.shards],
    ] as const) {
      const counted = new Map<unknown, number>();
      for (const line of by === 'kind' ? frames : records) {
        counted.set(line[by], (counted.get(line[by]) ?? 0) + 1);
      }
      const told = (list as DecodedLine[]).map((row) => [row[by], row[by === 'kind' ? 'frames' : 'records']]);
      expect(new Map(told as [unknown, number][])).toEqual(counted);
    }
  });

  it('tell the range of each shard, its gaps, and what comes again', async () => {
    const batch = (...sequences: bigint[]) =>
      encodeFrame(FrameKind.MutationBatch, encodeBatch(sequences.map((sequence) => setRecord({ sequence }))));
    const { stats } = await statsOf(dump('gaps.fcrp', batch(5n, 6n, 9n), batch(8n, 9n, 11n)));
    expect(stats.shards).toEqual([
      {
        shard: 0,
        records: 6,
        bytes: 6 * 55,
        firstSequence: '5',
        lastSequence: '11',
        gaps: 2,
        missingSequences: '3',
        stepsBack: 1,
      },
    ]);
  });

  it('stay bounded and exact whatever a dump says', async () => {
    const jump = encodeBatch([setRecord({ sequence: 2n ** 64n - 1n })]);
    const back = encodeWatermarks([1n]);
    const frames = [1, 2, 3].flatMap(() => [
      encodeFrame(FrameKind.SnapshotEnd, back),
      encodeFrame(FrameKind.MutationBatch, jump),
    ]);
    const far = Array.from({ length: 5_000 }, (_, index) => setRecord({ shard: 2 ** 32 - 1 - index }));
    const file = dump('hostile.fcrp', ...frames, encodeFrame(FrameKind.MutationBatch, encodeBatch(far)));
    const { stats } = await statsOf(file);
    expect(stats.shards).toMatchObject([{ shard: 0, missingSequences: '18446744073709551615' }]);
    expect(stats.recordsOutOfRange).toBe(5_000);
    const { text } = await decodeWith({ shows: 'stats', format: 'text' }, file);
    expect(text).toContain('5,000 records of shards that no store has');
    const { bytes } = await decodeWith({ shows: 'stats', format: 'msgpack' }, file);
    expect(new Unpackr({ int64AsType: 'bigint', useRecords: false }).unpack(bytes)).toMatchObject({
      shards: [{ missingSequences: 2n ** 64n - 1n }],
      firstTimeMs: 1_760_000_000_000n,
    });
  });

  it('are told up to a fault, and the fault behind them', async () => {
    const files = [ALL, 'fixtures/hostile/batch-trailing.fcrp'];
    const { text, status } = await decodeWith({ shows: 'stats' }, ...files);
    expect(status).toBe(65);
    expect(parseLines(text).map(({ type }) => type)).toEqual(['file', 'stats', 'file', 'stats', 'fault']);
    const document = JSON.parse((await decodeWith({ shows: 'stats', format: 'json' }, ...files)).text);
    expect(document.files).toMatchObject([
      { file: ALL, stats: { records: 1038 }, fault: null },
      { file: files[1], stats: { records: 1 }, fault: { code: 'FCRP_TRAILING_BYTES' } },
    ]);
  });

  it('are tables for a person', async () => {
    const { text } = await decodeWith({ shows: 'stats', format: 'text' }, ALL);
    expect(text).toMatch(/^MutationBatch +4 +2 +1,038 +80,610 +133,618 +1\.66$/m);
    expect(text).toMatch(/^ +set +1,032 +133,254$/m);
    expect(text).toMatch(/^ +2 +2 +4 +4 +0 +0 +1$/m);
    expect(text).toContain('2025-10-09T08:53:19.999Z to 2025-10-09T08:53:20.512Z, 513 ms');
    const nothing = await decodeWith({ shows: 'stats', format: 'text' }, 'fixtures/golden/ack.fcrp');
    expect(nothing.text).not.toContain('shard');
  });
});

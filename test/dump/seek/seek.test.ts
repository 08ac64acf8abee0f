/** The part of a dump that an index lets be passed over, with the same output as if all were read. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xxh3 } from '@node-rs/xxhash';
import { afterAll, describe, expect, it } from 'vitest';
import { FrameFilter } from '../../../src/dump/choose/filter.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { indexDump } from '../../../src/frames/index.js';
import { decodeWith } from '../../support/decode-dumps.js';
import { DumpBuilder } from '../../support/dump-builder.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-seek-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A batch of a shard with these sequences, each of the time that is its sequence. */
function batch(shard: number, sequences: readonly number[], times = sequences): Buffer {
  const records = sequences.map((sequence, at) => {
    const key = Buffer.from(`key:${sequence}`);
    const head = { shard, sequence: BigInt(sequence), timestampMs: BigInt(times[at]!) };
    return { ...head, op: 'set' as const, keyHash: xxh3.xxh64(key), expireAtMs: null, key, value: key };
  });
  return encodeFrame(FrameKind.MutationBatch, encodeBatch(records));
}

const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
const builder = new DumpBuilder(4);
builder.batch(2, 4);
const frames = [
  encodeHelloFrame(
    { role: 'replica', watermarks: [0n, 0n, 0n, 0n] },
    {
      margin: new Map([
        ['history', first],
        ['base', '0'],
      ]),
    },
  ),
  batch(0, [1, 2, 3]),
  batch(1, [1, 2]),
  batch(0, [4, 5, 6]),
  batch(1, [5]),
  batch(0, [5, 6, 7]),
  batch(0, [8, 10]),
  batch(0, [11, 12], [30, 8]),
  builder.begin(),
  builder.chunk(0, true),
  builder.end(),
  batch(2, [5, 6]),
  batch(0, [13, 14]),
  batch(0, [20, 21]),
  encodeHelloFrame(
    { role: 'replica', watermarks: [1000n, 1000n, 1000n, 1000n] },
    {
      margin: new Map([
        ['history', second],
        ['base', '1000'],
        ['prev', `${first}@21,2,6,0`],
        ['prevbase', '0'],
        ['continues', 'here'],
      ]),
    },
  ),
  batch(0, [1001, 1002]),
  batch(1, [1001]),
  batch(0, [1003, 1004]),
];

function dumpFile(name: string): string {
  const dump = join(directory, name);
  writeFileSync(dump, Buffer.concat(frames));
  return dump;
}

const ranges = [
  { start: 4n },
  { start: 7n, end: 12n },
  { end: 5n },
  { start: 13n },
  { start: 20n },
  { start: 1001n },
  { start: 1002n, end: 1002n },
  { start: 5_000n },
  { sinceMs: 8n, untilMs: 12n },
  { sinceMs: 30n },
  { untilMs: 3n },
  { sinceMs: 1_003n },
  { sinceMs: 500n, untilMs: 900n },
];

describe.each(['text', 'ndjson', 'json'] as const)('frames decode --format %s', (format) => {
  it.each(ranges)('shows the same with an index as without: %o', async (range) => {
    const dump = dumpFile('whole.fcrp');
    rmSync(`${dump}.idx`, { force: true });
    const options = { format, filter: new FrameFilter(range) };
    const without = await decodeWith(options, dump);
    await indexDump(dump);
    const withIndex = await decodeWith(options, dump);
    expect(withIndex).toEqual(without);
    // The index may end before the dump does.
    writeFileSync(`${dump}.idx`, readFileSync(`${dump}.idx`).subarray(0, 64 * 9 + 3));
    expect(await decodeWith(options, dump)).toEqual(without);
  });
});

it('what is before the range and behind it is not read', async () => {
  const dump = dumpFile('damaged.fcrp');
  await indexDump(dump);
  const bytes = readFileSync(dump);
  bytes[frames[0]!.length + 1] = 0;
  bytes[bytes.length - frames.at(-1)!.length + 1] = 0;
  writeFileSync(dump, bytes);
  const { text, faults } = await decodeWith({ filter: new FrameFilter({ start: 13n, end: 14n }) }, dump);
  expect(faults).toEqual([]);
  expect(text.match(/"sequence":"1[34]"/g)).toHaveLength(2);
});

it('an index that another dump has grown behind is not used', async () => {
  const dump = dumpFile('other.fcrp');
  await indexDump(dump);
  const filter = new FrameFilter({ start: 13n, end: 14n });
  const expected = await decodeWith({ filter }, dump);
  // The first frame is the same, and so the index seems to belong to it.
  writeFileSync(dump, Buffer.concat([frames[0]!, batch(3, [1])]));
  appendFileSync(dump, Buffer.concat(frames.slice(1)));
  const { text } = await decodeWith({ filter }, dump);
  expect(text.match(/"sequence":"1[34]"/g)).toEqual(expected.text.match(/"sequence":"1[34]"/g));
});

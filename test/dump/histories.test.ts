/**
 * Dumps of random lives of a node: the tools make the node's content of them, by a map that knows no frames.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { SequenceSteps } from '../../src/dump/check/sequence-steps.js';
import { FrameFilter } from '../../src/dump/choose/filter.js';
import { DumpStats } from '../../src/dump/count/stats.js';
import { dumpWatermarks } from '../../src/dump/count/watermarks.js';
import { openFrame } from '../../src/dump/read/frame-content.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { contentOf } from '../support/engines.js';
import { foldBytes } from '../support/fold-bytes.js';
import { RecordedNode } from '../support/recorded-node.js';
import { verifyBytes } from '../support/verify-bytes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-histories-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Step = (node: RecordedNode) => void;

const shard = fc.nat({ max: 3 });
const count = fc.integer({ min: 1, max: 40 });
const write = fc.tuple(shard, count).map(
  ([at, many]): Step =>
    (node) =>
      node.write(at % node.shards, many),
);
const promote = fc.constant<Step>((node) => node.promote());
const steps = {
  write,
  repeat: fc.constant<Step>((node) => node.repeat()),
  promote,
  lag: fc.tuple(shard, count).map(
    ([at, many]): Step =>
      (node) =>
        node.followPromoted(at % node.shards, many),
  ),
  catchUp: fc.constant<Step>((node) => node.catchUp()),
  snapshot: fc.tuple(fc.boolean(), fc.array(shard, { maxLength: 4 })).map(
    ([abandoned, writes]): Step =>
      (node) =>
        node.snapshot(abandoned, writes),
  ),
  restart: fc.constant<Step>((node) => {
    node.begin();
    // The held content stays until something has come of the history that begins.
    node.write(0, 1);
  }),
};

const nodes = fc.record({
  shards: fc.constantFrom(1, 2, 4),
  base: fc.constantFrom('clock' as const, 'zero' as const),
  isRust: fc.boolean(),
});

const valuesOf = (content: Map<string, string>) =>
  new Map([...content].map(([key, value]) => [key, value.replace(/ @null$/, '')]));

async function watermarksOf(dump: Buffer): Promise<readonly bigint[]> {
  const file = join(directory, 'dump.fcrp');
  writeFileSync(file, dump);
  return (await dumpWatermarks(file)).watermarks ?? [];
}

/** Returns the gaps that `frames decode` marks and `frames stats` counts. */
function gapsIn(dump: Buffer): { marked: number; counted: number } {
  const steps = new SequenceSteps();
  const stats = new DumpStats(new FrameFilter({}));
  let marked = 0;
  new FrameSplitter().push(dump, (frame) => {
    const opened = openFrame(frame);
    stats.take(opened, Number.POSITIVE_INFINITY);
    steps.frame(opened);
    const { content } = openFrame(frame);
    if (content.type !== 'batch') return;
    for (const record of content.items) if (steps.record(record)?.type === 'gap') marked += 1;
  });
  return { marked, counted: stats.counts.shards().reduce((sum, { gaps }) => sum + gaps, 0) };
}

describe('a dump that says of itself what it is', () => {
  it('is sound, and leads to what the node held and to where it stood', async () => {
    const life = fc.array(fc.oneof({ arbitrary: write, weight: 4 }, ...Object.values(steps)), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(nodes, life, async ({ shards, base, isRust }, lived) => {
        const node = new RecordedNode(shards, base, isRust);
        // So that what a first promotion continues is there.
        node.snapshot(false, []);
        for (const step of lived) step(node);
        const dump = node.bytes();
        expect(verifyBytes(dump).places).toEqual([]);
        const { store, watermarks, unsaid } = foldBytes(dump);
        expect(valuesOf(contentOf(store))).toEqual(node.content);
        expect(watermarks).toEqual(node.watermarks);
        expect(unsaid).toEqual([]);
        expect(await watermarksOf(dump)).toEqual(node.watermarks);
        expect(gapsIn(dump)).toEqual({ marked: 0, counted: 0 });
      }),
      { numRuns: 120 },
    );
  });

  it('of a Rust primary is sound where what came within a snapshot comes again behind it', async () => {
    const node = new RecordedNode(4, 'clock', true);
    node.snapshot(false, []);
    node.write(0, 1);
    node.snapshot(false, [1]);
    node.repeat();
    expect(await watermarksOf(node.bytes())).toEqual(node.watermarks);
    expect(node.watermarks).toEqual([1n, 2n, 0n, 0n]);
  });

  it('goes on in a history whose margin is too small for where each of 256 shards went on', async () => {
    const node = new RecordedNode(256, 'clock', false);
    node.write(3, 5);
    node.promote();
    node.write(200, 5);
    const dump = node.bytes();
    expect(verifyBytes(dump)).toMatchObject({
      places: [],
      content: { histories: [{}, { continues: true }] },
    });
    const { store, watermarks } = foldBytes(dump);
    expect(valuesOf(contentOf(store))).toEqual(node.content);
    expect(watermarks).toEqual(node.watermarks);
  });
});

/** As a release before this one recorded it. */
function withoutHellos(dump: Buffer): Buffer {
  const frames: Buffer[] = [];
  new FrameSplitter().push(dump, ({ header, bytes }) => {
    if (header.kind !== FrameKind.Hello) frames.push(bytes);
  });
  return Buffer.concat(frames);
}

describe('a dump without the Hellos', () => {
  it('leads to the same content through promotions, and has each of them noted', async () => {
    const life = fc.array(fc.oneof({ arbitrary: write, weight: 4 }, promote, steps.repeat), {
      maxLength: 25,
    });
    await fc.assert(
      fc.property(nodes, fc.boolean(), life, ({ shards, base, isRust }, hasSnapshot, lived) => {
        const node = new RecordedNode(shards, base, isRust);
        if (hasSnapshot) node.snapshot(false, []);
        else node.write(0, 1);
        for (const step of lived) step(node);
        const dump = withoutHellos(node.bytes());
        const { places, content } = verifyBytes(dump);
        expect(places).toEqual([]);
        const { store, unsaid } = foldBytes(dump);
        expect(valuesOf(contentOf(store))).toEqual(node.content);
        expect(gapsIn(dump)).toEqual({ marked: 0, counted: 0 });
        const known = new Set(unsaid.map(({ base: found }) => found));
        // Of a shard of which nothing stands before, only the fold knows where it began.
        if (hasSnapshot) expect(new Set(content.histories.map(({ base: found }) => found))).toEqual(known);
        for (const { base: found } of content.histories) expect(known).toContain(found);
      }),
      { numRuns: 80 },
    );
  });
});

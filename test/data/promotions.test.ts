/** A directory whose content has gone from one history into the next, by promotions of its own node. */
import { expect, it } from 'vitest';
import { replaceManifest, type SegmentEntry, segmentName } from '../../src/data/manifest.js';
import { writeDump } from '../../src/data/new-directory.js';
import { openData } from '../../src/data/open-data.js';
import { encodeBatch } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { setRecord } from '../support/decode-dumps.js';
import { newEngine } from '../support/engines.js';
import { LossyDisk } from '../support/lossy-disk.js';

const [FIRST, SECOND, THIRD] = ['a1'.repeat(16), 'b2'.repeat(16), 'c3'.repeat(16)] as const;

const hello = (watermarks: bigint[], margin: Record<string, string>) =>
  encodeHelloFrame({ role: 'replica', watermarks }, { margin: new Map(Object.entries(margin)) });
const batch = (shard: number, sequence: bigint, key: string) =>
  encodeFrame(FrameKind.MutationBatch, encodeBatch([setRecord({ key: Buffer.from(key), shard, sequence })]));

it('a node that was promoted while a shard lacked the end of the history before comes back with all it had', async () => {
  const files = new LossyDisk();
  // It goes on from the first history in the second, of which the first record of shard 0 is still to come.
  const segments: [history: string, frames: Buffer[]][] = [
    [FIRST, [hello([0n, 0n], { history: FIRST, base: '0' }), batch(0, 1n, 'one')]],
    [SECOND, [hello([1n, 100n], { history: SECOND, base: '100', prev: `${FIRST}@2,0`, prevbase: '0' })]],
    [
      THIRD,
      [
        hello([200n, 200n], { history: THIRD, base: '200', prev: `${SECOND}@1,100`, prevbase: '100' }),
        batch(1, 201n, 'two'),
      ],
    ],
  ];
  const entries: SegmentEntry[] = [];
  for (const [at, [history, frames]] of segments.entries()) {
    const number = at + 1;
    const bytes = await writeDump(files, segmentName(number), frames);
    entries.push({ number, bytes, follows: at === 0 ? 'nothing' : 'segment', history, begunAtMs: number });
  }
  await replaceManifest(files, { isClean: false, segments: entries, bases: [] });
  const createStore = (shards: number) => {
    const engine = newEngine({ shards });
    engine.setReplica(true);
    return engine;
  };
  const { content } = await openData({ files, createStore, onRead() {} });
  expect(content?.history?.id).toBe(THIRD);
  expect(content?.store.watermarks()).toEqual([200n, 201n]);
  expect(content?.store.keyCount()).toBe(2);
});

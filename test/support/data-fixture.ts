/** A data directory that is written by hand: one shard, two histories, a base, times in minutes past noon. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { xxh3 } from '@node-rs/xxhash';
import { baseName, encodeManifest, type Manifest, segmentName } from '../../src/data/manifest.js';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { foldDump, indexDump } from '../../src/frames/index.js';

export const [FIRST, SECOND] = ['a1'.repeat(16), 'b2'.repeat(16)] as const;
export const NOON = Date.UTC(2026, 0, 1, 12);

export const minutes = (past: number) => NOON + past * 60_000;

/** A record that sets a key at so many minutes past noon, with an expiry at so many. */
export function set(sequence: number, key: string, value: string, past: number, expiry?: number) {
  return record('set', sequence, key, past, { value, expiry });
}

export function del(sequence: number, key: string, past: number) {
  return record('del', sequence, key, past);
}

export function expire(sequence: number, key: string, past: number, expiry: number) {
  return record('expire', sequence, key, past, { expiry });
}

function record(
  op: MutationRecord['op'],
  sequence: number,
  key: string,
  past: number,
  { value = '', expiry }: { value?: string; expiry?: number | undefined } = {},
): MutationRecord {
  return {
    shard: 0,
    sequence: BigInt(sequence),
    timestampMs: BigInt(minutes(past)),
    op,
    keyHash: xxh3.xxh64(Buffer.from(key)),
    expireAtMs: expiry === undefined ? null : BigInt(minutes(expiry)),
    key: Buffer.from(key),
    value: Buffer.from(value),
  };
}

export const batch = (...records: MutationRecord[]) =>
  encodeFrame(FrameKind.MutationBatch, encodeBatch(records));

export function hello(watermark: number, margin: Record<string, string>): Buffer {
  return encodeHelloFrame(
    { role: 'replica', watermarks: [BigInt(watermark)] },
    { margin: new Map(Object.entries(margin)) },
  );
}

export function snapshot(watermark: number, content: Record<string, string>): Buffer[] {
  const watermarks = [BigInt(watermark)];
  const entries = Object.entries(content).map(([key, value]) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
    expireAtMs: null,
  }));
  const chunk = encodeSnapshotChunk({
    chunkIndex: 0n,
    last: true,
    watermarks,
    entryCount: entries.length,
    entries: encodeSnapshotEntries(entries),
  });
  return [
    encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks)),
    encodeFrame(FrameKind.SnapshotChunk, chunk),
    encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(watermarks)),
  ];
}

export const ofFirst = { history: FIRST, base: '0' };
/** A crash: the second history continues the first. */
export const ofSecond = {
  history: SECOND,
  base: '100',
  prev: `${FIRST}@3`,
  prevbase: '0',
  continues: 'here',
};

export const dataFiles: Record<string, Buffer> = {
  [segmentName(1)]: Buffer.concat([
    hello(0, ofFirst),
    batch(set(1, 'a', '1', 1)),
    batch(set(2, 'b', '1', 2)),
  ]),
  [segmentName(2)]: Buffer.concat([hello(2, ofFirst), batch(set(3, 'a', '2', 11))]),
  [segmentName(3)]: Buffer.concat([
    hello(100, ofSecond),
    batch(set(101, 'c', '3', 21)),
    batch(set(102, 'a', '3', 22)),
  ]),
  [baseName(1)]: Buffer.concat([hello(2, ofFirst), ...snapshot(2, { a: '1', b: '1' })]),
};

const bytesOf = (name: string) => dataFiles[name]!.length;

export const dataManifest: Manifest = {
  isClean: false,
  segments: [
    { number: 1, bytes: bytesOf(segmentName(1)), follows: 'nothing', history: FIRST, begunAtMs: NOON },
    { number: 2, bytes: bytesOf(segmentName(2)), follows: 'segment', history: FIRST, begunAtMs: minutes(10) },
    { number: 3, bytes: null, follows: 'segment', history: SECOND, begunAtMs: minutes(20) },
  ],
  bases: [
    {
      number: 1,
      bytes: bytesOf(baseName(1)),
      segment: 2,
      history: FIRST,
      keys: 2,
      madeAtMs: minutes(10) + 5_000,
    },
  ],
};

/** Writes a data directory with the index of each file. */
export async function writeData(
  directory: string,
  files: Record<string, Buffer> = dataFiles,
  manifest: Manifest = dataManifest,
): Promise<void> {
  mkdirSync(directory);
  writeFileSync(join(directory, 'manifest'), encodeManifest(manifest));
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(directory, name), bytes);
    await indexDump(join(directory, name));
  }
}

/** The content of a dump, as an object. */
export async function contentOfDump(dump: string): Promise<Record<string, string>> {
  const keySpace = await foldDump(dump);
  return Object.fromEntries(Array.from(keySpace.entries(), ({ key, value }) => [`${key}`, `${value}`]));
}

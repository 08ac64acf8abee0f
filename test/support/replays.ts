/** The parts that tests of `frames replay` share: small dumps, and the content of a server afterwards. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries, type SnapshotEntry } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { setRecord } from './decode-dumps.js';
import { directory } from './library.js';
import { bytesOf } from './raw-frames.js';
import { RespClient } from './resp-client.js';
import { runCommand } from './run-command.js';

export const place = (name: string) => join(directory, name);

/** Every key with its value and when it expires. */
export async function contentOf(address: string): Promise<Map<string, [string, number]>> {
  const client = await RespClient.connect(address);
  const keys = ((await client.command('KEYS', '*')) as Buffer[]).map(String).sort();
  const values = await client.pipeline(keys.map((key) => ['GET', key]));
  const expiries = await client.pipeline(keys.map((key) => ['PEXPIRETIME', key]));
  client.close();
  return new Map(keys.map((key, index) => [key, [String(values[index]), expiries[index] as number]]));
}

/** A frame of records with the sequences from 1 on, unless they have their own. */
export const batch = (...records: Partial<MutationRecord>[]) =>
  encodeFrame(
    FrameKind.MutationBatch,
    encodeBatch(records.map((record, index) => setRecord({ sequence: BigInt(index + 1), ...record }))),
  );
/** A snapshot of no watermarks, from its beginning to its end, in one chunk. */
export function snapshot(...entries: SnapshotEntry[]): Buffer {
  const chunk = encodeSnapshotChunk({
    chunkIndex: 0n,
    last: true,
    watermarks: [],
    entryCount: entries.length,
    entries: encodeSnapshotEntries(entries),
  });
  return Buffer.concat([
    encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks([])),
    encodeFrame(FrameKind.SnapshotChunk, chunk),
    encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks([])),
  ]);
}

export const key = (text: string) => Buffer.from(text);

/** A dump of that name, of these frames. */
export function dump(name: string, ...parts: (Buffer | string)[]): string {
  writeFileSync(place(name), bytesOf(...parts));
  return place(name);
}

/** `frames replay` to its end. */
export const replay = (to: string, ...args: string[]) =>
  runCommand(['frames', 'replay', '--to', to, ...args]);

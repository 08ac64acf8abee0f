/**
 * Changes a file of a data directory as neither its bytes nor its index show: frames are whole, the index is
 * made anew, and the manifest has its length.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/data/manifest.js';
import { encodeFrame } from '../../src/frame/frame.js';
import type { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { indexDump } from '../../src/frames/index.js';

/** Returns the payload that a frame is to have, the `at`-th of its kind; undefined: it is left out. */
export type Change = (payload: Buffer, kind: FrameKind, at: number) => Buffer | undefined;

export async function changeData(directory: string, name: string, change: Change): Promise<void> {
  const path = join(directory, name);
  const frames: Buffer[] = [];
  const counts = new Map<FrameKind, number>();
  const splitter = new FrameSplitter();
  splitter.push(readFileSync(path), ({ header: { kind }, bytes, wirePayload }) => {
    const at = counts.get(kind) ?? 0;
    counts.set(kind, at + 1);
    const payload = change(Buffer.from(wirePayload), kind, at);
    if (payload === undefined) return;
    frames.push(payload.equals(wirePayload) ? Buffer.from(bytes) : encodeFrame(kind, payload));
  });
  splitter.end();
  const bytes = Buffer.concat(frames);
  writeFileSync(path, bytes);
  rmSync(`${path}.idx`);
  await indexDump(path);
  const place = join(directory, 'manifest');
  const manifest = decodeManifest(readFileSync(place));
  const [kind, digits] = name.split(/[-.]/);
  const resized = <Entry extends { number: number }>(entry: Entry): Entry =>
    entry.number === Number(digits) ? { ...entry, bytes: bytes.length } : entry;
  const changed: Manifest =
    kind === 'segment'
      ? { ...manifest, segments: manifest.segments.map(resized) }
      : { ...manifest, bases: manifest.bases.map(resized) };
  writeFileSync(place, encodeManifest(changed));
}

/**
 * Digests in a data directory: a change that its bytes and its index do not show is found, with its place.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeManifest, segmentName } from '../../src/data/manifest.js';
import { systemDataFiles } from '../../src/data/system-data-files.js';
import { decodeBatch, NO_EXPIRY } from '../../src/frame/batch.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import { verifyDump } from '../../src/frames/index.js';
import { OP_SET, RECORD_EXPIRY_AT, RECORD_OP_AT, RECORD_VALUE_BYTES_AT } from '../../src/kernel/layout.js';
import { type Change, changeData } from '../support/changed-data.js';
import { writeData } from '../support/data-fixture.js';
import { DataNode } from '../support/data-node.js';
import { contentOf } from '../support/engines.js';
import { runCommand } from '../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-digests-'));
/** Segments, a base in the midst of them, segments, a base, segments; it is not changed. */
const written = join(directory, 'written');
const filesOf = (path: string) => systemDataFiles(path, 0o600);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const manifestOf = (path: string) => decodeManifest(readFileSync(join(path, 'manifest')));

beforeAll(async () => {
  const rules = { base: 'never', keep: { bases: 9 } } as const;
  const node = await DataNode.start({ files: filesOf(written), fsync: 'no', rules });
  for (let part = 0; part < 3; part += 1) {
    for (let at = 0; at < 60; at += 1) {
      await node.set(`key ${at % 40}`, `${part} ${at} ${'x'.repeat(200)}`);
      if (at % 10 === 0) node.engine.expire(`key ${at % 40}`, 9_000_000_000_000n);
      // So long lie between two digests, and a bit of it between two writes.
      if (at % 5 === 0) await pause(2);
    }
    if (part < 2) await node.data.makeBase();
  }
  await node.stop();
});

afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
function copied(): string {
  const path = join(directory, `copy-${count++}`);
  cpSync(written, path, { recursive: true });
  return path;
}

/** Frames of a kind in a file. */
function countIn(path: string, kind: FrameKind): number {
  let found = 0;
  new FrameSplitter().push(readFileSync(path), ({ header }) => {
    if (header.kind === kind) found += 1;
  });
  return found;
}

/** Returns the last segment with writes: those behind it have digests alone. */
function lastWritten(path: string): string {
  const names = manifestOf(path).segments.map(({ number }) => segmentName(number));
  return names.filter((name) => countIn(join(path, name), FrameKind.MutationBatch) > 0).at(-1)!;
}

interface Difference {
  code: string;
  file: string;
  offset: number;
  message: string;
}

async function differencesOf(path: string): Promise<Difference[]> {
  const { status, stdout } = await runCommand(['data', 'verify', '--json', path]);
  const { ok, files, differences } = JSON.parse(stdout);
  expect(files.every((file: { ok: boolean }) => file.ok)).toBe(true);
  expect([ok, status]).toEqual(differences.length === 0 ? [true, 0] : [false, 65]);
  return differences;
}

const flipped = (payload: Buffer) => {
  payload[payload.length - 1]! ^= 1;
  return payload;
};
const inChunk =
  (change: (payload: Buffer) => Buffer): Change =>
  (payload, kind, at) =>
    kind === FrameKind.SnapshotChunk && at === 0 ? change(payload) : payload;

/** Changes the Set that the `nth` batch with one is. */
function inSet(nth: number, change: (payload: Buffer) => Buffer): Change {
  let sets = -1;
  return (payload, kind) => {
    if (kind !== FrameKind.MutationBatch || payload[4 + RECORD_OP_AT] !== OP_SET) return payload;
    sets += 1;
    return sets === nth ? change(payload) : payload;
  };
}

describe('a directory that is as it was written', () => {
  it('has digests behind each base, in segments, and at the end, which its content is compared with', async () => {
    const { segments, bases } = manifestOf(written);
    expect(bases).toHaveLength(2);
    for (const { number } of bases) {
      const base = join(written, `base-0000000${number}.fcrp`);
      expect(countIn(base, FrameKind.Digests)).toBe(1);
      expect(await verifyDump(base)).toMatchObject({ isSound: true, comparedDigests: 4 });
    }
    const last = segments.filter(({ bytes }) => bytes! > 500).at(-1)!;
    const bytes = readFileSync(join(written, segmentName(last.number)));
    let lastKind: FrameKind | undefined;
    new FrameSplitter().push(bytes, ({ header }) => {
      if (header.kind !== FrameKind.Seal) lastKind = header.kind;
    });
    expect(lastKind).toBe(FrameKind.Digests);
    const { status, stdout } = await runCommand(['data', 'verify', written]);
    expect(stdout).toMatch(/ok, its files lead to its content, which is what \d+ digests of its shards say/);
    expect(status).toBe(0);
    const alone = await runCommand(['data', 'verify', '--bytes-only', written]);
    expect([alone.status, alone.stdout]).toEqual([
      0,
      expect.stringContaining('only the bytes were compared'),
    ]);
  });

  it('is loaded, and says nothing', async () => {
    const node = await DataNode.start({ files: filesOf(copied()) });
    expect(node.opened.notes).toEqual([]);
    await node.stop();
  });
});

describe('a directory in which', () => {
  it.each([0, 1, 2])(
    'a value of a record was changed names file, place and shard (segment %i)',
    async (nth) => {
      const path = copied();
      const { segments, bases } = manifestOf(path);
      const firsts = [segments[0]!.number, bases[0]!.segment + 1, bases[1]!.segment + 1];
      const name = segmentName(firsts[nth]!);
      let shard = -1;
      await changeData(
        path,
        name,
        inSet(2, (payload) => {
          shard = decodeBatch(payload).records.next().value!.shard;
          return flipped(payload);
        }),
      );
      const [first, ...others] = await differencesOf(path);
      expect(first).toMatchObject({ code: 'CONTENT_DIVERGES' });
      expect(first!.message).toContain(`of shard ${shard} at sequence`);
      expect(others.every(({ message }) => message.includes(`of shard ${shard} `))).toBe(true);
      const places = segments.map(({ number }) => join(path, segmentName(number)));
      const distance = places.indexOf(first!.file) - places.indexOf(join(path, name));
      expect(distance).toBeGreaterThanOrEqual(0);
      expect(distance).toBeLessThan(3);
    },
  );

  it('a record changes nothing any more is found', async () => {
    const path = copied();
    const { segments } = manifestOf(path);
    // A Set of one record, whose key is there, becomes an Expire that keeps what is.
    const dropped = (payload: Buffer) => {
      payload.writeUInt8(3, 4 + RECORD_OP_AT);
      payload.writeBigUInt64LE(NO_EXPIRY, 4 + RECORD_EXPIRY_AT);
      const valueBytes = payload.readUInt32LE(4 + RECORD_VALUE_BYTES_AT);
      payload.writeUInt32LE(0, 4 + RECORD_VALUE_BYTES_AT);
      return payload.subarray(0, payload.length - valueBytes);
    };
    await changeData(path, segmentName(segments.at(-3)!.number), inSet(2, dropped));
    expect(await differencesOf(path)).not.toEqual([]);
  });

  it.each([1, 2])('an entry of base %i was changed is found', async (number) => {
    const path = copied();
    const name = `base-0000000${number}.fcrp`;
    await changeData(path, name, inChunk(flipped));
    const base = join(path, name);
    expect((await differencesOf(path))[0]).toMatchObject({ file: base });
    const { isSound, faults, index } = await verifyDump(base);
    expect([isSound, index.state]).toEqual([false, 'used']);
    expect(faults[0]!.fault).toMatchObject({ code: 'CONTENT_DIVERGES', file: base });
  });

  it('a value was changed is loaded as it is, with a warning, and restored with one', async () => {
    const path = copied();
    await changeData(path, lastWritten(path), inSet(0, flipped));
    const restored = await runCommand(['data', 'restore', path, '-o', join(path, 'out.fcrp')]);
    expect(restored.stderr).toContain('The content differs: ');
    expect(countIn(join(path, 'out.fcrp'), FrameKind.Digests)).toBe(0);
    const node = await DataNode.start({ files: filesOf(path) });
    expect(node.opened.notes.join()).toContain('the content is not what it was: ');
    expect(contentOf(node.engine).size).toBe(40);
    await node.stop();
  });
});

it('a directory without digests is verified by its bytes alone, which is said', async () => {
  const path = join(directory, 'old');
  await writeData(path);
  const { status, stdout } = await runCommand(['data', 'verify', path]);
  expect([status, stdout]).toEqual([
    0,
    expect.stringContaining('of which it has no digests: it is proved by the bytes alone'),
  ]);
});

it('a directory that was restored has the digests of its base', async () => {
  const path = join(directory, 'restored');
  await runCommand(['data', 'restore', written, '--format', 'directory', '-o', path]);
  expect(await differencesOf(path)).toEqual([]);
  await changeData(path, 'base-00000001.fcrp', inChunk(flipped));
  expect(await differencesOf(path)).not.toEqual([]);
});

it('what was changed among keys that are routed by their session is found by all that read it', async () => {
  const path = join(directory, 'sessions');
  const node = await DataNode.start({ files: filesOf(path), fsync: 'no', route: 'session-prefix' });
  for (let at = 0; at < 60; at += 1) await node.set(`s:${at % 20}:c:${at % 3}`, `${at} ${'x'.repeat(200)}`);
  await node.stop();
  const readers = () => {
    count += 1;
    const target = join(directory, `of-sessions-${count}`);
    return Promise.all([
      runCommand(['data', 'restore', path, '-o', `${target}.fcrp`]),
      runCommand(['data', 'restore', path, '--format', 'directory', '-o', target]),
      runCommand(['frames', 'state', path, '-o', `${target}.ndjson`]),
    ]);
  };
  for (const { status, stderr } of await readers()) expect([status, stderr]).toEqual([0, '']);
  // The restored directory has digests that fit where keys are routed so.
  const { stdout } = await runCommand(['data', 'verify', '--json', join(directory, `of-sessions-${count}`)]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, differences: [] });
  expect(JSON.parse(stdout).comparedDigests).toBeGreaterThan(0);
  await changeData(path, lastWritten(path), inSet(0, flipped));
  for (const { status, stderr } of await readers()) {
    expect([status, stderr]).toEqual([0, expect.stringContaining('The content differs: ')]);
  }
});

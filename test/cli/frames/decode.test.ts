import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xxh3 } from '@node-rs/xxhash';
import { afterAll, describe, expect, it } from 'vitest';
import type { DecodeFormat } from '../../../src/cli/frames/decode.js';
import { encodeBatch, type MutationRecord } from '../../../src/frame/batch.js';
import { encodeErrorText } from '../../../src/frame/error-text.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeWith, setRecord } from '../../support/decode-dumps.js';
import { hostileFrames } from '../../support/hostile-frames.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-decode-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Line = Record<string, unknown>;

const decode = (format: DecodeFormat, ...files: string[]) => decodeWith({ format }, ...files);

async function linesOf(...files: string[]): Promise<Line[]> {
  const { text } = await decode('ndjson', ...files);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

function dump(name: string, ...frames: Buffer[]): string {
  const file = join(directory, name);
  writeFileSync(file, Buffer.concat(frames));
  return file;
}

function record(sequence: bigint, key: Buffer | string, value: Buffer | string = 'v'): MutationRecord {
  return setRecord({ sequence, key: Buffer.from(key), value: Buffer.from(value) });
}

describe('frames of the crate as NDJSON', () => {
  it('are in the shapes that the documentation shows', async () => {
    const lines = await linesOf('fixtures/golden/batch-plain.fcrp');
    expect(lines[0]).toEqual({
      type: 'frame',
      offset: 0,
      kind: 'MutationBatch',
      compressed: false,
      payloadBytes: 3427,
      uncompressedBytes: 3427,
      records: 7,
    });
    expect(Object.keys(lines[1]!)).toEqual(
      'type offset shard sequence timestampMs op key value expireAtMs keyHash keyTag'.split(' '),
    );
    expect(lines[1]).toMatchObject({
      type: 'record',
      offset: 20,
      sequence: '1',
      op: 'set',
      key: 'alpha',
      value: 'one',
    });
    expect(lines[2]).toMatchObject({ key: 'beta', valueBase64: 'AAEC/v8=', expireAtMs: 1_900_000_000_000 });
    expect(lines[2]).not.toHaveProperty('value');
    expect(lines[3]).toMatchObject({ op: 'del', key: 'gamma', value: '', expireAtMs: null });
    expect(lines[7]).toMatchObject({ op: 'expire', sequence: '18446744073709551615', expireAtMs: null });
    expect(lines).toHaveLength(8);
  });

  it('carry the hash and tag of their keys', async () => {
    const records = (await linesOf('fixtures/golden/batch-512-zstd.fcrp')).slice(1);
    expect(records).toHaveLength(512);
    for (const { key, keyHash, keyTag } of records) {
      const hash = xxh3.xxh64(key as string);
      expect(keyHash).toBe(hash.toString(16).padStart(16, '0'));
      expect(keyTag).toBe(Number(hash >> 56n));
    }
  });

  it('are the same content compressed, at the offset of their frame', async () => {
    const [, ...plain] = await linesOf('fixtures/golden/batch-plain.fcrp');
    const [frame, ...compressed] = await linesOf('fixtures/golden/batch-zstd.fcrp');
    expect(frame).toMatchObject({ compressed: true, uncompressedBytes: 3427 });
    expect(compressed).toEqual(plain.map((line) => ({ ...line, offset: 0 })));
  });

  it('say where each record begins in the file', async () => {
    const bytes = readFileSync('fixtures/golden/all.fcrp');
    const lines = await linesOf('fixtures/golden/all.fcrp');
    let plain = false;
    let checked = 0;
    for (const line of lines) {
      if (line.type === 'frame') {
        expect(bytes.toString('latin1', line.offset as number, (line.offset as number) + 4)).toBe('FCRP');
        plain = line.compressed === false;
      } else if (plain && line.type === 'record') {
        expect(bytes.readBigUInt64LE((line.offset as number) + 4)).toBe(BigInt(line.sequence as string));
        checked++;
      }
    }
    expect(checked).toBe(7 + 512);
    expect(lines.filter(({ type }) => type === 'frame')).toHaveLength(11);
  });

  it('never show a token', async () => {
    for (const format of ['text', 'ndjson', 'json'] as const) {
      const { text } = await decode(format, 'fixtures/golden/hello-full.fcrp');
      expect(text).toContain('<redacted>');
      expect(text).not.toContain('s3cret');
    }
    expect((await linesOf('fixtures/golden/hello-bare.fcrp'))[0]).toMatchObject({
      token: null,
      watermarks: null,
    });
  });

  it('show snapshot chunks with their entries', async () => {
    const [chunk, ...entries] = await linesOf('fixtures/golden/snapshot-chunk-plain.fcrp');
    expect(chunk).toMatchObject({ kind: 'SnapshotChunk', chunkIndex: '7', last: false, entries: 20 });
    expect(entries).toHaveLength(20);
    expect(entries[0]).toMatchObject({ type: 'entry', key: 'snap:100' });
  });
});

describe('a frame of ours', () => {
  it('shows the margin of its Hello', async () => {
    const margin = new Map([
      ['history', 'ab'.repeat(16)],
      ['base', '7'],
    ]);
    const file = dump('margin.fcrp', encodeHelloFrame({ role: 'replica', watermarks: [7n] }, { margin }));
    expect((await linesOf(file))[0]).toMatchObject({
      kind: 'Hello',
      compressed: true,
      watermarks: ['7'],
      margin: { history: 'ab'.repeat(16), base: '7' },
    });
    expect((await decode('text', file)).text).toContain(`"history=${'ab'.repeat(16)}"`);
  });

  it('keeps times that no number and no date can hold', async () => {
    const timestampMs = 2n ** 64n - 2n;
    const payload = encodeBatch([{ ...record(1n, 'k'), timestampMs, expireAtMs: timestampMs }]);
    const file = dump('times.fcrp', encodeFrame(FrameKind.MutationBatch, payload));
    const { text } = await decode('text', file);
    expect((await linesOf(file))[1]).toMatchObject({
      timestampMs: `${timestampMs}`,
      expireAtMs: `${timestampMs}`,
    });
    expect(text).toContain(`${timestampMs} ms`);
  });

  it('reaches a terminal escaped, whatever its peer wrote', async () => {
    const evil = '\u001b[2J\u009b\u202e\r\n';
    const file = dump(
      'evil.fcrp',
      encodeFrame(FrameKind.MutationBatch, encodeBatch([record(1n, evil, evil)])),
      encodeFrame(FrameKind.Error, encodeErrorText(evil)),
    );
    for (const format of ['text', 'ndjson', 'json'] as const) {
      const { text } = await decode(format, file);
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
    expect((await linesOf(file))[1]).toMatchObject({ key: evil, value: evil });
    expect((await decode('text', file)).text).toContain('"\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\\x0d\\x0a"');
  });

  it('is read when it is longer than a chunk of the file', async () => {
    const value = Buffer.alloc(3_000_000, 'long');
    const frames = [1n, 2n, 3n].map((sequence) =>
      encodeFrame(FrameKind.MutationBatch, encodeBatch([record(sequence, 'k', value)])),
    );
    const records = (await linesOf(dump('long.fcrp', ...frames))).filter(({ type }) => type === 'record');
    expect(records.map(({ sequence }) => sequence)).toEqual(['1', '2', '3']);
    expect(records.every((line) => line.value === value.toString())).toBe(true);
  });
});

describe('one JSON document', () => {
  it('holds the very lines of NDJSON, for several files', async () => {
    const files = readdirSync('fixtures/golden')
      .filter((name) => name.endsWith('.fcrp'))
      .map((name) => `fixtures/golden/${name}`);
    const document = JSON.parse((await decode('json', ...files)).text);
    expect(document.files.map(({ file }: Line) => file)).toEqual(files);
    for (const { file, frames, fault } of document.files) {
      expect(fault).toBeNull();
      const flat = frames.flatMap(({ contents, ...frame }: Line & { contents: Line[] }) => [
        frame,
        ...contents,
      ]);
      expect(flat).toEqual(await linesOf(file));
    }
  });

  it('is whole when a file is damaged within a frame, or missing', async () => {
    const { text, status } = await decode(
      'json',
      'fixtures/hostile/batch-trailing.fcrp',
      'fixtures/none.fcrp',
    );
    const [damaged, missing] = JSON.parse(text).files;
    expect(damaged.frames[0].contents).toHaveLength(1);
    expect(damaged.fault).toMatchObject({ code: 'FCRP_TRAILING_BYTES', offset: 81 });
    expect(missing).toMatchObject({ frames: [], fault: { code: 'NO_INPUT' } });
    expect(status).toBe(65);
  });
});

describe('a damaged dump', () => {
  const cases = hostileFrames.filter(({ refusedBy }) => refusedBy === 'stream');

  it.each(cases)('$name: $code at byte $offset', async ({ name, bytes, code, offset }) => {
    const sound = readFileSync('fixtures/golden/ack.fcrp');
    const path = dump(`${name}.fcrp`, sound, bytes);
    const { text, status, faults } = await decode('ndjson', path);
    const lines = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ kind: 'Ack', watermarks: ['1', '2', '3', '4'] });
    expect(lines.at(-1)).toMatchObject({ type: 'fault', code, offset: sound.length + offset });
    expect(faults).toMatchObject([{ code, file: path, offset: sound.length + offset }]);
    expect(status).toBe(65);
  });

  it('cut anywhere is written up to its last whole frame', async () => {
    const bytes = readFileSync('fixtures/golden/all.fcrp');
    const whole = (await linesOf('fixtures/golden/all.fcrp')).filter(({ type }) => type === 'frame');
    const starts = whole.map(({ offset }) => offset as number);
    for (const cut of [1, 15, 16, 64, 66, 500, 3_600, 3_870, bytes.length - 1]) {
      const { text, status, faults } = await decode('ndjson', dump('cut.fcrp', bytes.subarray(0, cut)));
      const unfinished = starts.findLast((start) => start < cut)!;
      const frames = text.split('\n').filter((line) => line.startsWith('{"type":"frame"'));
      expect(frames).toHaveLength(starts.indexOf(unfinished));
      expect(faults[0]!.offset).toBe(unfinished);
      expect(status).toBe(65);
    }
    expect((await decode('ndjson', dump('even.fcrp', bytes.subarray(0, 65)))).status).toBe(0);
  });

  it('does not keep the next ones from being written, and their faults from being told', async () => {
    const files = ['fixtures/hostile/kind-0.fcrp', 'fixtures/golden/ack.fcrp', 'fixtures/none.fcrp'];
    const { text, status, faults } = await decode('ndjson', ...files);
    expect(text).toContain('"watermarks":["1","2","3","4"]');
    expect(faults.map(({ code }) => code)).toEqual(['FCRP_UNKNOWN_KIND', 'NO_INPUT']);
    expect(status).toBe(65);
  });
});

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemTimers, type Timers } from '../../../src/clock.js';
import { segmentName } from '../../../src/data/manifest.js';
import { FollowedDump } from '../../../src/dump/read/follow.js';
import type { FastcacheError } from '../../../src/errors.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeSeal } from '../../../src/frame/seal.js';
import { decodeWith, parseLines, setRecord } from '../../support/decode-dumps.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-follow-'));
afterAll(() => rmSync(directory, { recursive: true }));

const file = join(directory, 'dump.fcrp');
const ack = readFileSync('fixtures/golden/ack.fcrp');
const hello = readFileSync('fixtures/golden/hello-full.fcrp');

beforeEach(() => writeFileSync(file, ack));

/** Follows a file; the bytes that it saw grow with it. */
function follow(path = file) {
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const dump = new FollowedDump(path, { pollMs: 5, timers: systemTimers, stopped: stopping.signal });
  const seen: { offset: number; kind: number }[] = [];
  const faults: FastcacheError[] = [];
  let beginnings = 0;
  const run = async () => {
    do {
      beginnings++;
      try {
        for await (const frames of dump.chunks()) {
          seen.push(...frames.map(({ offset, header }) => ({ offset, kind: header.kind })));
        }
      } catch (error) {
        faults.push(error as FastcacheError);
      }
    } while (dump.goesOn);
  };
  const ended = run();
  return { seen, faults, ended, stop: () => stopping.abort(), beginnings: () => beginnings };
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition(); attempt++) {
    if (attempt > 2_000) throw new Error('it did not come to that');
    await wait(5);
  }
}

describe('a followed dump', () => {
  it('is read on as it grows, a frame in pieces too, and its end is no fault when it is stopped', async () => {
    const { seen, faults, ended, stop } = follow();
    await until(() => seen.length === 1);
    appendFileSync(file, hello.subarray(0, 20));
    await wait(30);
    expect(seen).toHaveLength(1);
    appendFileSync(file, hello.subarray(20));
    await until(() => seen.length === 2);
    expect(seen[1]).toEqual({ offset: ack.length, kind: FrameKind.Hello });
    appendFileSync(file, ack.subarray(0, 10));
    await wait(30);
    stop();
    await ended;
    expect(faults).toEqual([]);
  });

  it('of which room is behind the frames goes on with those that take its place', async () => {
    const segment = join(directory, segmentName(1));
    const seal = encodeFrame(
      FrameKind.Seal,
      encodeSeal({ start: 0, frames: 1, hash: 0x1234_5678_9abc_def0n }),
    );
    writeFileSync(segment, Buffer.concat([ack, seal, Buffer.alloc(1_000)]));
    const { seen, faults, ended, stop } = follow(segment);
    await until(() => seen.length === 2);
    const writer = openSync(segment, 'r+');
    writeSync(writer, Buffer.concat([hello, seal]), 0, hello.length + seal.length, ack.length + seal.length);
    closeSync(writer);
    await until(() => seen.length === 4);
    expect(seen[2]).toEqual({ offset: ack.length + seal.length, kind: FrameKind.Hello });
    stop();
    await ended;
    expect(faults).toEqual([]);
  });

  it('is read from its beginning when it is cut back', async () => {
    appendFileSync(file, ack);
    const { seen, faults, ended, stop } = follow();
    await until(() => seen.length === 2);
    truncateSync(file, 0);
    appendFileSync(file, hello);
    await until(() => seen.length === 3);
    expect(seen[2]).toEqual({ offset: 0, kind: FrameKind.Hello });
    stop();
    await ended;
    expect(faults).toEqual([]);
  });

  it('is read to its end when it is replaced, then the new one, even if that is late', async () => {
    const { seen, faults, ended, stop, beginnings } = follow();
    await until(() => seen.length === 1);
    const old = join(directory, 'dump.fcrp.1');
    renameSync(file, old);
    await wait(30);
    appendFileSync(old, hello);
    await until(() => seen.length === 2);
    writeFileSync(file, Buffer.concat([ack, ack]));
    await until(() => seen.length === 4);
    expect(seen.slice(1)).toEqual([
      { offset: ack.length, kind: FrameKind.Hello },
      { offset: 0, kind: FrameKind.Ack },
      { offset: ack.length, kind: FrameKind.Ack },
    ]);
    appendFileSync(file, hello);
    await until(() => seen.length === 5);
    stop();
    await ended;
    expect(faults).toEqual([]);
    expect(beginnings()).toBe(2);
  });

  it('that loses the rest of a frame when it is replaced says so, and goes on', async () => {
    const { seen, faults, ended, stop } = follow();
    await until(() => seen.length === 1);
    appendFileSync(file, hello.subarray(0, 20));
    await wait(30);
    writeFileSync(`${file}.new`, hello);
    renameSync(`${file}.new`, file);
    await until(() => seen.length === 2);
    expect(faults).toMatchObject([{ code: 'FCRP_TRUNCATED', file, offset: ack.length }]);
    stop();
    await ended;
  });

  it('ends with a fault of its bytes', async () => {
    const { seen, faults, ended } = follow();
    await until(() => seen.length === 1);
    appendFileSync(file, 'no frame');
    await ended;
    expect(faults).toMatchObject([{ code: 'FCRP_BAD_MAGIC', file, offset: ack.length }]);
  });

  it('must be there, and be a file', async () => {
    rmSync(file);
    const missing = follow();
    await missing.ended;
    expect(missing.faults).toMatchObject([{ code: 'NO_INPUT', file }]);
    execFileSync('mkfifo', [file]);
    const pipe = follow();
    await pipe.ended;
    expect(pipe.faults).toMatchObject([
      { code: 'NO_INPUT', message: 'Only a regular file can be followed.' },
    ]);
    rmSync(file);
  });
});

describe('what is decoded of a followed dump', () => {
  const batch = (...sequences: bigint[]) =>
    encodeFrame(FrameKind.MutationBatch, encodeBatch(sequences.map((sequence) => setRecord({ sequence }))));

  it('names each beginning, tells the faults, keeps the sequences in mind and heeds the limit', async () => {
    writeFileSync(file, Buffer.concat([batch(1n), ack.subarray(0, 10)]));
    const stopped = new AbortController().signal;
    for (const format of ['ndjson', 'text'] as const) {
      let isReadToItsEnd = false;
      // The follower waits once there are no more bytes.
      const timers: Timers = {
        ...systemTimers,
        after(delayMs, run) {
          isReadToItsEnd = true;
          return systemTimers.after(delayMs, run);
        },
      };
      const decoding = decodeWith({ format, limit: 2, follow: { pollMs: 5, timers, stopped } }, file);
      await until(() => isReadToItsEnd);
      writeFileSync(`${file}.new`, batch(3n));
      renameSync(`${file}.new`, file);
      const { text, status, faults } = await decoding;
      expect({ status, codes: faults.map(({ code }) => code) }).toEqual({
        status: 65,
        codes: ['FCRP_SHORT_HEADER'],
      });
      if (format === 'ndjson') {
        const types = parseLines(text).map(({ type }) => type);
        expect(types).toEqual(['file', 'frame', 'record', 'fault', 'file', 'frame', 'record']);
      } else {
        expect(text).toContain('shard 0: gap, sequence 2 is missing');
      }
      writeFileSync(file, Buffer.concat([batch(1n), ack.subarray(0, 10)]));
    }
  });
});

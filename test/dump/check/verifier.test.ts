import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch } from '../../../src/frame/batch.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { batchBytes } from '../../support/batch-bytes.js';
import { type Compression, DumpBuilder, shardOfHash } from '../../support/dump-builder.js';
import { hostileFrames } from '../../support/hostile-frames.js';
import { bytesOf, rawFrame } from '../../support/raw-frames.js';
import { Salvager, verifyBytes } from '../../support/verify-bytes.js';

const salvager = new Salvager();
afterAll(() => salvager.close());

const golden = (name: string) => readFileSync(`fixtures/golden/${name}.fcrp`);
/** Every piece size takes the walker through other states. */
const pieces = [1, 7, 64, 1000, undefined];

describe('a sound dump', () => {
  it.each(['none', 'zstd'] as Compression[])('is ok: snapshot, batches, acks; %s', (compression) => {
    const build = new DumpBuilder(4, compression, 1000n);
    build.batch(0);
    const dump = bytesOf(
      ...build.snapshot(),
      build.batch(0),
      build.batch(1),
      build.ack(),
      build.batch(0, 100, 300),
      build.ack(),
    );
    for (const pieceBytes of pieces) {
      const { places, content } = verifyBytes(dump, pieceBytes === undefined ? {} : { pieceBytes });
      expect(places).toEqual([]);
      expect(content).toMatchObject({
        bytes: dump.length,
        damagedBytes: 0,
        records: 110,
        entries: 15,
        snapshots: 1,
        shards: 4,
        routedRecords: 110,
        sequences: [
          { shard: 0, first: 1006n, last: 1110n, records: 105n, skipped: 0n },
          { shard: 1, first: 1001n, last: 1005n, records: 5n, skipped: 0n },
        ],
      });
    }
  });

  it('may hold live batches between the frames of a snapshot, and an End above its Begin', () => {
    const build = new DumpBuilder();
    const dump = bytesOf(
      build.begin(),
      build.chunk(0, false),
      build.batch(2),
      build.chunk(1, true),
      build.end(),
      build.batch(2),
    );
    expect(verifyBytes(dump).places).toEqual([]);
  });

  it('may number the chunks of an interleaved snapshot from anywhere, with an empty last one', () => {
    const build = new DumpBuilder();
    const dump = bytesOf(
      build.begin(),
      build.batch(1),
      build.chunk(17, false),
      build.batch(2),
      build.chunk(18, true, 0),
      build.end(),
      build.batch(2),
    );
    expect(verifyBytes(dump)).toMatchObject({ places: [], content: { snapshots: 1 } });
  });

  it('may bring frames twice, and abandon a snapshot for another', () => {
    const build = new DumpBuilder();
    const twice = build.batch(1);
    const dump = bytesOf(
      build.begin(),
      build.chunk(0, false),
      ...build.snapshot(),
      twice,
      twice,
      build.batch(1),
    );
    const { places, content } = verifyBytes(dump);
    // The snapshots stand where shard 1 is already.
    expect(places).toEqual([]);
    expect(content).toMatchObject({ snapshots: 1, abandonedSnapshots: 1 });
  });

  it('of no known shard count has its routing not checked, unless it is told', () => {
    const dump = new DumpBuilder(8).batch(5);
    expect(verifyBytes(dump)).toMatchObject({ places: [], content: { shards: null, routedRecords: 0 } });
    expect(verifyBytes(dump, { shards: 8 })).toMatchObject({ places: [], content: { routedRecords: 5 } });
    expect(verifyBytes(dump, { shards: 4 }).faults.map(({ code }) => code)).toEqual(
      Array.from({ length: 5 }, () => 'SHARD_OUT_OF_RANGE'),
    );
    expect(verifyBytes(dump, { shards: 16 }).faults.some(({ code }) => code === 'SHARD_MISROUTED')).toBe(
      true,
    );
  });

  it('may start over with another history, lower or with other shards', () => {
    const old = new DumpBuilder(4, 'none', 5000n);
    const young = new DumpBuilder(2);
    const dump = bytesOf(...old.snapshot(), old.batch(0), ...young.snapshot(), young.batch(1));
    expect(verifyBytes(dump).places).toEqual([]);
  });
});

it('routes sessions by their prefix when it is told to', () => {
  const lines = readFileSync('fixtures/golden/routes.txt', 'utf8').trim().split('\n');
  const records = lines.flatMap((line) => {
    const [hex, , ...shards] = line.split(/\s+/);
    if (hex!.startsWith('#')) return [];
    const key = hex === '-' ? Buffer.alloc(0) : Buffer.from(hex!, 'hex');
    return [{ key, fullKey: Number(shards[3]), prefix: Number(shards[9]) }];
  });
  const dump = (mode: 'fullKey' | 'prefix') => {
    const sequences = new Map<number, bigint>();
    return rawFrame(
      { kind: 5 },
      batchBytes(
        ...records.map((record) => {
          const sequence = (sequences.get(record[mode]) ?? 0n) + 1n;
          sequences.set(record[mode], sequence);
          return { shard: record[mode], sequence, op: 1, key: record.key };
        }),
      ),
    );
  };
  expect(records.length).toBeGreaterThan(500);
  expect(verifyBytes(dump('fullKey'), { shards: 16 }).places).toEqual([]);
  expect(verifyBytes(dump('prefix'), { shards: 16, route: 'session-prefix' }).places).toEqual([]);
  const wrong = verifyBytes(dump('prefix'), { shards: 16 });
  expect(wrong.places).toHaveLength(records.filter(({ fullKey, prefix }) => fullKey !== prefix).length);
});

describe('faults between frames', () => {
  const faultsOf = (...frames: Uint8Array[]) => verifyBytes(bytesOf(...frames)).faults;

  it('a gap of sequences, with what is missing', () => {
    const build = new DumpBuilder();
    const first = build.batch(0);
    build.batch(0);
    const second = build.batch(0);
    const [fault, ...others] = faultsOf(first, second, build.batch(0));
    expect(fault).toMatchObject({
      code: 'SEQUENCE_GAP',
      expected: 6n,
      found: 11n,
      offset: first.length + 24,
    });
    expect(fault!.message).toBe('Shard 0 lacks the sequences 6 to 10.');
    expect(others).toEqual([]);
  });

  it('a gap behind a snapshot', () => {
    const build = new DumpBuilder();
    const snapshot = build.snapshot();
    build.record(3);
    expect(faultsOf(...snapshot, build.batch(3))).toMatchObject([
      { code: 'SEQUENCE_GAP', expected: 1n, found: 2n },
    ]);
  });

  it('a damaged sequence does not hide the gaps behind it', () => {
    const build = new DumpBuilder();
    const records = Array.from({ length: 4 }, () => build.record(0));
    records[1]!.sequence += 1n << 40n;
    const first = build.frame(FrameKind.MutationBatch, encodeBatch(records));
    build.record(0);
    expect(faultsOf(first, build.batch(0)).map(({ code }) => code)).toEqual([
      'SEQUENCE_GAP',
      'SEQUENCE_OUT_OF_ORDER',
      'SEQUENCE_GAP',
    ]);
  });

  it('every wrong hash, tag and shard of a batch', () => {
    const build = new DumpBuilder();
    const records = Array.from({ length: 4 }, () => build.record(0));
    const payload = encodeBatch(records);
    const starts = [...decodeBatch(payload).records].map(({ offset }) => offset);
    payload[starts[0]! + 21]! ^= 1;
    payload[starts[1]! + 29]! ^= 1;
    payload[starts[2]!] = 1;
    payload[starts[3]! + 2] = 1;
    const dump = bytesOf(build.ack(), build.frame(FrameKind.MutationBatch, payload));
    const start = build.ack().length + 16;
    // Records of shard 1 begin there; a record of no shard is in no order.
    expect(verifyBytes(dump).places).toEqual([
      `FCRP_KEY_HASH_MISMATCH@${start + starts[0]! + 21}`,
      `KEY_TAG_MISMATCH@${start + starts[1]! + 29}`,
      `SHARD_MISROUTED@${start + starts[2]!}`,
      `SHARD_OUT_OF_RANGE@${start + starts[3]!}`,
    ]);
  });

  it('snapshots whose frames are not in order', () => {
    const codes = (...frames: Uint8Array[]) =>
      faultsOf(...frames).map(({ code, message }) => `${code}: ${message}`);
    const build = new DumpBuilder();
    const order = 'SNAPSHOT_OUT_OF_ORDER: ';
    const missing = `${order}A chunk of the snapshot is missing or came twice: expected 1, found 2.`;
    expect(codes(build.begin(), build.chunk(0, false), build.chunk(2, true), build.end())).toEqual([missing]);
    expect(codes(build.begin(), build.chunk(1, false), build.chunk(2, true), build.end())).toEqual([
      `${order}The chunks before the first of a snapshot are missing: expected 0, found a later one.`,
    ]);
    expect(codes(build.begin(), build.chunk(0, false), build.end())).toEqual([
      `${order}A snapshot ends before its last chunk: expected chunk 1, found SnapshotEnd.`,
    ]);
    expect(codes(build.begin(), build.chunk(0, true), build.chunk(1, true), build.end())).toEqual([
      `${order}A chunk stands behind the last one of its snapshot: expected SnapshotEnd, found 1.`,
    ]);
    expect(codes(build.chunk(0, true), build.end())).toEqual([
      `${order}A chunk stands outside any snapshot: expected SnapshotBegin, found 0.`,
      `${order}A snapshot ends that never began: expected SnapshotBegin, found SnapshotEnd.`,
    ]);
    expect(codes(build.begin(), build.chunk(0, true))).toEqual([
      `${order}The dump ends inside the snapshot that begins here.`,
    ]);
    build.record(2);
    const high = build.begin();
    const low = new DumpBuilder().end();
    expect(codes(high, build.chunk(0, true), low)).toEqual([
      `${order}A snapshot ends below where it began, in shard 2: expected 1, found 0.`,
    ]);
  });

  it('watermarks that fall within a history, and shard counts that change', () => {
    const hello = (history: string, watermarks: bigint[]) =>
      encodeHelloFrame(
        { role: 'replica', watermarks },
        {
          margin: new Map([
            ['history', history.repeat(32)],
            ['base', '0'],
          ]),
        },
      );
    const build = new DumpBuilder(2, 'none', 10n);
    const low = encodeWatermarks([9n, 9n]);
    const ack = build.ack();
    const lowAck = build.frame(FrameKind.Ack, low);
    const codes = (...frames: Uint8Array[]) => faultsOf(...frames).map(({ code }) => code);
    expect(codes(ack, lowAck)).toEqual(['WATERMARK_FELL']);
    expect(codes(ack, hello('a', [9n, 9n]), lowAck)).toEqual([]);
    expect(codes(hello('a', [10n, 10n]), hello('a', [9n, 10n]))).toEqual(['WATERMARK_FELL']);
    expect(codes(hello('a', [10n, 10n]), hello('b', [9n, 9n]))).toEqual([]);
    const snapshot = build.snapshot();
    const lower = new DumpBuilder(2, 'none', 8n).snapshot();
    expect(codes(hello('a', [10n, 10n]), ...snapshot, ...lower)).toEqual(['WATERMARK_FELL']);
    expect(codes(...snapshot, ...lower)).toEqual([]);
    expect(codes(ack, new DumpBuilder(4).ack())).toEqual(['SHARD_COUNT_DIFFERS']);
    expect(codes(build.frame(FrameKind.Ack, encodeWatermarks([1n, 2n, 3n])))).toEqual([
      'SHARD_COUNT_DIFFERS',
    ]);
  });
});

describe('damage', () => {
  const build = new DumpBuilder(1);
  const before = build.batch(0);
  const behind = build.batch(0);

  it.each(hostileFrames)(
    '$name between sound frames is found, and they are kept',
    ({ code, offset, bytes, refusedBy }) => {
      const dump = bytesOf(before, bytes, behind);
      // In a stream the byte behind a whole frame is where the next one should begin.
      const expected =
        refusedBy === 'frame'
          ? `FCRP_BAD_MAGIC@${before.length + bytes.length - 1}`
          : `${code}@${before.length + offset}`;
      for (const pieceBytes of pieces) {
        const { places, content, cutTail } = verifyBytes(
          dump,
          pieceBytes === undefined ? {} : { pieceBytes },
        );
        expect(places[0]).toBe(expected);
        expect(cutTail).toBe(false);
        // `key-hash` can be read, and its sequence, which was seen before, is skipped.
        expect(places.slice(1)).toEqual([]);
        expect(content.sequences[0]).toMatchObject({ shard: 0, first: 1n, last: 10n });
        const { saved, losses } = salvager.salvage(dump, pieceBytes);
        const rest = saved.subarray(before.length, saved.length - behind.length);
        expect(saved.subarray(0, before.length).equals(before)).toBe(true);
        expect(saved.subarray(saved.length - behind.length).equals(behind)).toBe(true);
        expect(rest.length).toBe(refusedBy === 'frame' ? bytes.length - 1 : 0);
        expect(losses).toHaveLength(1);
        expect(losses[0]).toMatchObject({ fault: { code: refusedBy === 'frame' ? 'FCRP_BAD_MAGIC' : code } });
      }
    },
  );

  it.each([1, 15, 16, 17, 100])('a file that ends %i bytes into its last frame is named as such', (left) => {
    const dump = bytesOf(before, behind.subarray(0, left));
    const { places, cutTail } = verifyBytes(dump);
    expect(cutTail).toBe(true);
    expect(places).toEqual([`${left < 16 ? 'FCRP_SHORT_HEADER' : 'FCRP_TRUNCATED'}@${before.length}`]);
    const { saved, losses } = salvager.salvage(dump);
    expect(saved.equals(before)).toBe(true);
    expect(losses).toMatchObject([{ start: before.length, end: dump.length, isCutTail: true }]);
  });

  it('a value that holds a frame is no place to go on at', () => {
    const inner = new DumpBuilder(1).batch(0);
    const record = { shard: 0, sequence: 1n, op: 1, key: 'k', value: inner };
    const outer = rawFrame({ kind: 5 }, batchBytes(record));
    const dump = bytesOf(outer, 'junk', before);
    const { places, content } = verifyBytes(dump);
    expect(places).toEqual([`FCRP_BAD_MAGIC@${outer.length}`]);
    expect(content.frames).toEqual({ MutationBatch: 2 });
    expect(salvager.salvage(dump).saved.equals(bytesOf(outer, before))).toBe(true);
  });

  it('several places are all told', () => {
    const many = new DumpBuilder(1);
    const frames = Array.from({ length: 30 }, () => many.batch(0));
    const dump = bytesOf(
      ...frames.map((frame, index) => (index % 10 === 5 ? bytesOf('junk', frame) : frame)),
    );
    expect(verifyBytes(dump).faults.map(({ code }) => code)).toEqual([
      'FCRP_BAD_MAGIC',
      'FCRP_BAD_MAGIC',
      'FCRP_BAD_MAGIC',
    ]);
  });
});

describe('salvage', () => {
  it('copies a sound dump byte for byte', () => {
    const build = new DumpBuilder(4, 'zstd');
    const dump = bytesOf(...build.snapshot(), build.batch(0), build.ack());
    expect(salvager.salvage(dump)).toMatchObject({ losses: [], frames: 7, saved: dump });
  });

  it('leaves out all of a snapshot of which anything is lost, and keeps the batches within', () => {
    const build = new DumpBuilder();
    const head = build.batch(0);
    const [begin, first, live, second, end] = [
      build.begin(),
      build.chunk(0, false),
      build.batch(1, 2000, 800),
      build.chunk(1, true),
      build.end(),
    ];
    const tail = build.batch(1);
    second[20]! ^= 1;
    const dump = bytesOf(head, begin, first, live, second, end, tail);
    const { saved, losses } = salvager.salvage(dump);
    expect(saved.equals(bytesOf(head, live, tail))).toBe(true);
    expect(losses.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(dump.length - saved.length);
    expect(verifyBytes(saved).places).toEqual([]);
  });

  it('never makes one snapshot of two halves', () => {
    const build = new DumpBuilder();
    const first = build.snapshot();
    const second = build.snapshot();
    // The damage reaches from the second chunk of the one to the first of the other.
    const dump = bytesOf(first[0]!, first[1]!, 'damage', ...second.slice(2));
    expect(salvager.salvage(dump).saved).toHaveLength(0);
  });
});

it('the golden frames are what they are', () => {
  for (const name of [
    'batch-512-plain',
    'batch-512-zstd',
    'ack',
    'error',
    'hello-full',
    'hello-bare',
    'hello-subscriber',
  ]) {
    expect(verifyBytes(golden(name)).places, name).toEqual([]);
  }
  const snapshot = bytesOf(golden('snapshot-begin'), golden('snapshot-chunk'), golden('snapshot-end'));
  expect(verifyBytes(snapshot)).toMatchObject({
    places: [],
    content: { entries: 100, snapshots: 1, shards: 4 },
  });
  // Each by itself is a part of a dump.
  for (const name of ['snapshot-begin', 'snapshot-chunk', 'snapshot-end']) {
    expect(
      verifyBytes(golden(name)).faults.map(({ code }) => code),
      name,
    ).toEqual(['SNAPSHOT_OUT_OF_ORDER']);
  }
  // Sequences 1 to 6 and 2^64-1, dealt out to four shards; keys of four shards that all say shard 0.
  const { faults, content } = verifyBytes(golden('all'));
  expect(new Set(faults.map(({ code }) => code))).toEqual(
    new Set(['SEQUENCE_GAP', 'SEQUENCE_OUT_OF_ORDER', 'SHARD_MISROUTED']),
  );
  expect(content).toMatchObject({ damagedBytes: 0, records: 1038, entries: 100, snapshots: 1, shards: 4 });
  expect(salvager.salvage(golden('all'))).toMatchObject({ losses: [], saved: golden('all') });
  expect(shardOfHash(0x6903b5f625ab5a01n, 4)).toBe(2);
});

/**
 * RDB files of Redis 7.0 and 8.2 with every type (fixtures/rdb), and files built by hand: the keys that are
 * loaded of them, and that no damage of them does more than be named.
 */
import '../../support/debug-kernel.js';

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leftOut, loadRdb, type RdbChoice } from '../../../src/dump/rdb/load-rdb.js';
import { type RdbCounts, RdbReader } from '../../../src/dump/rdb/rdb-reader.js';
import type { ShardEngine } from '../../../src/engine/shard-engine.js';
import { FastcacheError } from '../../../src/errors.js';
import { encodeLength } from '../../../src/rdb/string-object.js';
import { contentOf, newReplica } from '../../support/engines.js';
import { repositoryRoot } from '../../support/processes.js';
import { RandomSource } from '../../support/random.js';
import { EXPIRY_MS, plain, rdbOf, SELECT, withChecksum } from '../../support/rdb-builder.js';

const fixture = (name: string) => readFileSync(join(repositoryRoot, 'fixtures/rdb', name));
const files = { 'Redis 7.0': fixture('redis-7.0.rdb'), 'Redis 8.2': fixture('redis-8.2.rdb') };
const EXPIRED_AT = 4_102_444_800_000;

async function* chunksOf(bytes: Buffer, size = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Loaded {
  counts: RdbCounts;
  store: ShardEngine;
}

async function load(
  bytes: Buffer,
  choice: Partial<RdbChoice> = {},
  { size, store = newReplica() }: { size?: number; store?: ShardEngine } = {},
): Promise<Loaded> {
  const counts = await loadRdb({
    bytes: chunksOf(bytes, size),
    totalBytes: bytes.length,
    store,
    database: 0,
    skipsOtherTypes: true,
    skipsOtherDatabases: true,
    maxStringBytes: 1_048_576,
    nowMs: 0,
    ...choice,
  });
  return { counts, store };
}

function faultOf(
  bytes: Buffer,
  choice?: Partial<RdbChoice>,
  store?: ShardEngine,
): Promise<FastcacheError | undefined> {
  return load(bytes, choice, { ...(store && { store }) }).then(
    () => undefined,
    (error) => error,
  );
}

/** Returns the keys that fixtures/rdb/make.sh sets. */
function expectedContent(): Map<string, string> {
  const content = new Map<string, string>();
  const set = (key: string, value: string, expiry: number | null = null) =>
    content.set(key, `${value} @${expiry}`);
  set('raw', 'a text of some length');
  set('', 'the key is empty');
  set('empty', '');
  for (const n of [0, -1, 127, -128, 128, -(2 ** 15), 2 ** 15 - 1, 2 ** 15]) set(`int:${n}`, `${n}`);
  for (const n of [-(2 ** 31), 2 ** 31 - 1, 2 ** 31]) set(`int:${n}`, `${n}`);
  set('12345', 'the key is an integer');
  set('leading', '007');
  set('zeros', `${'\0'.repeat(70_000)}x`);
  set('pattern', 'abcabcabd'.repeat(16));
  set('key'.repeat(12), 'the key is compressed');
  set('binary', '\0\x01\xff\r\n');
  set('later', 'v', EXPIRED_AT + 123);
  set('past', 'v', EXPIRED_AT);
  return content;
}

describe.each(Object.entries(files))('an RDB file of %s', (_name, file) => {
  it('gives all its strings, and counts what else it has', async () => {
    const { counts, store } = await load(file);
    const content = contentOf(store);
    // A HyperLogLog is a string, whose bytes are Redis' own affair.
    expect(content.get('hyperloglog')).toMatch(/^HYLL/);
    content.delete('hyperloglog');
    expect(content).toEqual(expectedContent());
    expect(Object.fromEntries(counts.types)).toEqual({
      hash: 4,
      list: 3,
      set: 3,
      'sorted set': 2,
      stream: 1,
    });
    expect(leftOut(counts)).toMatch(/3 lists.*2 keys in database 3, 1 library of functions/);
    expect(leftOut(counts)).toMatch(/4 hashes/);
  });

  it('gives the same whatever pieces it comes in', async () => {
    const whole = contentOf((await load(file)).store);
    for (const size of [1, 7, 100, 4096])
      expect(contentOf((await load(file, {}, { size })).store)).toEqual(whole);
  });

  it('gives the keys of another database, if they are asked for', async () => {
    const { counts, store } = await load(file, { database: 3 });
    expect(contentOf(store)).toEqual(new Map([['elsewhere', 'v @null']]));
    expect(counts.databases.get(0)).toBe(24 + 12);
  });

  it('leaves out what has expired', async () => {
    const { counts, store } = await load(file, { nowMs: EXPIRED_AT });
    expect(counts.expired).toBe(1);
    expect([...contentOf(store).keys()]).toContain('later');
    expect([...contentOf(store).keys()]).not.toContain('past');
  });

  it('is refused for other types and other databases, which are named', async () => {
    const types = await faultOf(file, { skipsOtherTypes: false });
    expect(types).toMatchObject({ code: 'RDB_OTHER_TYPES', exitCode: 65 });
    expect(types!.message).toMatch(/3 lists/);
    expect(file[types!.offset!]).toBeLessThanOrEqual(25);
    const databases = await faultOf(file, { skipsOtherDatabases: false });
    expect(databases).toMatchObject({ code: 'RDB_OTHER_DATABASES', exitCode: 65 });
    expect(databases!.message).toContain('2 keys in 3');
  });

  it('is found to be torn wherever it ends', () => {
    const { kernel } = newReplica();
    const reader = new RdbReader({
      kernel,
      database: 0,
      maxStringBytes: 1_048_576,
      expiredMs: 0,
      onEntries() {},
    });
    for (let end = 0; end < file.length; end++) {
      expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'RDB_TRUNCATED', offset: end }));
      reader.push(file.subarray(end, end + 1));
    }
    reader.end();
  });

  it('is refused whatever byte has changed, and does no harm without its checksum', async () => {
    const random = new RandomSource(15);
    const store = newReplica();
    for (let round = 0; round < 100; round++) {
      const changed = Buffer.from(file);
      const at = random.below(file.length);
      changed[at]! ^= 1 << random.below(8);
      const fault = await faultOf(changed, {}, store);
      expect(fault, `byte ${at}`).toBeInstanceOf(FastcacheError);
      expect([1, 65]).toContain(fault!.exitCode);
      for (let more = random.below(8); more > 0; more--)
        changed[random.below(file.length)] = random.below(256);
      const unchecked = await faultOf(Buffer.concat([changed.subarray(0, -8), Buffer.alloc(8)]), {}, store);
      if (unchecked !== undefined) expect(unchecked).toBeInstanceOf(FastcacheError);
    }
    store.kernel.invariants();
  });
});

describe('an RDB file', () => {
  const idle = Buffer.of(248, 5);
  const frequency = Buffer.of(249, 7);
  const seconds = Buffer.of(253, 0xff, 0xff, 0xff, 0x7f);

  it('of version 9 has expiries in seconds, ziplists, zipmaps and what modules wrote', async () => {
    const length64 = Buffer.from('8100000000000000ff', 'hex');
    const moduleValue = Buffer.concat([
      Buffer.from('81ffffffffffffffff', 'hex'),
      Buffer.of(1),
      length64,
      Buffer.of(2, 5, 3, 1, 2, 3, 4, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5),
      plain('text'),
      Buffer.of(0),
    ]);
    const aux = [Buffer.of(250), plain('redis-ver'), plain('5.0.14')];
    const moduleAux = [Buffer.of(247, 1, 2, 1), Buffer.of(5), plain('when'), Buffer.of(0)];
    const ofType = (type: number, value: Buffer) => [Buffer.of(type), plain(`key of ${type}`), value];
    const score = Buffer.concat([Buffer.of(3), Buffer.from('1.5')]);
    const file = rdbOf(
      9,
      ...aux,
      ...moduleAux,
      Buffer.of(SELECT, 0, 251, 9, 2),
      ...ofType(9, plain('zipmap')),
      ...ofType(10, plain('ziplist')),
      ...[seconds, idle, Buffer.of(0), plain('seconds'), plain('v')],
      ...ofType(13, plain('ziplist')),
      ...ofType(3, Buffer.concat([Buffer.of(2), plain('m'), score, plain('n'), Buffer.of(255)])),
      ...ofType(7, moduleValue),
      ...[frequency, Buffer.of(0), plain('last'), Buffer.of(0xc0, 0xff)],
    );
    const { counts, store } = await load(file);
    expect(Object.fromEntries(counts.types)).toEqual({
      hash: 2,
      list: 1,
      'sorted set': 1,
      'module value': 1,
    });
    const content = contentOf(store);
    expect(content).toEqual(
      new Map([
        ['seconds', `v @${(2 ** 31 - 1) * 1000}`],
        ['last', '-1 @null'],
      ]),
    );
  });

  it('that is empty leads to no keys', async () => {
    expect((await load(rdbOf(12))).store.keyCount()).toBe(0);
  });

  it('may have strings that are larger than any buffer', async () => {
    const random = new RandomSource(9);
    const raw = random.bytes(900_000);
    // Runs of two bytes.
    const runs = Buffer.alloc(25_000 * 3, Buffer.of(1, 65, 66));
    const lzf = Buffer.concat([Buffer.of(0xc3), encodeLength(runs.length), encodeLength(50_000), runs]);
    const large = random.bytes(5_000_000);
    const file = rdbOf(
      10,
      ...[0, plain('raw'), plain(raw)],
      ...[0, plain('lzf'), lzf],
      ...[0, plain('large'), plain(large)],
      ...[0, plain('small'), plain('s')],
    );
    for (const size of [65_536, 1_048_576]) {
      const { store } = await load(file, { maxStringBytes: large.length }, { size });
      expect(store.get('raw')?.equals(raw)).toBe(true);
      expect(store.get('lzf')?.toString()).toBe('AB'.repeat(25_000));
      expect(store.get('large')?.equals(large)).toBe(true);
      expect(store.get('small')?.toString()).toBe('s');
    }
    const over = await faultOf(file, { maxStringBytes: large.length - 1 });
    expect(over).toMatchObject({ code: 'VALUE_OVER_LIMIT', found: BigInt(large.length) });
    expect(file.subarray(over!.offset!, over!.offset! + 5)).toEqual(encodeLength(large.length));
  });

  it('claims nothing that is allocated before its bytes are there', async () => {
    const store = newReplica();
    const claims = ['814000000000000000', '81ffffffffffffffff', '80ffffffff', '8000080000', 'c38000100000ff'];
    for (const claim of claims) {
      for (const type of [0, 1, 4, 5, 9, 15, 18, 24]) {
        const file = Buffer.concat([Buffer.from('REDIS0010'), Buffer.of(type), plain('k')]);
        const torn = Buffer.concat([file, Buffer.from(claim.padEnd(18, '0'), 'hex'), Buffer.alloc(5_000)]);
        expect(await faultOf(torn, {}, store), `${claim} of ${type}`).toBeInstanceOf(FastcacheError);
      }
    }
    expect(store.kernel.bytes.length).toBeLessThan(32 * 1024 * 1024);
  });

  it('is refused with the version, the type or the bytes that are not known', async () => {
    const fault = (bytes: Buffer) => faultOf(bytes);
    expect(await fault(rdbOf(8))).toMatchObject({ code: 'RDB_VERSION', offset: 5, found: 8 });
    expect(await fault(rdbOf(13))).toMatchObject({ code: 'RDB_VERSION' });
    expect(await fault(rdbOf(10, 26, plain('k')))).toMatchObject({ code: 'RDB_MALFORMED', offset: 9 });
    expect(await fault(rdbOf(10, 6, plain('k')))).toMatchObject({ code: 'RDB_MALFORMED', offset: 9 });
    const damaged = rdbOf(10, 0, plain('k'), Buffer.from('c30305ffffff', 'hex'));
    expect(await fault(damaged)).toMatchObject({ code: 'RDB_MALFORMED', offset: 12 });
    expect(await fault(Buffer.concat([rdbOf(10), Buffer.from('*1\r\n')]))).toMatchObject({
      code: 'RDB_MALFORMED',
      offset: 18,
    });
    const whole = rdbOf(10, 0, plain('k'), plain('v'));
    const changed = Buffer.from(whole);
    changed[13]! ^= 1;
    expect(await fault(changed)).toMatchObject({ code: 'RDB_CHECKSUM_DIFFERS', offset: whole.length - 8 });
    expect(await fault(Buffer.concat([changed.subarray(0, -8), Buffer.alloc(8)]))).toBeUndefined();
    expect(await fault(withChecksum(changed.subarray(0, -8)))).toBeUndefined();
  });

  it('may have keys that expired before 1970', async () => {
    const before = Buffer.alloc(8, 0xff);
    const file = rdbOf(10, EXPIRY_MS, before, 0, plain('k'), plain('v'));
    const { counts, store } = await load(file);
    expect([counts.expired, store.keyCount()]).toEqual([1, 0]);
  });
});

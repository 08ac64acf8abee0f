import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import {
  encodeSnapshotChunk,
  encodeSnapshotEntries,
  type SnapshotEntry,
} from '../../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { parseLines, setRecord } from '../../support/decode-dumps.js';
import { diff } from '../../support/diff-key-spaces.js';
import { directory, follow, startPrimary } from '../../support/library.js';
import { eventually } from '../../support/processes.js';

const bytes = (text: string) => Buffer.from(text);
const place = (name: string) => join(directory, name);
const entry = (key: string, value: string, expireAtMs: bigint | null = null): SnapshotEntry => ({
  key: bytes(key),
  value: bytes(value),
  expireAtMs,
});

/** A dump that is a snapshot of these. */
function snapshot(name: string, shards: number, entries: readonly SnapshotEntry[]): string {
  const watermarks = new Array<bigint>(shards).fill(7n);
  const chunk = encodeSnapshotChunk({
    chunkIndex: 0n,
    last: true,
    watermarks,
    entryCount: entries.length,
    entries: encodeSnapshotEntries(entries),
  });
  const frames = [
    encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks(watermarks)),
    encodeFrame(FrameKind.SnapshotChunk, chunk, { compression: 'zstd' }),
    encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks(watermarks)),
  ];
  writeFileSync(place(name), Buffer.concat(frames));
  return place(name);
}

const common = [entry('same', 'x'), entry('\u001b[31m', 'y', 1_900_000_000_000n)];
let before = '';
let after = '';
beforeAll(() => {
  const [gone, old, ttl] = [entry('gone', 'g'), entry('value', 'old'), entry('ttl', 't')];
  before = snapshot('before', 4, [...common, gone, old, ttl]);
  const [fresh, changed, expiring] = [
    entry('new', 'n', 1_900_000_000_000n),
    entry('value', 'new'),
    entry('ttl', 't', 1_900_000_000_000n),
  ];
  after = snapshot('after', 2, [fresh, changed, expiring, ...common]);
});

describe('frames diff', () => {
  it('shows what was added, removed and changed, and counts', async () => {
    const { status, text } = await diff(before, after);
    expect(status).toBe(1);
    const lines = text.trimEnd().split('\n');
    expect(lines.slice(0, -1).sort()).toEqual([
      '+ "new" = "n"  expires 2030-03-17T17:46:40.000Z',
      '- "gone" = "g"',
      '~ "ttl"  expires never → 2030-03-17T17:46:40.000Z',
      '~ "value" = "old" → "new"',
    ]);
    expect(lines.at(-1)).toBe(`${before} → ${after}: 1 added, 1 removed, 2 changed, 2 equal`);
    expect(await diff(before, before)).toEqual({
      status: 0,
      text: `${before} → ${before}: equal, 5 keys\n`,
    });
  });

  it('is the same for programs, line by line and as one document', async () => {
    const differences = [
      { type: 'added', key: 'new', value: 'n', expireAtMs: 1_900_000_000_000 },
      {
        type: 'changed',
        key: 'ttl',
        before: { value: 't', expireAtMs: null },
        after: { value: 't', expireAtMs: 1_900_000_000_000 },
      },
      {
        type: 'changed',
        key: 'value',
        before: { value: 'old', expireAtMs: null },
        after: { value: 'new', expireAtMs: null },
      },
      { type: 'removed', key: 'gone', value: 'g', expireAtMs: null },
    ];
    const summary = { before, after, added: 1, removed: 1, changed: 2, equal: 2 };
    const byKey = (one: { key?: unknown }, other: { key?: unknown }) =>
      String(one.key).localeCompare(String(other.key));
    const lines = parseLines((await diff(before, after, { format: 'ndjson' })).text);
    expect(lines.pop()).toMatchObject({ type: 'summary', ...summary });
    expect(lines.sort(byKey)).toEqual(differences.toSorted(byKey));
    const document = JSON.parse((await diff(before, after, { format: 'json', values: 'none' })).text);
    expect(document).toMatchObject(summary);
    expect(document.differences).toContainEqual({
      type: 'removed',
      key: 'gone',
      valueBytes: 1,
      expireAtMs: null,
    });
    expect(JSON.parse((await diff(after, after, { format: 'json' })).text)).toMatchObject({
      differences: [],
    });
  });

  it('takes what time alone has taken away for no difference', async () => {
    const shortLived = entry('short', 's', 5_000n);
    const one = snapshot('one', 1, [...common, shortLived]);
    const record = setRecord({ timestampMs: 6_000n, key: bytes('later'), value: bytes('l') });
    const dump = encodeFrame(FrameKind.MutationBatch, encodeBatch([record]));
    writeFileSync(place('two'), dump);
    const { text } = await diff(one, place('two'));
    expect(text).toContain('+ "later" = "l"');
    expect(text).not.toContain('short');
    expect(text).toContain(
      'expired by 1970-01-01T00:00:06.000Z and left out: 1 of the first, 0 of the second',
    );
    expect((await diff(one, one)).text).toContain('equal, 3 keys');
    const past = snapshot('past', 1, [entry('zero', 'z', 0n)]);
    expect((await diff(past, past)).status).toBe(0);
  });

  it('compares with a primary, of whatever shards', async () => {
    const primary = await startPrimary({ load: before, shards: 16, token: 't0ken' });
    const live = primary.bindAddress;
    expect(await diff(before, live, { token: 't0ken' })).toMatchObject({ status: 0 });
    primary.set('more', 'm');
    primary.del('gone');
    primary.flush();
    const { status, text } = await diff(live, before, { token: 't0ken' });
    expect(status).toBe(1);
    expect(text.split('\n').slice(0, 2).sort()).toEqual(['+ "gone" = "g"', '- "more" = "m"']);
    await expect(diff(before, live)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' });
    await primary.close();
    await expect(diff(before, live)).rejects.toMatchObject({ code: 'PRIMARY_UNREACHABLE', exitCode: 69 });
  });

  it('finds what a replica recorded under load equal to what the primary holds', async () => {
    const primary = await startPrimary({ snapshotChunkBytes: 4096 });
    const write = (index: number) => primary.set(`key:${(index * 7919) % 20_000}`, `value ${index}`);
    for (let index = 0; index < 20_000; index++) write(index);
    const replica = await follow(primary.bindAddress, { record: place('tap') });
    let isCaughtUp = false;
    replica.on('caught-up', () => {
      isCaughtUp = true;
    });
    for (let index = 0; !isCaughtUp; index++) {
      for (let burst = 0; burst < 50; burst++) write(index * 50 + burst);
      if (index % 3 === 0) primary.del(`key:${index}`);
      await nextTurn();
    }
    primary.flush();
    await eventually(
      () => replica.watermarks().join(),
      (own) => own === primary.watermarks().join(),
    );
    await replica.close();
    expect((await diff(place('tap'), primary.bindAddress)).text).toContain(': equal, ');
  });

  it('names the dump that has a fault', async () => {
    writeFileSync(place('cut'), Buffer.from('FCRP'));
    await expect(diff(before, place('cut'))).rejects.toMatchObject({
      code: 'FCRP_SHORT_HEADER',
      file: place('cut'),
    });
    await expect(diff(place('none'), after)).rejects.toMatchObject({ code: 'NO_INPUT' });
    await expect(diff('-', '-')).rejects.toThrow('only once');
  });
});

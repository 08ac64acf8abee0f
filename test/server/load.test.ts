import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dropExpired } from '../../src/dump/fold/load.js';
import { FrameKind, Primary, type PrimaryOptions } from '../../src/index.js';
import { DumpBuilder } from '../support/dump-builder.js';
import { contentOf } from '../support/engines.js';
import { foldBytes } from '../support/fold-bytes.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

const place = (name: string) => join(directory, name);
const keys = Array.from({ length: 3_000 }, (_, index) => `s:${index % 7}:c:${index}`);

/** Keys with and without expiries, some deleted, some overwritten. */
function fill(primary: Primary): void {
  for (const [index, key] of keys.entries()) {
    const expireAtMs = index % 3 === 0 ? Date.now() + 3_600_000 + index : undefined;
    primary.set(key, `value ${index}`, expireAtMs === undefined ? {} : { expireAtMs });
    if (index % 5 === 4) primary.del(keys[index - 2]!);
    if (index % 11 === 10) primary.expire(keys[index - 1]!, Date.now() + 7_200_000);
    if (index % 13 === 0) primary.set(keys[index >> 1]!, 'again');
  }
}

async function recorded(name: string, options: PrimaryOptions = {}): Promise<Buffer> {
  const primary = await startPrimary({ record: place(name), ...options });
  fill(primary);
  await primary.close();
  return readFileSync(place(name));
}

const contentIn = (dump: Buffer) => contentOf(foldBytes(dump).store);

describe('a primary that loads a dump', () => {
  it.each([
    ['of its own shards', { shards: 4 }],
    ['of other shards', { shards: 16, route: 'session-prefix' }],
    ['of one shard, compressed', { shards: 1, compression: 'zstd' }],
    ['that counts from 1', { shards: 4, sequenceBase: 'zero' }],
  ] as const)('holds what was recorded, and its replicas too: %s', async (name, options) => {
    const dump = await recorded(`${name}.fcrp`, options);
    const content = contentIn(dump);
    expect(content.size).toBeGreaterThan(2_000);

    const read: number[] = [];
    const next = place(`${name} next.fcrp`);
    const primary = await startPrimary({
      load: place(`${name}.fcrp`),
      record: next,
      sequenceBase: options.shards === 4 ? 'zero' : 'clock',
      onLoading: (bytes) => read.push(bytes),
    });
    expect(read.at(-1)).toBe(dump.length);
    expect(primary.keyCount()).toBe(content.size);
    expect(primary.get(keys[6]!)?.toString()).toBe('again');
    expect(primary.watermarks()).toEqual(new Array(4).fill(primary.base));
    expect(primary.base).toBeGreaterThan(0n);

    const tap = place(`${name} tap.fcrp`);
    const replica = await follow(primary.bindAddress, { record: tap });
    await new Promise((resolve) => replica.on('caught-up', resolve));
    expect(replica.keyCount()).toBe(content.size);
    primary.set('later', 'x');
    primary.flush();
    await eventually(
      () => replica.get('later'),
      (value) => value !== undefined,
    );
    await replica.close();
    await primary.close();
    content.set('later', 'x @null');
    expect(contentIn(readFileSync(tap))).toEqual(content);
    // Its recording is whole by itself.
    expect(contentIn(readFileSync(next))).toEqual(content);
    const third = await startPrimary({ load: next });
    expect(third.keyCount()).toBe(content.size);
  });

  it('leaves out what has expired since', async () => {
    const build = new DumpBuilder(2);
    const gone = { ...build.record(0), expireAtMs: 1_760_000_100_000n };
    const { encodeBatch } = await import('../../src/frame/batch.js');
    writeFileSync(
      place('old.fcrp'),
      Buffer.concat([build.frame(FrameKind.MutationBatch, encodeBatch([gone])), build.batch(1, 3)]),
    );
    const { store } = foldBytes(readFileSync(place('old.fcrp')));
    expect([store.keyCount(), dropExpired(store)]).toEqual([4, 0]);
    const primary = await startPrimary({ load: place('old.fcrp') });
    expect(primary.keyCount()).toBe(3);
    expect(primary.get(gone.key)).toBeUndefined();
    expect(primary.watermarks()).toEqual(new Array(4).fill(primary.base));
  });

  it('leaves out more expired keys than are deleted in one go', async () => {
    const build = new DumpBuilder(1);
    const { encodeBatch } = await import('../../src/frame/batch.js');
    const expired = (count: number) =>
      encodeBatch(
        Array.from({ length: count }, () => ({ ...build.record(0, 1), expireAtMs: 1_760_000_100_000n })),
      );
    const batches = Array.from({ length: 30 }, () => build.frame(FrameKind.MutationBatch, expired(5_000)));
    writeFileSync(place('expired.fcrp'), Buffer.concat([...batches, build.batch(0, 7)]));
    const primary = await startPrimary({ load: place('expired.fcrp') });
    expect(primary.keyCount()).toBe(7);
  });

  it('does not start with a fault, names its place, and leaves the recording alone', async () => {
    const build = new DumpBuilder(2);
    const [one, two, three] = [build.batch(0), build.batch(0), build.batch(0)];
    writeFileSync(place('gap.fcrp'), Buffer.concat([one, three]));
    writeFileSync(place('cut.fcrp'), Buffer.concat([one, two]).subarray(0, -1));
    writeFileSync(place('empty.fcrp'), '');
    const before = Buffer.from('precious');
    writeFileSync(place('kept'), before);
    for (const [load, code, offset] of [
      [place('gap.fcrp'), 'SEQUENCE_GAP', one.length + 24],
      [place('cut.fcrp'), 'FCRP_TRUNCATED', one.length],
      [place('none.fcrp'), 'NO_INPUT', undefined],
      [place('empty.fcrp'), 'DUMP_EMPTY', undefined],
    ] as const) {
      const options = { bind: ':0', listen: false, load, record: place('kept'), force: true } as const;
      const started = Primary.start(options);
      await expect(started).rejects.toMatchObject({ code, offset, file: load });
    }
    expect(readFileSync(place('kept'))).toEqual(before);
    const over = Primary.start({
      bind: ':0',
      listen: false,
      load: place('gap.fcrp'),
      record: place('gap.fcrp'),
      force: true,
    });
    await expect(over).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(readFileSync(place('gap.fcrp')).length).toBe(one.length + three.length);
  });
});

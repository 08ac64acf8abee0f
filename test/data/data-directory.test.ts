/**
 * The content that a data directory gives back: after a stop, after a crash at any moment, on a disk that
 * fails.
 */
import { describe, expect, it } from 'vitest';
import { baseName, segmentName } from '../../src/data/manifest.js';
import type { FastcacheError } from '../../src/errors.js';
import { DataNode } from '../support/data-node.js';
import { contentOf } from '../support/engines.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { RandomSource } from '../support/random.js';

const KEYS = 40;

describe('a stop', () => {
  it('is followed by the same content in the same history', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files });
    for (let at = 0; at < 200; at += 1)
      expect(await first.set(`key ${at % KEYS}`, `${at} ${'x'.repeat(at)}`)).toBe(true);
    const content = contentOf(first.engine);
    await first.stop();
    const second = await DataNode.start({ files });
    expect(contentOf(second.engine)).toEqual(content);
    expect(second.publisher.history.id).toBe(first.publisher.history.id);
    expect(second.publisher.watermarks()).toEqual(first.publisher.watermarks());
    expect(second.opened.notes).toEqual([]);
    await second.set('more', 'value');
    await second.stop();
    const third = await DataNode.start({ files });
    expect(third.engine.get('more')?.toString()).toBe('value');
    expect(third.publisher.history.id).toBe(first.publisher.history.id);
    await third.stop();
  });

  it('is followed by bases that take the place of old segments', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files });
    const write = async (from: number) => {
      for (let at = from; at < from + 100; at += 1)
        await first.set(`key ${at % KEYS}`, `${at} ${'x'.repeat(300)}`);
    };
    for (const round of [0, 100, 200]) {
      await write(round);
      await first.data.makeBase();
    }
    await write(300);
    const names = (await files.list()).filter((name) => name.endsWith('.fcrp'));
    expect(names.filter((name) => name.startsWith('base'))).toEqual([
      'base-00000002.fcrp',
      'base-00000003.fcrp',
    ]);
    expect(names).not.toContain(segmentName(1));
    const content = contentOf(first.engine);
    await first.stop();
    const second = await DataNode.start({ files });
    expect(contentOf(second.engine)).toEqual(content);
    await second.stop();
  });
});

describe('a crash', () => {
  it('at any operation loses nothing that was synced, and no batch in part', async () => {
    const seeds = Number(process.env.DATA_SEEDS ?? 60);
    for (let seed = 1; seed <= seeds; seed += 1) await crashAndLook(seed);
  }, 600_000);
});

async function crashAndLook(seed: number): Promise<void> {
  const random = new RandomSource(seed);
  const files = new LossyDisk();
  const always = random.chance(0.5);
  const synced = new Map<string, number>();
  const written = new Map<string, number>();
  let previous: string | undefined;
  for (let life = 0; life < 3; life += 1) {
    const crashAt = files.operations + random.between(1, 300);
    let isOver = false;
    const crashed = new Promise<void>((resolve) => {
      files.before = () => {
        if (files.operations < crashAt) return;
        isOver = true;
        files.crash(random);
        resolve();
      };
    });
    const run = async () => {
      const node = await DataNode.start({ files, fsync: always ? 'always' : 'no' });
      if (isOver) return;
      // A crash leaves no index that lacks what was synced.
      expect(node.opened.notes.join(), `seed ${seed}`).not.toContain('no sound entry');
      check(node, synced, written, seed);
      const { history } = node.publisher;
      if (previous !== undefined) expect(history.past ?? [], `seed ${seed}`).toContain(previous);
      previous = node.opened.content === undefined ? previous : history.id;
      for (let at = 0; !isOver; at += 1) {
        const number = life * 1_000 + at;
        const key = `key ${number % KEYS}`;
        written.set(key, number);
        const isSynced = node.set(key, `${number} ${'x'.repeat(random.below(400))}`);
        if (random.chance(0.02)) node.data.makeBase().catch(() => {});
        if (always || random.chance(0.1)) {
          if (await isSynced) synced.set(key, number);
        } else await new Promise(setImmediate);
      }
    };
    await Promise.race([crashed, run()]);
    previous = undefined;
  }
  const node = await DataNode.start({ files });
  check(node, synced, written, seed);
  await node.stop();
}

function check(
  { engine }: DataNode,
  synced: ReadonlyMap<string, number>,
  written: Map<string, number>,
  seed: number,
): void {
  engine.kernel.invariants();
  for (const [key, last] of written) {
    const found = engine.get(key)?.toString();
    const [number = '-1', rest = ''] = found?.split(' ') ?? [];
    const what = `seed ${seed}: ${key}`;
    expect(/^x*$/.test(rest), what).toBe(true);
    expect(Number(number), what).toBeGreaterThanOrEqual(synced.get(key) ?? -1);
    expect(Number(number), what).toBeLessThanOrEqual(last);
    if (found === undefined) written.delete(key);
    else written.set(key, Number(number));
  }
}

describe('an older manifest that is put back', () => {
  it('has what it does not name put aside, with its index, and named', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files, segmentBytes: 1_000_000 });
    await first.set('key', 'old');
    await first.stop();
    const older = Buffer.from(files.bytesOf('manifest')!);
    const second = await DataNode.start({ files, segmentBytes: 1_000_000 });
    await second.set('key', 'new');
    await second.data.makeBase();
    await second.stop();
    const [segment, base] = [files.bytesOf(segmentName(2))!, files.bytesOf(baseName(1))!];
    files.damage('manifest', () => older);
    const third = await DataNode.start({ files });
    expect(third.engine.get('key')?.toString()).toBe('old');
    for (const [name, bytes] of [
      [segmentName(2), segment],
      [baseName(1), base],
    ] as const) {
      const aside = `${name}.aside-1`;
      expect(files.bytesOf(aside)).toEqual(bytes);
      expect(files.bytesOf(`${aside}.idx`)?.length).toBeGreaterThan(0);
      expect(third.opened.notes.join()).toContain(`${files.pathOf(name)} is not what the manifest counts`);
    }
    await third.stop();
  });

  it('is asked for where it is missing and there are frames', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files, segmentBytes: 1_000_000 });
    await first.set('key', 'value');
    await first.stop();
    await files.remove('manifest');
    await expect(DataNode.start({ files })).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
  });
});

describe('damage', () => {
  it('of what was synced stops the start with file and offset', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files, segmentBytes: 1_000_000 });
    for (let at = 0; at < 50; at += 1) await first.set(`key ${at}`, 'x'.repeat(200));
    await first.stop();
    const name = segmentName(1);
    files.damage(name, (bytes) => {
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      return bytes;
    });
    const error = await DataNode.start({ files }).catch((fault: FastcacheError) => fault);
    expect(error).toMatchObject({ code: 'DATA_DAMAGED', file: files.pathOf(name) });
    expect((error as FastcacheError).offset).toBeGreaterThan(0);
    files.damage(name, (bytes) => {
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      return bytes;
    });
    await (await DataNode.start({ files })).stop();
  });
});

describe('a disk that fails', () => {
  it('at any operation refuses nothing silently, and goes on when it is mended', async () => {
    for (let failAt = 1; failAt <= 120; failAt += Number(process.env.DATA_STEP ?? 7)) {
      const files = new LossyDisk();
      const node = await DataNode.start({ files });
      const from = files.operations + failAt;
      files.before = () => {
        if (files.operations >= from && files.operations < from + 5) throw new Error('EIO');
      };
      const synced = new Map<string, string>();
      for (let at = 0; files.operations < from + 5 || node.data.fault !== undefined; at += 1) {
        const [key, value] = [`key ${at % KEYS}`, `${at} ${'x'.repeat(200)}`];
        if (await node.set(key, value)) synced.set(key, value);
        await new Promise(setImmediate);
      }
      for (let at = 0; at < KEYS; at += 1) {
        const value = `last ${at}`;
        expect(await node.set(`key ${at}`, value)).toBe(true);
        synced.set(`key ${at}`, value);
      }
      files.crash(new RandomSource(failAt));
      const next = await DataNode.start({ files });
      for (const [key, value] of synced) expect(next.engine.get(key)?.toString()).toBe(value);
      await next.stop();
    }
  });
});

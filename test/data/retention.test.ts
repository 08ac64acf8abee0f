/** How much a data directory keeps, and when it makes bases. */
import { describe, expect, it } from 'vitest';
import { type Manifest, segmentName } from '../../src/data/manifest.js';
import { pruned } from '../../src/data/manifest-keeper.js';
import {
  BASE_PATTERN,
  isBaseDue,
  KEEP_PATTERN,
  keptBases,
  parseBaseRule,
  parseKeep,
} from '../../src/data/retention.js';
import { DataNode } from '../support/data-node.js';
import { contentOf } from '../support/engines.js';
import { LossyDisk } from '../support/lossy-disk.js';

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;
const history = '0'.repeat(32);

/** A base each hour, and behind each a segment of 10 MiB. */
const manifest: Manifest = {
  isClean: true,
  segments: [1, 2, 3, 4].map((number) => ({
    number,
    bytes: 10 * MIB,
    follows: number === 1 ? 'nothing' : 'segment',
    history,
    begunAtMs: number * HOUR_MS,
  })),
  bases: [1, 2, 3, 4].map((number) => ({
    number,
    bytes: 5 * MIB,
    segment: number,
    history,
    keys: 1,
    madeAtMs: number * HOUR_MS,
  })),
};

describe('--data-keep', () => {
  it.each([
    ['bases:2', { bases: 2 }],
    ['24h', { milliseconds: 24 * HOUR_MS }],
    ['90s', { milliseconds: 90_000 }],
    ['7d', { milliseconds: 168 * HOUR_MS }],
    ['200gb', { bytes: 200 * 1024 ** 3 }],
  ])('takes %s', (text, keep) => {
    expect(KEEP_PATTERN.test(text)).toBe(true);
    expect(parseKeep(text)).toEqual(keep);
  });

  it.each(['', '24', 'bases:0', '0h', '1gib', '-1d', 'forever'])('refuses "%s"', (text) => {
    expect(KEEP_PATTERN.test(text)).toBe(false);
  });

  it('keeps the base before the oldest moment of a time', () => {
    const kept = (hours: number, nowMs: number) =>
      keptBases(manifest, { milliseconds: hours * HOUR_MS }, nowMs);
    expect(kept(1, 4.5 * HOUR_MS)).toBe(2);
    expect(kept(2, 4.5 * HOUR_MS)).toBe(3);
    expect(kept(24, 4.5 * HOUR_MS)).toBe(4);
    expect(kept(1, 100 * HOUR_MS)).toBe(1);
  });

  it('keeps as many bases as have room with what follows them, and one in any case', () => {
    const kept = (mib: number) => keptBases(manifest, { bytes: mib * MIB }, 0);
    expect([1, 29, 30, 45, 1_000].map(kept)).toEqual([1, 1, 2, 3, 4]);
  });

  it('never drops what a kept base, or a reader, needs', () => {
    const numbersOf = (bases: number, heldFrom: number) =>
      pruned(manifest, bases, heldFrom).segments.map(({ number }) => number);
    expect(numbersOf(1, Infinity)).toEqual([4]);
    expect(numbersOf(2, Infinity)).toEqual([3, 4]);
    expect(numbersOf(1, 2)).toEqual([2, 3, 4]);
  });
});

describe('--data-base', () => {
  it('takes auto, never and a size', () => {
    const texts = ['auto', 'never', '1gb'];
    expect(texts.every((text) => BASE_PATTERN.test(text))).toBe(true);
    expect(texts.map(parseBaseRule)).toEqual(['auto', 'never', { bytes: 1024 ** 3 }]);
    expect(['', '0mb', '1h', 'often'].some((text) => BASE_PATTERN.test(text))).toBe(false);
  });

  it('says when one is due', () => {
    expect(isBaseDue('auto', 512 * MIB, 0)).toBe(false);
    expect(isBaseDue('auto', 513 * MIB, 0)).toBe(true);
    expect(isBaseDue('auto', 513 * MIB, 600 * MIB)).toBe(false);
    expect(isBaseDue('never', 1_000 * MIB, 0)).toBe(false);
    expect(isBaseDue({ bytes: MIB }, MIB, 70 * MIB)).toBe(true);
    expect(isBaseDue({ bytes: MIB }, MIB - 1, 0)).toBe(false);
  });
});

it('a directory makes bases at the size that is asked for, and keeps as many as that', async () => {
  const files = new LossyDisk();
  const rules = { base: { bytes: 10_000 }, keep: { bases: 1 } } as const;
  const node = await DataNode.start({ files, segmentBytes: 4_096, rules });
  for (let at = 0; at < 300; at += 1) await node.set(`key ${at % 20}`, `${at} ${'x'.repeat(300)}`);
  await node.data.makeBase().catch(() => {});
  const names = (await files.list()).filter((name) => name.endsWith('.fcrp'));
  const bases = names.filter((name) => name.startsWith('base'));
  expect(bases).toHaveLength(1);
  expect(Number(bases[0]!.slice(5, 13))).toBeGreaterThan(2);
  expect(names).not.toContain(segmentName(1));
  const content = contentOf(node.engine);
  await node.stop();
  const next = await DataNode.start({ files });
  expect(contentOf(next.engine)).toEqual(content);
  await next.stop();
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type FilterOptions, FrameFilter } from '../../../src/dump/choose/filter.js';
import { encodeBatch } from '../../../src/frame/batch.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { type DecodedLine, decodeWith, parseLines, setRecord } from '../../support/decode-dumps.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-filter-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ALL = 'fixtures/golden/all.fcrp';

async function linesOf(options: Parameters<typeof decodeWith>[0], ...files: string[]) {
  const { text, status, faults } = await decodeWith(options, ...files);
  expect({ status, faults }).toEqual({ status: 0, faults: [] });
  return parseLines(text);
}

/** All lines, and what the filter should leave of them by the rule of the page. */
async function leftBy(chosen: (line: DecodedLine) => boolean): Promise<DecodedLine[]> {
  const all = await linesOf({}, ALL);
  const left: DecodedLine[] = [];
  let frame: DecodedLine | undefined;
  for (const line of all) {
    if (line.type === 'frame') frame = line;
    else if (chosen(line)) {
      if (frame !== undefined) left.push(frame);
      frame = undefined;
      left.push(line);
    }
  }
  return left;
}

describe('a filter on records', () => {
  const cases: [string, FilterOptions, (line: DecodedLine) => boolean][] = [
    ['--start', { start: 6n }, ({ sequence }) => BigInt(sequence as string) >= 6n],
    ['--end', { end: 2n }, ({ sequence }) => BigInt(sequence as string) <= 2n],
    [
      '--start and --end, past what a double holds',
      { start: 2n ** 64n - 1n, end: 2n ** 64n - 1n },
      ({ sequence }) => sequence === '18446744073709551615',
    ],
    [
      '--since',
      { sinceMs: 1_760_000_000_003n },
      ({ timestampMs }) => Number(timestampMs) >= 1_760_000_000_003,
    ],
    [
      '--until',
      { untilMs: 1_760_000_000_000n },
      ({ timestampMs }) => Number(timestampMs) <= 1_760_000_000_000,
    ],
    ['--shard', { shards: [1, 3] }, ({ shard }) => shard === 1 || shard === 3],
    ['--op', { ops: ['del', 'expire'] }, ({ op }) => op === 'del' || op === 'expire'],
    [
      'several',
      { ops: ['set'], shards: [0], keys: ['a*'] },
      ({ op, shard, key }) => op === 'set' && shard === 0 && `${key}`.startsWith('a'),
    ],
  ];

  it.each(cases)('%s leaves those records, their frames, and no entries', async (_name, options, chosen) => {
    const expected = await leftBy((line) => line.type === 'record' && chosen(line));
    expect(expected.length).toBeGreaterThan(0);
    expect(await linesOf({ filter: new FrameFilter(options) }, ALL)).toEqual(expected);
  });

  it('--key chooses entries as well, by the globs of Redis, byte by byte', async () => {
    const expected = await leftBy(({ key }) => /^(snap:1[0-4]|alpha)$/.test(`${key}`));
    expect(expected.some(({ type }) => type === 'entry')).toBe(true);
    expect(await linesOf({ filter: new FrameFilter({ keys: ['snap:1[0-4]', 'alph?'] }) }, ALL)).toEqual(
      expected,
    );
    const item = { ...setRecord({ key: Buffer.of(0xff, 0) }), offset: 0, keyTag: 0n, governance: undefined };
    const binary = { ...item, key: Buffer.of(0xff, 0), value: Buffer.of() };
    expect(new FrameFilter({ keys: ['??'] }).showsItem(binary)).toBe(true);
    expect(new FrameFilter({ keys: ['?'] }).showsItem(binary)).toBe(false);
  });

  it('that nothing passes shows nothing, and that is no fault', async () => {
    expect(await linesOf({ filter: new FrameFilter({ keys: ['no such key'] }) }, ALL)).toEqual([]);
  });
});

describe('a filter on kinds', () => {
  it('shows those frames with all that they hold', async () => {
    const lines = await linesOf({ filter: new FrameFilter({ kinds: ['Ack', 'SnapshotEnd'] }) }, ALL);
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(['Ack', 'SnapshotEnd']));
    const chunks = await linesOf({ filter: new FrameFilter({ kinds: ['SnapshotChunk'] }) }, ALL);
    expect(new Set(chunks.map(({ type }) => type))).toEqual(new Set(['frame', 'entry']));
  });
});

describe('filters that nothing can pass', () => {
  it.each<[FilterOptions, string]>([
    [{ start: 2n, end: 1n }, '`start` is above `end`.'],
    [{ sinceMs: 2n, untilMs: 1n }, '`sinceMs` is later than `untilMs`.'],
    [{ kinds: ['SnapshotChunk'], ops: ['set'] }, 'add MutationBatch to `kinds`'],
    [{ kinds: ['Hello'], keys: ['*'] }, 'Only MutationBatch and SnapshotChunk'],
  ])('%o are refused', (options, message) => {
    expect(() => new FrameFilter(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(message) }),
    );
  });

  it('but a range of one, and keys of chunks, are not', () => {
    expect(() => new FrameFilter({ start: 1n, end: 1n, sinceMs: 5n, untilMs: 5n })).not.toThrow();
    expect(() => new FrameFilter({ kinds: ['SnapshotChunk'], keys: ['*'] })).not.toThrow();
  });
});

describe('a fault', () => {
  it('is told although filters hide its frame', async () => {
    for (const options of [
      { filter: new FrameFilter({ kinds: ['Ack'] }) },
      { filter: new FrameFilter({ keys: ['none'] }) },
      { shows: 'frames' as const },
      { shows: 'faults' as const },
    ]) {
      const { text, status, faults } = await decodeWith(options, 'fixtures/hostile/batch-trailing.fcrp');
      expect(status).toBe(65);
      expect(faults).toMatchObject([{ code: 'FCRP_TRAILING_BYTES', offset: 81 }]);
      expect(parseLines(text).at(-1)).toMatchObject({ type: 'fault', offset: 81 });
    }
  });
});

describe('a limit', () => {
  it('counts records and entries over all files, and reads nothing behind the last', async () => {
    const whole = await linesOf({}, 'fixtures/golden/batch-plain.fcrp');
    expect(await linesOf({ limit: 3 }, 'fixtures/golden/batch-plain.fcrp')).toEqual(whole.slice(0, 4));
    const damaged = join(directory, 'damaged.fcrp');
    writeFileSync(
      damaged,
      Buffer.concat([readFileSync('fixtures/golden/batch-plain.fcrp'), Buffer.from('no frame')]),
    );
    expect((await linesOf({ limit: 7 }, damaged)).length).toBe(8);
    expect((await decodeWith({ limit: 8 }, damaged)).status).toBe(65);
    const two = await linesOf({ limit: 10 }, 'fixtures/golden/batch-plain.fcrp', ALL, 'fixtures/none.fcrp');
    expect(two.filter(({ type }) => type === 'record')).toHaveLength(10);
  });

  it('counts what passes the filter', async () => {
    const lines = await linesOf({ limit: 2, filter: new FrameFilter({ ops: ['expire'] }) }, ALL);
    expect(lines.map(({ type, op }) => op ?? type)).toEqual(['frame', 'expire', 'expire']);
  });

  it('counts frames where no records are shown', async () => {
    const frames = await linesOf({ limit: 4, shows: 'frames' }, ALL);
    expect(frames.map(({ type }) => type)).toEqual(['frame', 'frame', 'frame', 'frame']);
    const hellos = await linesOf({ limit: 2, filter: new FrameFilter({ kinds: ['Hello'] }) }, ALL);
    expect(hellos.map(({ kind }) => kind)).toEqual(['Hello', 'Hello']);
  });

  it('leaves the one document of --json whole', async () => {
    const { text } = await decodeWith({ limit: 3, format: 'json' }, 'fixtures/golden/batch-plain.fcrp', ALL);
    const { files } = JSON.parse(text);
    expect(files).toHaveLength(1);
    expect(files[0].frames[0].contents).toHaveLength(3);
  });
});

describe('what is shown', () => {
  it('can be frames alone', async () => {
    const frames = (await linesOf({}, ALL)).filter(({ type }) => type === 'frame');
    expect(await linesOf({ shows: 'frames' }, ALL)).toEqual(frames);
  });

  it('can be faults alone', async () => {
    for (const format of ['text', 'ndjson'] as const) {
      expect((await decodeWith({ format, shows: 'faults' }, ALL)).text).toBe('');
    }
  });

  it('stops at a frame that announces more than is allowed', async () => {
    const { status, faults } = await decodeWith(
      { maxPayloadBytes: 3426 },
      'fixtures/golden/batch-plain.fcrp',
    );
    expect(status).toBe(65);
    expect(faults).toMatchObject([{ code: 'FCRP_LENGTH_OVER_LIMIT', offset: 8, expected: 3426 }]);
    expect((await decodeWith({ maxPayloadBytes: 3427 }, 'fixtures/golden/batch-plain.fcrp')).status).toBe(0);
    expect((await decodeWith({ maxPayloadBytes: 3426 }, 'fixtures/golden/batch-zstd.fcrp')).status).toBe(65);
  });
});

describe('values', () => {
  const value = Buffer.from('6869ff00'.repeat(100), 'hex');
  const file = join(directory, 'values.fcrp');
  const records = [setRecord({ value }), setRecord({ sequence: 2n, value: Buffer.from('hi') })];
  writeFileSync(file, encodeFrame(FrameKind.MutationBatch, encodeBatch(records)));

  it.each([
    ['none', { valueBytes: 400 }, { valueBytes: 2 }],
    ['text', { valueBase64: value.toString('base64') }, { value: 'hi' }],
    ['hex', { valueHex: value.toString('hex') }, { valueHex: '6869' }],
    ['base64', { valueBase64: value.toString('base64') }, { valueBase64: 'aGk=' }],
  ] as const)('are shown as %s', async (values, binary, text) => {
    const [, first, second] = await linesOf({ values }, file);
    const shown = (line?: DecodedLine) =>
      Object.fromEntries(Object.entries(line ?? {}).filter(([name]) => name.startsWith('value')));
    expect(shown(first)).toEqual(binary);
    expect(shown(second)).toEqual(text);
  });

  it.each([
    ['none', '"k" = (400 bytes)', '"k" = (2 bytes)'],
    ['hex', `"k" = hex ${'6869ff00'.repeat(7)}6869… (400 bytes)`, '"k" = hex 6869 '],
    ['base64', `"k" = base64 ${value.toString('base64', 0, 45)}… (400 bytes)`, '"k" = base64 aGk= '],
  ] as const)('are cut in text as %s, with their lengths told', async (values, long, short) => {
    const { text } = await decodeWith({ values, format: 'text' }, file);
    expect(text).toContain(long);
    expect(text).toContain(short);
  });
});

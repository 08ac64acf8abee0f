import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/cli/command/values.js';
import { decodeOptions } from '../../../src/cli/frames/decode-flags.js';
import { decodeWith, parseLines } from '../../support/decode-dumps.js';

const ALL = 'fixtures/golden/all.fcrp';
const unpackr = new Unpackr({ int64AsType: 'bigint', useRecords: false });

async function mapsOf(options: Parameters<typeof decodeWith>[0], ...files: string[]) {
  const { bytes, status } = await decodeWith({ ...options, format: 'msgpack' }, ...files);
  return { maps: unpackr.unpackMultiple(bytes) as Record<string, unknown>[], status, bytes };
}

/** The line of NDJSON that says the same. */
function asLine(map: Record<string, unknown>): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(map)) {
    if (Buffer.isBuffer(value)) {
      const text = value.toString('utf8');
      if (Buffer.from(text).equals(value)) line[name] = text;
      else line[`${name}Base64`] = value.toString('base64');
    } else if (name === 'keyHash') line[name] = (value as bigint).toString(16).padStart(16, '0');
    else if (['keyTag', 'timestampMs', 'expireAtMs'].includes(name))
      line[name] = value === null ? null : Number(value);
    else if (typeof value === 'bigint') line[name] = value.toString();
    else if (name === 'watermarks') line[name] = (value as bigint[] | null)?.map(String) ?? null;
    else line[name] = value;
  }
  return line;
}

describe('msgpack', () => {
  it('says what NDJSON says, frame by frame and record by record', async () => {
    const { maps, status } = await mapsOf({}, ALL);
    expect(status).toBe(0);
    const lines = parseLines((await decodeWith({ format: 'ndjson' }, ALL)).text);
    expect(lines.length).toBeGreaterThan(1_000);
    expect(maps.map(asLine)).toEqual(lines);
    expect(maps.map((map) => Object.keys(asLine(map)))).toEqual(lines.map((line) => Object.keys(line)));
  });

  it('has u64 values as such, and bytes as they are', async () => {
    const { maps } = await mapsOf({}, 'fixtures/golden/batch-plain.fcrp');
    expect(maps[1]).toEqual({
      type: 'record',
      offset: 20,
      shard: 0,
      sequence: 1n,
      timestampMs: 1_760_000_000_001n,
      op: 'set',
      key: Buffer.from('alpha'),
      value: Buffer.from('one'),
      expireAtMs: null,
      keyHash: 0xbe6903b5f625ab5an,
      keyTag: 0xben,
    });
    expect(maps.at(-1)).toMatchObject({ sequence: 2n ** 64n - 1n });
  });

  it('is encoded as the specification of msgpack says', async () => {
    const { bytes } = await mapsOf({}, 'fixtures/golden/batch-plain.fcrp');
    const hex = bytes.toString('hex');
    const name = (text: string) => `${(0xa0 + text.length).toString(16)}${Buffer.from(text).toString('hex')}`;
    expect(hex.slice(0, 2)).toBe('87');
    expect(hex).toContain(`${name('key')}c405${Buffer.from('alpha').toString('hex')}`);
    expect(hex).toContain(`${name('value')}c50bb8${'78'.repeat(3000)}`);
    expect(hex).toContain(`${name('sequence')}d30000000000000001`);
    expect(hex).toContain(`${name('sequence')}cf${'ff'.repeat(8)}`);
    expect(hex).toContain(`${name('expireAtMs')}c0`);
  });

  it('names its files when there are several, and its faults', async () => {
    const { maps, status } = await mapsOf(
      { values: 'none' },
      'fixtures/golden/ack.fcrp',
      'fixtures/hostile/batch-trailing.fcrp',
    );
    expect(status).toBe(65);
    expect(maps.map(({ type }) => type)).toEqual(['file', 'frame', 'file', 'frame', 'record', 'fault']);
    expect(maps[4]).not.toHaveProperty('value');
    expect(maps[4]).toHaveProperty('valueBytes');
    expect(maps[5]).toMatchObject({ code: 'FCRP_TRAILING_BYTES', offset: 81 });
  });
});

const flags = {
  format: 'msgpack',
  values: 'text',
  frames: false,
  stats: false,
  follow: false,
  quiet: false,
  'max-frame': 1,
} as const;

describe('msgpack to a terminal', () => {
  const invocation = { files: ['f'], given: new Set<string>(), json: false, terminal: true };

  it('is refused with what to do', () => {
    expect(() => decodeOptions(flags, invocation)).toThrow(UsageError);
    expect(() => decodeOptions(flags, invocation)).toThrow('pipe it into a program or a file');
  });

  it('is no matter of pipes, of other formats, or of --json, which overrides it', () => {
    expect(decodeOptions(flags, { ...invocation, terminal: false }).format).toBe('msgpack');
    expect(decodeOptions({ ...flags, format: 'ndjson' }, invocation).format).toBe('ndjson');
    expect(decodeOptions(flags, { ...invocation, json: true }).format).toBe('json');
  });
});

describe('values in msgpack', () => {
  it('are bytes or lengths: no other form is taken', () => {
    const invocation = { files: ['f'], given: new Set<string>(), json: false, terminal: false };
    for (const values of ['hex', 'base64'] as const) {
      expect(() => decodeOptions({ ...flags, values }, invocation)).toThrow('takes text or none');
    }
    expect(decodeOptions({ ...flags, values: 'none' }, invocation).values).toBe('none');
  });
});

/** The kernel writes the same text of a frame at once as JSON.stringify makes of its items one by one. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/cli/terminal/json.js';
import { type ValueForm, valueForms } from '../../src/cli/terminal/text.js';
import { JsonLines } from '../../src/dump/json-lines.js';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';

const lines = new Map(valueForms.map((form) => [form, new JsonLines(form)]));

const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 9n, 10n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n),
  fc.integer({ min: 0, max: 63 }).map((bits) => 2n ** BigInt(bits)),
  fc
    .integer({ min: 0, max: 19 })
    .chain((power) => fc.constantFrom(10n ** BigInt(power), 10n ** BigInt(power) - 1n)),
);
/** Random bytes, text of all planes, and text with what is escaped, whole and cut anywhere. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
  fc
    .array(
      fc.constantFrom(
        ...'plain ascii of some length|"|\\|\b|\f|\n|\r|\t|\0|\x1f|\x7f|\x80|\x9f|\xa0|é|߿|ࠀ|\u061c|\u061b|\u200d|\u200e|\u200f|\u2010'.split(
          '|',
        ),
        ...'\u2027|\u2028|\u202e|\u202f|\u2065|\u2066|\u2069|\u206a|\ufefe|\ufeff|\uffff|\ud7ff|\ue000|𐀀|😀|\u{10ffff}'.split(
          '|',
        ),
      ),
      { maxLength: 12 },
    )
    .chain((texts) => {
      const whole = Buffer.from(texts.join(''));
      return fc.integer({ min: 0, max: whole.length }).map((end) => whole.subarray(0, end));
    }),
  fc.constantFrom(...['c080', 'eda080', 'f4908080', 'f0808080', 'e08080', 'c2', 'ff', '80'].map(fromHex)),
);

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

function number(value: bigint | null): unknown {
  return value !== null && value < 2n ** 53n ? Number(value) : value;
}

function member(name: string, value: Uint8Array, form: ValueForm): Record<string, unknown> {
  const buffer = Buffer.from(value);
  if (form === 'none') return { [`${name}Bytes`]: buffer.length };
  if (form === 'hex') return { [`${name}Hex`]: buffer.toString('hex') };
  if (form === 'base64' || !isUtf8(buffer)) return { [`${name}Base64`]: buffer.toString('base64') };
  return { [name]: buffer.toString() };
}

const record: fc.Arbitrary<MutationRecord> = fc.record({
  shard: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  sequence: u64,
  timestampMs: u64,
  op: fc.constantFrom('set', 'del', 'expire'),
  keyHash: u64,
  expireAtMs: fc.option(u64.filter((value) => value < 2n ** 64n - 1n)),
  key: bytes,
  value: bytes,
});

describe('lines of a whole frame', () => {
  it('of a batch are what JSON.stringify makes of its records', () => {
    const offsets = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 2 ** 32 });
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 5 }),
        fc.constantFrom(...valueForms),
        offsets,
        fc.boolean(),
        (records, form, offset, fixed) => {
          let at = offset + 4;
          const expected = records.map((fields) => {
            const { shard, sequence, timestampMs, op, keyHash, expireAtMs, key, value } = fields;
            const place = fixed ? offset : at;
            at += 53 + key.length + value.length;
            return `${toJson({
              type: 'record',
              offset: place,
              shard,
              sequence,
              timestampMs: number(timestampMs),
              op,
              ...member('key', key, 'text'),
              ...member('value', value, form),
              expireAtMs: number(expireAtMs),
              keyHash: keyHash.toString(16).padStart(16, '0'),
              keyTag: Number(keyHash >> 56n),
            })}\n`;
          });
          const kernel = lines.get(form)!;
          expect(kernel.openBatch(encodeBatch(records))).toBe(true);
          expect(Array.from(kernel.lines({ offset, fixed }), String).join('')).toBe(expected.join(''));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('of a chunk are what JSON.stringify makes of its entries, governance bytes included', () => {
    const entry = fc.record({
      key: bytes,
      value: bytes,
      governance: fc.option(bytes),
      expireAtMs: fc.option(u64.filter((value) => value < 2n ** 64n - 1n)),
    });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom(...valueForms),
        (entries, governed, form) => {
          const encoded = governed
            ? Buffer.concat([Buffer.from('GOV2'), ...entries.map(governedEntry)])
            : encodeSnapshotEntries(entries);
          const payload = encodeSnapshotChunk({
            chunkIndex: 0n,
            last: true,
            watermarks: [],
            entryCount: entries.length,
            entries: encoded,
          });
          const start = payload.length - encoded.length + (governed ? 4 : 0);
          let at = start;
          const expected = entries.map(({ key, value, governance, expireAtMs }) => {
            const place = at;
            const extra = governed ? 4 + (governance?.length ?? 0) : 0;
            at += 16 + key.length + value.length + extra;
            return `${toJson({
              type: 'entry',
              offset: place,
              ...member('key', key, 'text'),
              ...member('value', value, form),
              ...(governed && governance !== null ? member('governance', governance, form) : {}),
              expireAtMs: number(expireAtMs),
            })}\n`;
          });
          const kernel = lines.get(form)!;
          expect(kernel.openChunk(payload, start, entries.length, governed)).toBe(true);
          const text = Array.from(kernel.lines({ offset: 0, fixed: false }), String).join('');
          expect(text).toBe(expected.join(''));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('come in pieces where they are many, and not at all where a record is large or the payload malformed', () => {
    const kernel = lines.get('text')!;
    const controls = Buffer.alloc(100_000, 1);
    const fields = { shard: 0, timestampMs: 0n, op: 'set', keyHash: 0n, expireAtMs: null } as const;
    const records = Array.from({ length: 30 }, (_, index) => ({
      ...fields,
      sequence: BigInt(index),
      key: Buffer.from(`${index}`),
      value: controls,
    }));
    expect(kernel.openBatch(encodeBatch(records))).toBe(true);
    const pieces = Array.from(kernel.lines({ offset: 0, fixed: true }), String);
    expect(pieces.length).toBeGreaterThan(10);
    const parsed = pieces
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(parsed.map(({ key, value }) => [key, value.length])).toEqual(
      records.map((_, i) => [`${i}`, 100_000]),
    );

    const large = encodeBatch([{ ...records[0]!, value: Buffer.alloc(131_072) }]);
    expect(kernel.openBatch(large)).toBe(false);
    const sound = encodeBatch(records.slice(0, 1));
    expect(kernel.openBatch(Buffer.concat([sound, Buffer.from('x')]))).toBe(false);
    expect(kernel.openBatch(sound.subarray(0, -1))).toBe(false);
    expect(kernel.openBatch(Buffer.from([255, 255, 255, 255]))).toBe(false);
    expect(kernel.openBatch(Buffer.alloc(0))).toBe(false);
  });
});

function governedEntry({
  key,
  value,
  governance,
  expireAtMs,
}: {
  key: Uint8Array;
  value: Uint8Array;
  governance: Uint8Array | null;
  expireAtMs: bigint | null;
}): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(key.length);
  head.writeUInt32LE(value.length, 4);
  head.writeUInt32LE(governance?.length ?? 0xffff_ffff, 8);
  head.writeBigUInt64LE(expireAtMs ?? 2n ** 64n - 1n, 12);
  return Buffer.concat([head, key, value, governance ?? Buffer.alloc(0)]);
}

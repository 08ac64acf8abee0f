/** Status frames, the question and the answer, as `frames decode` shows them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unpackr } from 'msgpackr';
import { afterAll, expect, it } from 'vitest';
import { toJson } from '../../../src/cli/terminal/json.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeStatus } from '../../../src/status/status-payload.js';
import { decodeWith, parseLines } from '../../support/decode-dumps.js';
import { replicaReport, statusDocument } from '../../support/status-documents.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-status-'));
afterAll(() => rmSync(directory, { recursive: true }));

const document = statusDocument({ replicas: [replicaReport({ address: 'a\u001b[2J:1' })] });
const dump = join(directory, 'socket.fcrp');
writeFileSync(
  dump,
  Buffer.concat([
    encodeFrame(FrameKind.Status, Buffer.alloc(0)),
    encodeFrame(FrameKind.Status, encodeStatus(document)),
    encodeFrame(FrameKind.Status, encodeStatus(document), { compression: 'zstd' }),
  ]),
);

it('as NDJSON they are null and the document', async () => {
  const { text, status } = await decodeWith({ format: 'ndjson' }, dump);
  expect(status).toBe(0);
  const lines = parseLines(text);
  expect(lines.map(({ kind }) => kind)).toEqual(['Status', 'Status', 'Status']);
  const told = JSON.parse(toJson(document));
  expect(lines.map((line) => line.status)).toEqual([null, told, told]);
  expect(text).not.toContain('\u001b');
});

it('as msgpack they are the same, with numbers of 64 bits', async () => {
  const { bytes } = await decodeWith({ format: 'msgpack' }, dump);
  const maps = new Unpackr({ useRecords: false }).unpackMultiple(bytes) as Record<string, unknown>[];
  expect(maps.map((map) => map.status)).toEqual([null, document, document]);
});

it('as text they ask, and tell the beginning of their JSON', async () => {
  const { text } = await decodeWith({ format: 'text' }, dump);
  const lines = text.split('\n').filter((line) => line.includes('Status'));
  expect(lines[0]).toMatch(/0 bytes {2}asks$/);
  expect(lines[1]).toMatch(/\{"version":"0\.1\.0","role":"primary",.*… \([\d,]+ characters of JSON\)$/);
  expect(text).not.toContain('\u001b');
});

it('a damaged one is a fault with its place', async () => {
  const damaged = join(directory, 'damaged.fcrp');
  writeFileSync(damaged, encodeFrame(FrameKind.Status, Buffer.of(0x81, 0x01, 0x01)));
  const { status, faults } = await decodeWith({ format: 'ndjson' }, damaged);
  expect(status).toBe(65);
  expect(faults).toMatchObject([{ code: 'FCRP_STATUS_MALFORMED', offset: 17, file: damaged }]);
});

/** `data verify` on the directory of a server that drops old files meanwhile, which are then no faults. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runVerifyData } from '../../../src/cli/data/verify.js';
import { verifyContent } from '../../../src/cli/data/verify-content.js';
import type { Output } from '../../../src/cli/terminal/output.js';
import { systemClock } from '../../../src/clock.js';
import { baseName, encodeManifest, segmentName } from '../../../src/data/manifest.js';
import {
  dataManifest,
  hello,
  minutes,
  ofSecond,
  SECOND,
  snapshot,
  writeData,
} from '../../support/data-fixture.js';

let root: string;
let directory: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'fastcache-verify-'));
  directory = join(root, 'data');
  await writeData(directory);
});

afterEach(() => rmSync(root, { recursive: true }));

/** Does what a server does behind a new base: it names that one, and removes what is needed no more. */
function dropOld(): void {
  const bytes = Buffer.concat([hello(102, ofSecond), ...snapshot(102, { a: '3', b: '1', c: '3' })]);
  writeFileSync(join(directory, baseName(2)), bytes);
  const base = {
    number: 2,
    bytes: bytes.length,
    segment: 3,
    history: SECOND,
    keys: 3,
    madeAtMs: minutes(23),
  };
  const manifest = { ...dataManifest, segments: dataManifest.segments.slice(2), bases: [base] };
  writeFileSync(join(directory, 'manifest'), encodeManifest(manifest));
  for (const name of [segmentName(1), segmentName(2), baseName(1)]) rmSync(join(directory, name));
}

async function verify(afterFirst: () => void): Promise<{ status: number; text: string }> {
  const texts: string[] = [];
  const write = async (text: string) => {
    texts.push(text);
    if (texts.length === 1) afterFirst();
  };
  const status = await runVerifyData({
    directory,
    provesContent: false,
    json: false,
    output: { write } as unknown as Output,
    terminal: process.stderr,
    clock: systemClock,
  });
  return { status, text: texts.join('') };
}

it('a file that the server has removed meanwhile is no fault, and the content is that of its newer base', async () => {
  const { status, text } = await verify(dropOld);
  expect(text).toMatch(/segment-00000001\.fcrp: ok.*\nsegment-00000003\.fcrp: ok/);
  expect(text).toContain('ok, its files lead to its content');
  expect(status).toBe(0);
});

it('a file that is missing and that the manifest names still is a fault', async () => {
  const { status, text } = await verify(() => rmSync(join(directory, segmentName(2))));
  expect(text).toContain('There is no such file');
  expect(status).toBe(65);
});

it('content whose files are removed while they are applied is read again, from what the manifest then names', async () => {
  let isDropped = false;
  const content = await verifyContent(directory, false, () => {
    if (!isDropped) dropOld();
    isDropped = true;
  });
  expect(content.fault).toBeUndefined();
  expect(isDropped).toBe(true);
});

it('content of which a file stays missing is a fault', async () => {
  rmSync(join(directory, segmentName(2)));
  const { fault } = await verifyContent(directory, false, () => {});
  expect(fault?.file).toBe(join(directory, segmentName(2)));
});

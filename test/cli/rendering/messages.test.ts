/** Messages frames, as `frames decode` shows those of a connection: how many messages they bring. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeFrame } from '../../../src/frame/frame.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeMessages } from '../../../src/frame/messages.js';
import { decodeWith, parseLines } from '../../support/decode-dumps.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-messages-'));
afterAll(() => rmSync(directory, { recursive: true }));

const message = { channel: Buffer.from('channel'), payload: Buffer.from('secret'), isSharded: false };
const dump = join(directory, 'socket.fcrp');
writeFileSync(
  dump,
  encodeFrame(FrameKind.Messages, encodeMessages([message, { ...message, isSharded: true }])),
);

it('as JSON and as text they say how many there are', async () => {
  const { text: json } = await decodeWith({ format: 'ndjson' }, dump);
  expect(parseLines(json)).toMatchObject([{ kind: 'Messages', messages: 2 }]);
  const { text } = await decodeWith({ format: 'text' }, dump);
  expect(text).toMatch(/Messages .* {2}2 messages$/m);
  expect(text).not.toContain('secret');
});

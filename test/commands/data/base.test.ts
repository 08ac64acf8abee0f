/** `data base` asks a running server for a base, and waits until it is on the disk. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startPrimary } from '../../support/library.js';
import { startOddServer, stringReply } from '../../support/odd-server.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-base-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PASSWORD = 'a password that nobody guesses';
const passwordFile = join(directory, 'password');
writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });

it('makes a base, and says when it is whole', async () => {
  const data = join(directory, 'data');
  const primary = await startPrimary({ listen: ':0', data, password: PASSWORD });
  for (let at = 0; at < 1_000; at += 1) primary.set(`key ${at}`, 'value');
  const base = (...flags: string[]) =>
    runCommand(['data', 'base', primary.listenAddress!, '--password-file', passwordFile, ...flags]);
  const made = await base();
  expect([made.status, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toMatch(/^127\.0\.0\.1:\d+ has a new base, whole at \d{4}-.*Z \([\d,]+ ms\)\.\n$/);
  expect(readdirSync(data)).toContain('base-00000001.fcrp');
  const { stdout } = await base('--json');
  expect(JSON.parse(stdout)).toEqual({
    endpoint: primary.listenAddress,
    isMade: true,
    savedAtMs: expect.any(Number),
    durationMs: expect.any(Number),
  });
  expect(readdirSync(data)).toContain('base-00000002.fcrp');
  expect((await runCommand(['data', 'base', primary.listenAddress!])).status).toBe(77);
});

it('says why there can be none', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const { status, stderr } = await runCommand(['data', 'base', primary.listenAddress!]);
  expect([status, stderr]).toEqual([1, expect.stringContaining('--data DIR')]);
  expect((await runCommand(['data', 'base', '127.0.0.1:1'])).status).toBe(69);
});

it.each(['', 'rdb_last_save_time:-99999999999999\r\n', 'rdb_last_save_time:soon\r\n'])(
  'has no time of a base whose server does not say one: %j',
  async (time) => {
    const info = stringReply(`rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n${time}`);
    const server = await startOddServer((asked) => (asked.includes('BGSAVE') ? '+OK\r\n' : info));
    const { status, stdout } = await runCommand(['data', 'base', server]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/ has a new base, whole \(\d+ ms\)\.\n$/)]);
    expect(JSON.parse((await runCommand(['data', 'base', server, '--json'])).stdout)).toMatchObject({
      isMade: true,
      savedAtMs: null,
    });
  },
);

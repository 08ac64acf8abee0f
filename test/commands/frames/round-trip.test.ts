/**
 * A primary's dump leads to its key space, and a primary that starts from that records the same: by the
 * commands.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { eventually, FastcacheProcess } from '../../support/processes.js';
import { RespClient } from '../../support/resp-client.js';
import { runCommand } from '../../support/run-command.js';
import { Workload } from '../../support/workload.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-round-trip-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);
const servers = ['--bind', ':0', '--listen', ':0'];

async function stateOf(dump: string): Promise<string[]> {
  const { status, stdout } = await runCommand(['frames', 'state', dump]);
  expect(status).toBe(0);
  return stdout.trimEnd().split('\n').sort();
}

it('record, state, load and state come to the same', { timeout: 120_000 }, async () => {
  const [recorded, compact, again] = [place('recorded.fcrp'), place('compact.fcrp'), place('again.fcrp')];
  const primary = new FastcacheProcess(['primary', 'start', ...servers, '--record', recorded]);
  const { listen } = await primary.event('ready');
  const client = await RespClient.connect(String(listen));
  const workload = new Workload({ keys: 2_000, valueBytes: 100, seed: 6 });
  await workload.write(client, 20_000);
  // Keys that expire soon are gone by the newest record.
  await eventually(
    () => client.command('DBSIZE'),
    (keys) => keys === workload.expected.size,
  );
  await client.command('SET', 'last', 'x');
  client.close();
  await primary.kill('SIGTERM');

  const compacted = await runCommand([
    ...['frames', 'state', recorded, '--format', 'dump', '--compression', 'zstd', '-o', compact, '--json'],
  ]);
  const content = await stateOf(recorded);
  expect(JSON.parse(compacted.stdout)).toMatchObject({ keys: content.length, target: compact });
  expect(content.length).toBe(workload.expected.size + 1);
  expect(readFileSync(compact).length).toBeLessThan(readFileSync(recorded).length);
  expect(await stateOf(compact)).toEqual(content);

  const loading = ['primary', 'start', ...servers, '--shards', '8', '--load', compact, '--record', again];
  const second = new FastcacheProcess(loading);
  const { bind, loadedKeys } = await second.event('ready');
  expect(loadedKeys).toBe(content.length);
  const diff = await runCommand(['frames', 'diff', recorded, String(bind)]);
  expect(diff).toMatchObject({ status: 0 });
  expect(diff.stdout).toContain(`equal, ${content.length.toLocaleString('en-US')} keys`);
  await second.kill('SIGTERM');
  expect(await stateOf(again)).toEqual(content);
  expect((await runCommand(['frames', 'verify', again])).status).toBe(0);

  const damaged = await runCommand([
    'primary',
    'start',
    ...servers,
    '--load',
    'fixtures/golden/batch-plain.fcrp',
  ]);
  expect(damaged).toMatchObject({ status: 65, stdout: '' });
  expect(damaged.stderr).toContain('byte 85 of fixtures/golden/batch-plain.fcrp: ');
  expect((await runCommand(['primary', 'start', ...servers, '--load', place('none')])).status).toBe(66);
});

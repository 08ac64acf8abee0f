import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeWith } from '../support/optional-peers.js';
import { freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';
import { RustPrimary, rustPeer } from '../support/rust-peer.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-watermarks-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('watermarks', () => {
  it('of a dump are where its reader would stand, as a table', async () => {
    const { status, stdout } = await runCommand(['watermarks', 'fixtures/golden/all.fcrp', '--shards']);
    expect(status).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim().split(/ +/).join(' '))).toEqual([
      'fixtures/golden/all.fcrp dump history not known',
      '4 shards, 100 records',
      'shard watermark',
      '0 10',
      '1 20',
      '2 30',
      '3 40',
      '',
    ]);
  });

  it('of a dump without a snapshot are the highest of its records, as JSON', async () => {
    const { stdout } = await runCommand(['watermarks', 'fixtures/golden/batch-plain.fcrp', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      endpoints: [
        {
          endpoint: 'fixtures/golden/batch-plain.fcrp',
          role: 'dump',
          history: null,
          base: null,
          watermarks: ['18446744073709551615', '2', '4', '5'],
          replicas: [],
          backlog: null,
        },
      ],
    });
  });

  it('tell each endpoint that has none, and exit with the first fault', async () => {
    const port = await freePort();
    const endpoints = [
      `127.0.0.1:${port}`,
      'no/such.fcrp',
      'fixtures/hostile/op-0.fcrp',
      'fixtures/golden/ack.fcrp',
    ];
    const { status, stdout, stderr } = await runCommand(['watermarks', ...endpoints]);
    expect(status).toBe(69);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toContain('PRIMARY_UNREACHABLE');
    expect(stderr).toContain('no/such.fcrp: There is no such file.');
    expect(stderr).toContain('byte 40 of fixtures/hostile/op-0.fcrp');
    expect(stdout).toContain('fixtures/golden/ack.fcrp');
    const json = await runCommand(['watermarks', '--json', ...endpoints.slice(1)]);
    expect(json.status).toBe(66);
    expect(
      JSON.parse(json.stdout).endpoints.map((answer: { error?: { code: string } }) => answer.error?.code),
    ).toEqual(['NO_INPUT', 'FCRP_UNKNOWN_OP', undefined]);
  });

  it('warn of a token file that others may read, and refuse an empty one', async () => {
    const file = join(directory, 'token');
    const ask = async () => runCommand(['watermarks', 'fixtures/golden/ack.fcrp', '--token-file', file]);
    writeFileSync(file, 's3cret\n', { mode: 0o600 });
    expect(await ask()).toMatchObject({ status: 0, stderr: '' });
    chmodSync(file, 0o644);
    expect((await ask()).stderr).toContain('mode 0644');
    writeFileSync(file, '\n');
    expect(await ask()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('1 to 4096 bytes; it has 0'),
    });
    rmSync(file);
    expect((await ask()).status).toBe(66);
  });

  it('refuse what is no address', async () => {
    const { status, stderr } = await runCommand(['watermarks', 'localhost:70000']);
    expect(status).toBe(2);
    expect(stderr).toContain('expected host:port, [v6]:port or :port; got "localhost:70000"');
  });
});

describeWith(rustPeer, 'watermarks of a Rust primary', () => {
  it('come with its answer, and with its refusal of a token', async () => {
    const primary = await RustPrimary.start({ shards: 2, token: 's3cret', immediate: true });
    for (const key of ['a', 'b', 'c', 'd', 'e']) await primary.set(key, 'value');
    const asked = await runCommand(['watermarks', primary.address, '--json'], {
      env: { FASTCACHE_TOKEN: 's3cret' },
    });
    const [endpoint] = JSON.parse(asked.stdout).endpoints;
    expect(endpoint).toMatchObject({
      role: 'primary',
      history: null,
      base: null,
      replicas: [],
      backlog: null,
    });
    expect(endpoint.watermarks.map(BigInt)).toEqual(await primary.watermarks());
    expect(endpoint.watermarks.map(Number).reduce((sum: number, mark: number) => sum + mark)).toBe(5);
    const refused = await runCommand(['watermarks', primary.address]);
    expect(refused.status).toBe(77);
    expect(refused.stderr).toContain('TOKEN_REFUSED');
    await primary.kill();
  });
});

/** The handling of writes while the disk of a data directory fails (`--on-data-fault`). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { OnFault } from '../../src/resp/durability.js';
import { primaryConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { readiness } from '../../src/status/metrics/readiness.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-faults-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;

/** Starts a node on a disk of the test's, with a client. */
async function onDisk(onDataFault: OnFault) {
  const disk = new LossyDisk();
  const roleFile = join(directory, `role ${count++}`);
  const config = primaryConfig({
    bind: ':0',
    listen: ':0',
    data: 'disk',
    roleFile,
    onDataFault,
    fsync: 'always',
  });
  const files = { ...systemNodeSeams.files, openData: async () => disk };
  const node = await Node.start(config, { ...systemNodeSeams, files });
  onTestFinished(() => node.close().catch(() => {}));
  const connect = async () => {
    const client = await RespClient.connect(node.clientPorts!.address!);
    onTestFinished(() => client.close());
    return client;
  };
  return { disk, node, connect };
}

/** Has all syncs fail, and the node notice it. */
async function breaks({ disk, node, connect }: Awaited<ReturnType<typeof onDisk>>): Promise<void> {
  disk.before = (operation) => {
    if (operation === 'sync') throw new Error('ENOSPC: no space left on device, fdatasync');
  };
  const met = await (await connect()).command('SET', 'key', 'met').catch(() => 'closed');
  expect(String(met)).toBe(node.keeping.onFault === 'continue' ? '+OK' : 'closed');
  await eventually(
    () => node.keeping.fault,
    (fault) => fault !== undefined,
  );
}

async function mends({ disk, node }: Awaited<ReturnType<typeof onDisk>>): Promise<void> {
  disk.before = () => {};
  await eventually(
    () => node.keeping.fault,
    (fault) => fault === undefined,
  );
}

describe('while the disk fails', () => {
  it('read-only has writes refused as on a replica, and PING answered', async () => {
    const server = await onDisk('read-only');
    await breaks(server);
    const client = await server.connect();
    expect(String(await client.command('SET', 'key', 'value'))).toMatch(/^-READONLY/);
    expect(String(await client.command('PING'))).toBe('+PONG');
    expect(String(await client.command('GET', 'key'))).toBe('met');
    expect(readiness(server.node.report(), undefined).isReady).toBe(false);
    await mends(server);
    expect(String(await client.command('SET', 'key', 'value'))).toBe('+OK');
    expect(readiness(server.node.report(), undefined).isReady).toBe(true);
  });

  it('continue has writes taken, loudly, and kept once the disk is mended', async () => {
    const server = await onDisk('continue');
    await breaks(server);
    const client = await server.connect();
    expect(String(await client.command('SET', 'key', 'unkept'))).toBe('+OK');
    expect(String(await client.command('PING'))).toBe('+PONG');
    const { isReady, reason } = readiness(server.node.report(), undefined);
    expect([isReady, reason]).toEqual([true, expect.stringMatching(/nothing is kept: ENOSPC/)]);
    const info = String(await client.command('INFO', 'persistence'));
    expect(info).toMatch(/^aof_last_write_status:err\r$/m);
    expect(info).toMatch(/^data_fault:ENOSPC/m);
    await mends(server);
    expect(String(await client.command('INFO', 'persistence'))).toMatch(/^aof_last_write_status:ok\r$/m);
    await server.node.close();
    const config = primaryConfig({
      bind: ':0',
      listen: false,
      data: 'disk',
      roleFile: join(directory, 'role x'),
    });
    const files = { ...systemNodeSeams.files, openData: async () => server.disk };
    const again = await Node.start(config, { ...systemNodeSeams, files });
    onTestFinished(() => again.close());
    expect(again.engine.get('key')?.toString()).toBe('unkept');
  });

  it('stop ends the server', async () => {
    const server = await onDisk('stop');
    const stopped = new Promise<Error | undefined>((resolve) => {
      server.node.events.on('stopped', ({ error }) => resolve(error));
    });
    await breaks(server);
    expect(await stopped).toMatchObject({ code: 'WRITE_FAILED' });
    expect(String(await (await server.connect()).command('SET', 'key', 'value'))).toMatch(/^-MISCONF/);
  });

  it('CONFIG SET changes what becomes of writes, and when they are synced', async () => {
    const server = await onDisk('refuse');
    const client = await server.connect();
    const get = async (name: string) => String(await client.command('CONFIG', 'GET', name));
    expect(await get('on-data-fault')).toBe('on-data-fault,refuse');
    expect(await get('data-keep')).toBe('data-keep,bases:2');
    expect(await get('data-base')).toBe('data-base,auto');
    expect(String(await client.command('CONFIG', 'SET', 'data-keep', 'forever'))).toMatch(
      /^-ERR CONFIG SET failed .*argument must be a time such as 24h/,
    );
    expect(String(await client.command('CONFIG', 'SET', 'data-keep', '24H', 'data-base', 'never'))).toBe(
      '+OK',
    );
    expect(await get('data-keep')).toBe('data-keep,24h');
    await breaks(server);
    const other = await server.connect();
    expect(String(await other.command('SET', 'key', 'value'))).toMatch(/^-MISCONF/);
    expect(String(await other.command('CONFIG', 'SET', 'on-data-fault', 'continue'))).toBe('+OK');
    expect(String(await other.command('SET', 'key', 'value'))).toBe('+OK');
    await mends(server);
    const syncs = () => server.disk.operations;
    expect(String(await other.command('CONFIG', 'SET', 'appendfsync', 'no'))).toBe('+OK');
    const before = syncs();
    server.disk.before = (operation) => {
      if (operation === 'sync') throw new Error('nobody asks for a sync');
    };
    expect(String(await other.command('SET', 'key', 'unsynced'))).toBe('+OK');
    await eventually(syncs, (operations) => operations > before);
    expect(server.node.keeping.fault).toBeUndefined();
    server.disk.before = () => {};
  });
});

/** Every way to write is refused where writes are: a command, a script, a transaction, with scripts in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { OnFault } from '../../src/resp/durability.js';
import { primaryConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-refused-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function connectTo(node: Node): Promise<RespClient> {
  const client = await RespClient.connect(node.clientPorts!.address!);
  onTestFinished(() => client.close());
  return client;
}

/** Starts a server that was started read-only, or whose disk has failed. */
async function startRefusing(onDataFault: OnFault | undefined): Promise<RespClient> {
  const ports = { bind: ':0', listen: ':0' } as const;
  const disk = new LossyDisk();
  const files = { ...systemNodeSeams.files, openData: async () => disk };
  const roleFile = join(directory, `role ${onDataFault}`);
  const config =
    onDataFault === undefined
      ? primaryConfig({ ...ports, readOnly: true })
      : primaryConfig({ ...ports, data: 'disk', roleFile, onDataFault });
  const node = await Node.start(config, { ...systemNodeSeams, files });
  onTestFinished(() => node.close().catch(() => {}));
  if (onDataFault !== undefined) {
    const client = await connectTo(node);
    await client.command('SET', 'key', 'kept');
    disk.before = (operation) => {
      if (operation === 'append') throw new Error('ENOSPC: no space left on device, write');
    };
    await client.command('SET', 'other', 'met');
    await eventually(
      () => node.keeping.fault,
      (fault) => fault !== undefined,
    );
  }
  return connectTo(node);
}

const SCRIPT = "return redis.call('SET', KEYS[1], 'script')";

it.each([
  [undefined, 'READONLY'],
  ['read-only', 'READONLY'],
  ['refuse', 'MISCONF'],
  ['stop', 'MISCONF'],
] as const)(
  'a server that is read-only, or whose disk has failed (%s), answers %s',
  async (onDataFault, word) => {
    const client = await startRefusing(onDataFault);
    const ask = async (...args: string[]) => String(await client.command(...args));
    const before = await ask('DBSIZE');
    const value = await ask('GET', 'key');
    const sha = await ask('SCRIPT', 'LOAD', SCRIPT);
    const refused = new RegExp(`^-${word} `);
    for (const args of [
      ['SET', 'key', 'value'],
      ['GETDEL', 'key'],
      ['GETEX', 'key', 'EX', '1'],
      ['EXPIRE', 'key', '1'],
      ['COPY', 'key', 'copied'],
      ['RENAME', 'key', 'renamed'],
      ['RESTORE', 'restored', '0', 'value'],
      ['MOVE', 'key', '1'],
      ['SWAPDB', '0', '0'],
      ['SORT', 'key', 'STORE', 'sorted'],
      ['FLUSHALL'],
      ['MIGRATE', '127.0.0.1', '1', 'key', '0', '10'],
      ['EVAL', SCRIPT, '1', 'key'],
      ['EVALSHA', sha, '1', 'key'],
      ['EVAL', `#!lua\n${SCRIPT}`, '1', 'key'],
      ['EVAL', "return redis.pcall('FLUSHALL')", '0'],
    ]) {
      expect(await ask(...args), args.join(' ')).toMatch(refused);
    }
    await client.command('MULTI');
    expect(await ask('SET', 'key', 'value')).toMatch(refused);
    expect(await ask('EXEC')).toMatch(/^-EXECABORT/);
    await client.command('MULTI');
    await client.command('EVAL', SCRIPT, '1', 'key');
    const [inExec] = (await client.command('EXEC')) as unknown[];
    expect(String(inExec)).toMatch(refused);
    expect(await ask('EVAL', "return redis.call('GET', KEYS[1])", '1', 'key')).toBe(value);
    expect(await ask('DBSIZE')).toBe(before);
  },
);

/** WAITAOF: the writes that are on the disk here, and on those of replicas. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-waitaof-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newData = () => join(directory, String(count++));

describe('WAITAOF', () => {
  it('waits for the disk here and for those of replicas that keep what they have', async () => {
    const primary = await startPrimary({ listen: ':0', data: newData() });
    const client = await clientOf(primary.listenAddress);
    await client.command('SET', 'key', 'value');
    expect(await client.command('WAITAOF', '1', '0', '0')).toEqual([1, 0]);
    const keeping = await follow(primary.bindAddress, { data: newData() });
    const other = await follow(primary.bindAddress);
    await isCaughtUp({ primary, replica: keeping });
    await isCaughtUp({ primary, replica: other });
    await client.command('SET', 'key', 'other');
    // One keeps what it has within a second, the other never does.
    expect(await client.command('WAITAOF', '1', '1', '10000')).toEqual([1, 1]);
    expect(await client.command('WAITAOF', '1', '2', '50')).toEqual([1, 1]);
    expect(await client.command('WAIT', '2', '10000')).toBe(2);
  });

  it('counts replicas also where the primary keeps nothing', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const client = await clientOf(primary.listenAddress);
    const replica = await follow(primary.bindAddress, { data: newData(), fsync: 'always' });
    await isCaughtUp({ primary, replica });
    await client.command('SET', 'key', 'value');
    expect(await client.command('WAITAOF', '0', '1', '10000')).toEqual([0, 1]);
    expect(String(await client.command('WAITAOF', '1', '0', '0'))).toBe(
      '-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
    );
  });

  it('refuses as Redis 8.2 does', async () => {
    const primary = await startPrimary({ listen: ':0', data: newData() });
    const client = await clientOf(primary.listenAddress);
    const answers = async (...args: string[]) => String(await client.command('WAITAOF', ...args));
    const range = '-ERR value is out of range, value must between 0 and 1';
    expect(await answers('2', '0', '0')).toBe(range);
    expect(await answers('-1', '0', '0')).toBe(range);
    expect(await answers('a', '0', '0')).toBe('-ERR value is not an integer or out of range');
    expect(await answers('0', '-1', '0')).toBe('-ERR value is out of range, must be positive');
    expect(await answers('0', 'a', '0')).toBe('-ERR value is out of range, must be positive');
    expect(await answers('0', '0', '-1')).toBe('-ERR timeout is negative');
    expect(await answers('0', '0', 'a')).toBe('-ERR timeout is not an integer or out of range');
    expect(await answers('0')).toBe("-ERR wrong number of arguments for 'waitaof' command");
    expect(await answers('0', '1', '50')).toMatch(/^[01],0$/);
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const reader = await clientOf(replica.listenAddress);
    expect(String(await reader.command('WAITAOF', '0', '0', '0'))).toBe(
      '-ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just ' +
        'local and are not propagated.',
    );
  });

  it('does not wait in a transaction, nor in a script', async () => {
    const primary = await startPrimary({ listen: ':0', data: newData() });
    const client = await clientOf(primary.listenAddress);
    await client.command('MULTI');
    await client.command('WAITAOF', '1', '5', '0');
    const [[, replicas]] = (await client.command('EXEC')) as [[number, number]];
    expect(replicas).toBe(0);
    const script = "return redis.call('WAITAOF', '1', '5', '0')";
    expect(await client.command('EVAL', script, '0')).toEqual([expect.any(Number), 0]);
  });
});

describe('BGREWRITEAOF and SHUTDOWN SAVE', () => {
  it('save a base, which INFO shows', async () => {
    const data = newData();
    const primary = await startPrimary({ data, listen: ':0' });
    const client = await clientOf(primary.listenAddress);
    await client.command('SET', 'key', 'value');
    const field = async (name: string) =>
      new RegExp(`^${name}:(.*)\r$`, 'm').exec(String(await client.command('INFO', 'persistence')))?.[1];
    expect(await field('rdb_changes_since_last_save')).toBe('1');
    expect(String(await client.command('BGREWRITEAOF'))).toBe(
      '+Background append only file rewriting started',
    );
    await eventually(
      () => field('aof_rewrites'),
      (rewrites) => rewrites === '1',
    );
    expect(await field('aof_rewrite_in_progress')).toBe('0');
    expect(await field('aof_last_bgrewrite_status')).toBe('ok');
    expect(await field('rdb_changes_since_last_save')).toBe('0');
    expect(Number(await field('aof_base_size'))).toBeGreaterThan(0);
    expect(Number(await field('aof_current_size'))).toBeGreaterThan(Number(await field('aof_base_size')));
    await client.command('SET', 'key', 'other');
    expect(await field('rdb_changes_since_last_save')).toBe('1');
    const shut = new Promise<void>((resolve) => primary.on('shutdown', () => resolve()));
    client.command('SHUTDOWN', 'SAVE').catch(() => {});
    await shut;
    expect(await primary.metrics().emittedMutations).toBe(2);
  });

  it('are refused, and ignored, where nothing is kept', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const client = await clientOf(primary.listenAddress);
    expect(String(await client.command('BGREWRITEAOF'))).toMatch(/^-ERR This server saves nothing to disk/);
  });
});

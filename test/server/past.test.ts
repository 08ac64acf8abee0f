/** A look at what a data directory had at a moment (`--until`). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { clientOf, startPrimary } from '../support/library.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-past-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newData = () => join(directory, String(count++));

/** All files of a directory, with what they have. */
const stateOf = (data: string) =>
  readdirSync(data)
    .filter((name) => statSync(join(data, name)).isFile())
    .map((name) => [name, readFileSync(join(data, name), 'latin1')]);

const past = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a look at the past', () => {
  it('shows what was there then, beside a server that has the directory, and writes nothing', async () => {
    const data = newData();
    const primary = await startPrimary({ data, fsync: 'always', dataBase: 'never' });
    primary.set('key', 'first');
    primary.set('short', 'lived', { ttlMs: 60_000 });
    primary.flush();
    await past(30);
    const until = String(Date.now());
    await past(30);
    primary.set('key', 'second');
    primary.del('short');
    primary.flush();
    await past(100);
    const before = stateOf(data);
    const names = readdirSync(data);
    const look = await startPrimary({ data, until, readOnly: true, listen: ':0' });
    const client = await clientOf(look.listenAddress);
    expect(String(await client.command('GET', 'key'))).toBe('first');
    expect(String(await client.command('GET', 'short'))).toBe('lived');
    expect(String(await client.command('SET', 'key', 'value'))).toMatch(/^-READONLY/);
    expect(String(await client.command('CONFIG', 'GET', 'appendonly'))).toBe('appendonly,no');
    expect(() => look.set('key', 'value')).toThrow(/read/);
    await look.close();
    expect(readdirSync(data)).toEqual(names);
    expect(stateOf(data)).toEqual(before);
    primary.set('key', 'third');
    await primary.close();
    const next = await startPrimary({ data });
    expect(next.get('key')?.toString()).toBe('third');
  });

  it('is refused where there is nothing of that time, no directory, or no read-only', async () => {
    const data = newData();
    const primary = await startPrimary({ data });
    primary.set('key', 'value');
    await primary.close();
    const start = (options: object) =>
      Primary.start({ bind: ':0', listen: false, readOnly: true, ...options });
    await expect(start({ data, until: '2001-01-01' })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(start({ data: newData(), until: '2026-01-01' })).rejects.toMatchObject({ code: 'NO_INPUT' });
    await expect(start({ data, until: '2026-01-01', readOnly: false })).rejects.toThrow(/readOnly/);
    await expect(start({ until: '2026-01-01' })).rejects.toThrow(/data/);
    await expect(start({ data, until: '2026-02-30' })).rejects.toThrow(/time/);
  });
});

it('a server that is read-only refuses writes, and PING is answered', async () => {
  const server = await startPrimary({ readOnly: true, listen: ':0' });
  const client = await clientOf(server.listenAddress);
  expect(String(await client.command('SET', 'key', 'value'))).toMatch(/^-READONLY/);
  expect(String(await client.command('PING'))).toBe('+PONG');
  expect(await client.command('GET', 'key')).toBeNull();
});

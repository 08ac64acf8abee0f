/** A program's writes to a primary in its process, besides `set` and `del`. */
import { describe, expect, it } from 'vitest';
import { clientOf, follow, startPrimary } from '../support/library.js';

describe('a primary in a program', () => {
  it('sets many keys, or none when one of them is wrong', async () => {
    const primary = await startPrimary();
    primary.setMany(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
      { ttlMs: 60_000 },
    );
    expect([String(primary.get('a')), String(primary.get('b'))]).toEqual(['1', '2']);
    expect(primary.ttlMs('b')).toBeGreaterThan(1_000);
    const wrong = [
      ['c', '3'],
      ['d', 4],
    ] as unknown as [string, string][];
    expect(() => primary.setMany(wrong)).toThrow('value must be a string or a Uint8Array; it is 4.');
    expect(primary.has('c')).toBe(false);
  });

  it('compares and sets', async () => {
    const primary = await startPrimary();
    expect(primary.compareAndSet('key', 'none', 'first')).toBe(false);
    expect(primary.compareAndSet('key', undefined, 'first')).toBe(true);
    expect(primary.compareAndSet('key', undefined, 'second')).toBe(false);
    expect(primary.compareAndSet('key', 'first', 'second')).toBe(true);
    expect(String(primary.get('key'))).toBe('second');
  });

  it('increments as INCRBY does, and keeps the expiry', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const client = await clientOf(primary.listenAddress);
    expect(primary.increment('new')).toBe(1);
    primary.set('count', '40', { ttlMs: 60_000 });
    expect(primary.increment('count', 5)).toBe(45);
    expect(await client.command('INCRBY', 'count', '-3')).toBe(42);
    expect(primary.increment('count', -42)).toBe(0);
    expect(primary.ttlMs('count')).toBeGreaterThan(1_000);
    for (const value of ['1.5', 'x', '', ' 1', '1e3', '007', String(Number.MAX_SAFE_INTEGER)]) {
      primary.set('count', value);
      expect(() => primary.increment('count')).toThrow(expect.objectContaining({ code: 'NOT_AN_INTEGER' }));
      expect(String(primary.get('count'))).toBe(value);
    }
  });

  it('waits for replicas', async () => {
    const primary = await startPrimary();
    expect(await primary.wait(0)).toBe(0);
    const replica = await follow(primary.bindAddress);
    await replica.ready();
    primary.set('key', 'value');
    expect(await primary.wait(1, 50_000)).toBe(1);
    expect(String(replica.get('key'))).toBe('value');
    expect(await primary.wait(2, 1)).toBe(1);
  });

  it('ends a wait when it follows another node, and when it is closed', async () => {
    const primary = await startPrimary();
    const demoted = primary.wait(1).catch((error: { code: string }) => error.code);
    primary.follow((await startPrimary()).bindAddress);
    expect(await demoted).toBe('READ_ONLY');
    const second = await startPrimary();
    const closed = second.wait(1).catch((error: { code: string }) => error.code);
    await second.close();
    expect(await closed).toBe('CLOSED');
  });
});

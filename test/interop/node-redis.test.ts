/** node-redis on a primary of ours, cluster mode off, in both protocols. */
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { portOf } from '../support/embedded-pair.js';
import { eventually } from '../support/processes.js';

let primary: Primary;
let port: number;
beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  port = portOf(primary.listenAddress);
});
afterAll(() => primary.close());

describe('node-redis', () => {
  it.each([2, 3] as const)('writes, reads, watches and scans in RESP%i', async (RESP) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP, name: 'node-redis' });
    await client.connect();
    await client.flushAll();
    expect(await client.set('text', 'grüße', { expiration: { type: 'EX', value: 100 } })).toBe('OK');
    expect(await client.get('text')).toBe('grüße');
    expect(await client.ttl('text')).toBeGreaterThan(90);
    expect(await client.set('text', 'again', { condition: 'NX' })).toBe(null);
    expect(await client.getDel('text')).toBe('grüße');
    expect(await client.mSet({ one: '1', two: '2' })).toBe('OK');
    expect(await client.mGet(['one', 'nosuch', 'two'])).toEqual(['1', null, '2']);
    expect(await client.incrByFloat('one', 0.5)).toBe('1.5');
    expect(await client.multi().incr('two').get('two').exec()).toEqual([3, '3']);
    expect(await client.clientGetName()).toBe('node-redis');
    expect((await client.configGet('maxmemory')).maxmemory).toMatch(/^\d+$/);
    expect(await client.info('server')).toContain('redis_version:7.0.15');
    await expect(client.incr('one')).rejects.toThrow('ERR value is not an integer or out of range');
    const found: string[] = [];
    for await (const keys of client.scanIterator({ MATCH: '*o*', COUNT: 1 })) found.push(...keys);
    expect(found.sort()).toEqual(['one', 'two']);
    await client.close();
  });

  it('loses a transaction whose watched key another has changed', async () => {
    const [client, other] = [connectionTo(port), connectionTo(port)];
    await Promise.all([client.connect(), other.connect()]);
    await client.watch('contended');
    await other.set('contended', '1');
    await expect(client.multi().set('contended', '2').exec()).rejects.toThrow(
      'watched keys has been changed',
    );
    expect(await client.get('contended')).toBe('1');
    await Promise.all([client.close(), other.close()]);
  });

  it('comes back after it was cut off', async () => {
    const [client, other] = [connectionTo(port), connectionTo(port)];
    client.on('error', () => {});
    await Promise.all([client.connect(), other.connect()]);
    const id = await client.clientId();
    await other.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
    await eventually(
      () => client.ping().catch(() => ''),
      (answer) => answer === 'PONG',
    );
    expect(await client.clientId()).not.toBe(id);
    await Promise.all([client.close(), other.close()]);
  });
});

function connectionTo(to: number) {
  return createClient({ url: `redis://127.0.0.1:${to}` });
}

/** A replica in a program that writes to its primary over the Redis protocol. */
import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { clientOf, closesLater, startPrimary } from '../support/library.js';
import { freePort } from '../support/processes.js';

async function pair() {
  const primary = await startPrimary({ listen: ':0' });
  const writeTo = `redis://${primary.listenAddress}`;
  const replica = await Replica.follow(primary.bindAddress, { codec: 'json', writeTo });
  closesLater(replica);
  await replica.ready({ timeoutMs: 30_000 });
  return { primary, replica };
}

describe('replica.write', () => {
  it('writes to the primary, and reads what it has written', async () => {
    const { primary, replica } = await pair();
    const until = { until: 'applied' as const };
    await replica.write.set('user', { name: 'ada' }, until);
    expect(replica.get('user')).toEqual({ name: 'ada' });
    expect(String(primary.get('user'))).toBe('{"name":"ada"}');
    expect(await replica.write.increment('visits', 5, until)).toBe(5);
    expect(await replica.write.increment('visits', -2, until)).toBe(3);
    expect(replica.get('visits')).toBe(3);
    expect(await replica.write.expire('visits', Date.now() + 60_000, until)).toBe(true);
    expect(replica.ttlMs('visits')).toBeGreaterThan(1_000);
    expect(await replica.write.expire('visits', undefined, until)).toBe(true);
    expect(replica.ttlMs('visits')).toBe(Number.POSITIVE_INFINITY);
    await replica.write.set('short', 1, { ttlMs: 60_000, ...until });
    expect(replica.ttlMs('short')).toBeGreaterThan(1_000);
    expect(await replica.write.del('visits', until)).toBe(true);
    expect(await replica.write.del('visits', until)).toBe(false);
    expect(await replica.write.expire('visits', undefined)).toBe(false);
    expect(replica.has('visits')).toBe(false);
  });

  it('is answered in the order of the writes, however many are under way', async () => {
    const { primary, replica } = await pair();
    const sums = await Promise.all(Array.from({ length: 500 }, () => replica.write.increment('n')));
    expect(sums).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(String(primary.get('n'))).toBe('500');
  });

  it('connects again when its connection was lost', async () => {
    const { primary, replica } = await pair();
    await replica.write.set('first', 1);
    const client = await clientOf(primary.listenAddress);
    await client.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const second = replica.write.set('second', 2).catch((error: { code: string }) => error.code);
    // The loss is known, or the write meets it: then nobody knows whether it was carried out.
    expect([undefined, 'CONNECTION_LOST']).toContain(await second);
    await replica.write.set('third', 3);
    expect(String(primary.get('third'))).toBe('3');
  });

  it('says that a write is on the primary and not here yet', async () => {
    const { primary, replica } = await pair();
    replica.follow(`127.0.0.1:${await freePort()}`);
    const write = replica.write.set('key', 'there', { until: 'applied', timeoutMs: 50 });
    await expect(write).rejects.toMatchObject({ code: 'NOT_APPLIED' });
    expect(String(primary.get('key'))).toBe('"there"');
  });

  it('presents a password, and says which one is refused', async () => {
    const password = 'a-password-of-the-tests';
    const server = await startPrimary({ listen: ':0', password });
    const open = (secret: string) =>
      Replica.follow(server.bindAddress, { writeTo: `redis://:${secret}@${server.listenAddress}` });
    const right = await open(password);
    closesLater(right);
    await right.write.set('key', 'value');
    expect(String(server.get('key'))).toBe('value');
    const wrong = await open('another');
    closesLater(wrong);
    await expect(wrong.write.set('key', 'value')).rejects.toMatchObject({ code: 'PASSWORD_REFUSED' });
  });

  it('refuses a server that takes no writes, and gives its words where it refuses one', async () => {
    const { primary, replica } = await pair();
    const second = await Replica.follow(primary.bindAddress, { listen: ':0' });
    closesLater(second);
    await second.ready({ timeoutMs: 30_000 });
    const misled = await Replica.follow(primary.bindAddress, { writeTo: `redis://${second.listenAddress}` });
    closesLater(misled);
    await expect(misled.write.set('key', 'value')).rejects.toMatchObject({
      code: 'READ_ONLY',
      message: expect.stringContaining('writeTo'),
    });
    await replica.write.set('text', 'no number');
    await expect(replica.write.increment('text')).rejects.toMatchObject({ code: 'SERVER_REFUSED' });
  });

  it('refuses arguments that are none, and an address that is none', async () => {
    const { primary, replica } = await pair();
    await expect(replica.write.set(1 as never, 'value')).rejects.toThrow('key must be a string');
    await expect(replica.write.set('key', 1, { until: 'soon' as never })).rejects.toThrow("until must be '");
    await expect(replica.write.increment('key', 0.5)).rejects.toThrow('by must be a whole number');
    for (const writeTo of ['127.0.0.1:6380', 'redis://127.0.0.1:6380/3', 'rediss://127.0.0.1:6380']) {
      await expect(Replica.follow(primary.bindAddress, { writeTo })).rejects.toMatchObject({
        code: 'BAD_OPTION',
      });
    }
    const reader = await Replica.follow(primary.bindAddress);
    closesLater(reader);
    expect(() => reader.write).toThrow('follow() with `writeTo`');
  });

  it('ends with its replica', async () => {
    const { replica } = await pair();
    await replica.write.set('key', 'value');
    await replica.close();
    await expect(replica.write.set('key', 'value')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

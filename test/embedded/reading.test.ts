/** A program's reads of a node in its process, besides `get`. */
import { describe, expect, it, vi } from 'vitest';
import { Primary, primaryEvents, Replica } from '../../src/index.js';
import { clientOf, closesLater, follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';

describe('ready', () => {
  it('resolves at once on a primary, and on a replica when it has what its primary had', async () => {
    const primary = await startPrimary();
    await primary.ready();
    primary.set('before', 'it came');
    const replica = await follow(primary.bindAddress);
    await replica.ready({ timeoutMs: 50_000 });
    expect(String(replica.get('before'))).toBe('it came');
    await replica.ready({ timeoutMs: 0 });
  });

  it('ends with NOT_READY, with the reason of a signal, and with CLOSED', async () => {
    const replica = await follow(`127.0.0.1:${await freePort()}`);
    await expect(replica.ready({ timeoutMs: 1 })).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(
        /not ready after 1 ms\. It follows 127\.0\.0\.1:\d+, and its state is \w+/,
      ),
    });
    const controller = new AbortController();
    const waits = replica.ready({ signal: controller.signal });
    controller.abort(new Error('the program ends'));
    await expect(waits).rejects.toThrow('the program ends');
    await expect(replica.ready({ signal: controller.signal })).rejects.toThrow('the program ends');
    const untilClosed = replica.ready();
    const closed = expect(untilClosed).rejects.toMatchObject({ code: 'CLOSED' });
    await replica.close();
    await closed;
    await expect(replica.ready()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('waits for another primary that a client has given the replica', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await replica.ready();
    const client = await clientOf(replica.listenAddress);
    const port = await freePort();
    expect(await client.command('REPLICAOF', '127.0.0.1', String(port))).toBe('+OK');
    await expect(replica.ready({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'NOT_READY' });
    const waits = expect(replica.ready()).rejects.toMatchObject({ code: 'CLOSED' });
    await replica.close();
    await waits;
  });
});

describe('keys and entries', () => {
  it('come with a prefix, each once, whatever is written between them', async () => {
    const primary = await startPrimary();
    for (let i = 0; i < 3_000; i += 1) primary.set(`user:${i}`, `${i}`);
    primary.set('other', 'value');
    const seen: string[] = [];
    for (const key of primary.keys('user:')) {
      seen.push(key);
      primary.set(`user:${seen.length}`, 'again');
      primary.set(`more:${seen.length}`, 'between');
    }
    expect(seen).toHaveLength(3_000);
    expect(new Set(seen).size).toBe(3_000);
    expect([...primary.keys('oth')]).toEqual(['other']);
    expect([...primary.keys('none')]).toEqual([]);
    expect([...primary.keys()]).toHaveLength(primary.keyCount());
  });

  it('take a prefix as it is, and show keys that are no text where it is bytes', async () => {
    const primary = await startPrimary();
    const odd = Buffer.from([0x61, 0xff, 0x2a, 0x0d, 0x0a]);
    primary.set(odd, 'bytes');
    primary.set('a*b', 'star');
    primary.set('axb', 'no star');
    primary.set('a[1]?\\', 'special');
    expect([...primary.keys('a*')]).toEqual(['a*b']);
    expect([...primary.keys('a[1]?\\')]).toEqual(['a[1]?\\']);
    expect([...primary.keys(Buffer.from([0x61, 0xff]))]).toEqual([odd]);
    expect([...primary.entries(odd)]).toEqual([[odd, Buffer.from('bytes')]]);
  });

  it('leave out what is deleted before its turn', async () => {
    const primary = await startPrimary({ shards: 1 });
    for (let i = 0; i < 100; i += 1) primary.set(`key:${i}`, 'value');
    const entries = primary.entries('key:');
    const first = entries.next().value![0];
    for (let i = 0; i < 100; i += 1) if (`key:${i}` !== first) primary.del(`key:${i}`);
    expect([...entries]).toEqual([]);
  });
});

it('a node knows of keys, of many, and how long they live', async () => {
  const primary = await startPrimary();
  const nowMs = Date.now();
  const clock = vi.spyOn(Date, 'now').mockReturnValue(nowMs);
  primary.set('short', 'lived', { ttlMs: 1_500 });
  primary.set('long', 'lived');
  expect([primary.has('short'), primary.has('never')]).toEqual([true, false]);
  expect(primary.getMany(['long', 'never', 'short']).map((value) => value && String(value))).toEqual([
    'lived',
    undefined,
    'lived',
  ]);
  expect([primary.ttlMs('short'), primary.ttlMs('long'), primary.ttlMs('never')]).toEqual([
    1_500,
    Number.POSITIVE_INFINITY,
    undefined,
  ]);
  clock.mockReturnValue(nowMs + 1_500);
  expect([primary.has('short'), primary.ttlMs('short')]).toEqual([false, undefined]);
  clock.mockRestore();
});

it('a replica knows its lag', async () => {
  const primary = await startPrimary();
  const replica = await follow(primary.bindAddress);
  await replica.ready();
  expect(primary.lag()).toEqual({ ms: 0, isLive: true });
  expect(replica.lag()).toEqual({ ms: expect.any(Number), isLive: true });
  await primary.close();
  await eventually(
    () => replica.lag().isLive,
    (isLive) => !isLive,
  );
});

describe('listeners', () => {
  it('of caught-up that come late are called all the same, once each', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress);
    await replica.ready();
    const [on, once] = [vi.fn(), vi.fn()];
    replica.on('caught-up', on).once('caught-up', once);
    await Promise.resolve();
    expect(on.mock.calls).toEqual([[expect.objectContaining({ event: 'caught-up' })]]);
    expect(once).toHaveBeenCalledTimes(1);
  });

  it('that throw are the program’s own error, and disturb neither others nor the link', async () => {
    const primary = await startPrimary();
    const uncaught: unknown[] = [];
    const [standing] = process.listeners('uncaughtException').splice(0);
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const replica = await follow(primary.bindAddress);
      const other = vi.fn();
      for (const name of ['connecting', 'live', 'caught-up'] as const) {
        replica.on(name, () => {
          throw new Error(`of ${name}`);
        });
        replica.on(name, other);
      }
      await replica.ready();
      await eventually(
        () => uncaught.length,
        (count) => count === 3,
      );
      expect(uncaught.map(String)).toEqual(['Error: of connecting', 'Error: of live', 'Error: of caught-up']);
      expect(other).toHaveBeenCalledTimes(3);
      primary.set('key', 'value');
      await eventually(
        () => replica.has('key'),
        (has) => has,
      );
    } finally {
      process.removeAllListeners('uncaughtException');
      if (standing !== undefined) process.on('uncaughtException', standing);
    }
  });

  it('are taken back', async () => {
    const primary = await startPrimary();
    const replica = await Replica.follow(primary.bindAddress);
    const listener = vi.fn();
    replica.on('stopped', listener).off('stopped', listener);
    const once = vi.fn();
    replica.once('stopped', once);
    await replica.close();
    await replica.close();
    expect(listener).not.toHaveBeenCalled();
    expect(once).toHaveBeenCalledTimes(1);
  });
});

it('a node that leaves its scope is closed', async () => {
  const primary = await Primary.start({ bind: ':0', listen: false });
  await primary[Symbol.asyncDispose]();
  expect(() => primary.set('key', 'value')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  expect(primary.get('key')).toBeUndefined();
});

it('arguments that are none are TypeErrors that name them', async () => {
  const primary = await Primary.start({ bind: ':0', listen: false });
  closesLater(primary);
  const wrong = (call: (primary: never) => unknown, message: string) =>
    expect(() => call(primary as never)).toThrow(new TypeError(message));
  type Any = Record<string, (...args: unknown[]) => unknown>;
  wrong((p: Any) => p.get!(5), 'key must be a string or a Uint8Array; it is 5.');
  wrong((p: Any) => p.has!(null), 'key must be a string or a Uint8Array; it is null.');
  wrong((p: Any) => p.set!('key', {}), 'value must be a string or a Uint8Array; it is an object.');
  wrong((p: Any) => p.set!('key', 'v', { ttlMs: 0 }), 'ttlMs must be a number above 0; it is 0.');
  wrong(
    (p: Any) => p.set!('key', 'v', { ttlMs: 1, expireAtMs: 2 }),
    'ttlMs and expireAtMs both say when a key expires; give one.',
  );
  wrong((p: Any) => p.expire!('key', 'soon'), 'expireAtMs must be a number of milliseconds; it is "soon".');
  wrong((p: Any) => p.increment!('key', 0.5), 'by must be a whole number; it is 0.5.');
  wrong((p: Any) => p.wait!(-1), 'replicas must be a whole number from 0 on; it is -1.');
  wrong(
    (p: Any) => p.on!('closed', () => {}),
    `There is no event "closed"; there are ${primaryEvents.join(', ')}.`,
  );
  wrong((p: Any) => p.on!('log', 'print'), 'listener must be a function; it is "print".');
});

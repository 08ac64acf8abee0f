/** `for await (const change of node.changes())`. */
import { describe, expect, it } from 'vitest';
import { type KeyChange, Primary, Replica } from '../../src/index.js';
import { closesLater, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

type Stream<Value> = AsyncIterableIterator<KeyChange<Value>>;

async function take<Value>(stream: Stream<Value>, count: number): Promise<KeyChange<Value>[]> {
  const changes: KeyChange<Value>[] = [];
  while (changes.length < count) changes.push((await stream.next()).value);
  return changes;
}

describe('the changes', () => {
  it('of a replica come in order, each when the replica has it', async () => {
    const primary = await Primary.start({ bind: ':0', listen: false, codec: 'json' });
    const replica = await Replica.follow(primary.bindAddress, { codec: 'json' });
    for (const node of [primary, replica]) closesLater(node);
    await replica.ready();
    const stream = replica.changes();
    const expireAtMs = Date.now() + 600_000;
    primary.set('a', { n: 1 }, { expireAtMs });
    primary.set('b', 2);
    primary.expire('a', undefined);
    primary.del('b');
    expect(await take(stream, 4)).toEqual(
      expect.arrayContaining([
        { type: 'set', key: 'a', value: { n: 1 }, expireAtMs },
        { type: 'set', key: 'b', value: 2, expireAtMs: undefined },
        { type: 'expire', key: 'a', expireAtMs: undefined },
        { type: 'delete', key: 'b' },
      ]),
    );
    primary.set('a', 5);
    const [change] = await take(stream, 1);
    expect(change).toMatchObject({ key: 'a', value: 5 });
    expect(replica.get('a')).toBe(5);
  });

  it('may be those of a prefix, and have keys as bytes', async () => {
    const primary = await startPrimary({ shards: 1 });
    const texts = primary.changes({ prefix: 'user:' });
    const bytes = primary.changes({ prefix: Buffer.from([0xff]) });
    for (const key of ['other', 'user:1', 'use', Buffer.from([0xff, 1]), 'user:2']) primary.set(key, 'value');
    expect((await take(texts, 2)).map((change) => 'key' in change && change.key)).toEqual([
      'user:1',
      'user:2',
    ]);
    expect((await bytes.next()).value).toMatchObject({ key: Buffer.from([0xff, 1]) });
  });

  it('say that the content was replaced, and come through promotion and demotion', async () => {
    const primary = await startPrimary();
    const other = await startPrimary({ shards: 2 });
    other.set('old', 'of the other');
    const replica = await follow(primary.bindAddress);
    await replica.ready();
    const stream = replica.changes();
    replica.follow(other.bindAddress);
    expect(await take(stream, 1)).toEqual([{ type: 'replaced' }]);
    other.set('new', 'of the other');
    expect(await take(stream, 1)).toMatchObject([{ type: 'set', key: 'new' }]);

    const server = await startPrimary();
    const written = server.changes();
    server.set('one', '1');
    expect(await take(written, 1)).toMatchObject([{ key: 'one' }]);
    server.follow(other.bindAddress);
    expect(await take(written, 1)).toEqual([{ type: 'replaced' }]);
    other.set('two', '2');
    expect(await take(written, 1)).toMatchObject([{ key: 'two' }]);
    server.promote();
    server.set('three', '3');
    expect(await take(written, 1)).toMatchObject([{ key: 'three' }]);
  });

  it('that a program takes slowly are not lost, and hold back no more than they must', async () => {
    const primary = await startPrimary({ shards: 1 });
    const [slow, quick] = [await follow(primary.bindAddress), await follow(primary.bindAddress)];
    await Promise.all([slow.ready(), quick.ready()]);
    const stream = slow.changes();
    const count = 20_000;
    for (let i = 0; i < count; i += 1) {
      primary.set(`key:${i}`, 'value');
      if (i % 500 === 0) await new Promise(setImmediate);
    }
    await eventually(
      () => quick.keyCount(),
      (keys) => keys === count,
    );
    const changes = await take(stream, count);
    expect(changes.map((change) => 'key' in change && change.key)).toEqual(
      Array.from({ length: count }, (_, i) => `key:${i}`),
    );
  });

  it('that a program takes slowly are bounded in bytes too', async () => {
    const primary = await startPrimary({ shards: 1 });
    const [slow, quick] = [await follow(primary.bindAddress), await follow(primary.bindAddress)];
    await Promise.all([slow.ready(), quick.ready()]);
    const stream = slow.changes();
    const count = 64;
    const value = Buffer.alloc(512 * 1024);
    for (let i = 0; i < count; i += 1) {
      primary.set(`key:${i}`, value);
      await new Promise(setImmediate);
    }
    await eventually(
      () => quick.keyCount(),
      (keys) => keys === count,
    );
    expect(slow.keyCount()).toBeLessThan(count);
    expect(await take(stream, count)).toHaveLength(count);
  });

  it('end with a break, with the node, and with the reason of a signal', async () => {
    const primary = await Primary.start({ bind: ':0', listen: false });
    const changes = primary.changes();
    primary.set('now', '1');
    for await (const change of changes) {
      expect(change).toMatchObject({ key: 'now' });
      break;
    }
    const controller = new AbortController();
    const aborted = primary.changes({ signal: controller.signal });
    const waiting = expect(aborted.next()).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await waiting;
    expect(await aborted.next()).toEqual({ done: true, value: undefined });
    expect(() => primary.changes({ signal: controller.signal })).toThrow('enough');
    const until = primary.changes();
    const waits = until.next();
    primary.set('last', '1');
    await primary.close();
    expect((await waits).value).toMatchObject({ key: 'last' });
    expect(await until.next()).toEqual({ done: true, value: undefined });
  });

  it('that a codec cannot decode are a fault of the changes alone', async () => {
    const primary = await startPrimary();
    const replica = await Replica.follow(primary.bindAddress, { codec: 'json' });
    closesLater(replica);
    await replica.ready();
    const stream = replica.changes();
    primary.set('key', 'no JSON');
    await expect(stream.next()).rejects.toThrow(SyntaxError);
    primary.set('key', '5');
    await eventually(
      () => String(replica.has('key') && replica.state?.name),
      (state) => state === 'live',
    );
    expect(() => replica.changes({ prefix: 5 as never })).toThrow(TypeError);
  });
});

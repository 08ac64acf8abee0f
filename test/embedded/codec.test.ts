/** Values through a codec, and those that are kept decoded. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Codec, Primary, Replica } from '../../src/index.js';
import { closesLater } from '../support/library.js';
import { eventually } from '../support/processes.js';

const AT = { bind: ':0', listen: false } as const;

describe('a codec', () => {
  it('makes texts, JSON, msgpack or what a program makes of values', async () => {
    const text = await Primary.start({ ...AT, codec: 'text' });
    const json = await Primary.start({ ...AT, codec: 'json' });
    const msgpack = await Primary.start({ ...AT, codec: 'msgpack' });
    const dates: Codec<Date> = {
      encode: (date) => date.toISOString(),
      decode: (bytes) => new Date(Buffer.from(bytes).toString()),
    };
    const own = await Primary.start({ ...AT, codec: dates });
    for (const node of [text, json, msgpack, own]) closesLater(node);
    text.set('key', 'grüße');
    json.set('key', { list: [1, 'two', null] });
    msgpack.set('key', { bytes: Buffer.from([1, 2]), big: 2n ** 60n });
    own.set('key', new Date(5));
    const read: string | undefined = text.get('key');
    expect(read).toBe('grüße');
    expect(json.get('key')).toEqual({ list: [1, 'two', null] });
    expect(msgpack.get('key')).toEqual({ bytes: Buffer.from([1, 2]), big: 2n ** 60n });
    expect(own.get('key')?.getTime()).toBe(5);
    expect([...json.entries()]).toEqual([['key', { list: [1, 'two', null] }]]);
    expect(json.compareAndSet('key', { list: [1, 'two', null] }, 'other')).toBe(true);
    expect(() => json.set('key', undefined)).toThrow('JSON has no form for undefined.');
    expect(() => text.set('key', 5 as never)).toThrow(
      'value must be a string, as the codec is text; it is 5.',
    );
  });

  it('that is none is refused', async () => {
    await expect(Replica.follow('127.0.0.1:1', { codec: 'yaml' as never })).rejects.toThrow(
      'codec must be one of bytes, text, json, msgpack, or have encode() and decode(); it is "yaml".',
    );
    await expect(Primary.start({ ...AT, codecs: 'json' } as never)).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  });
});

describe('a decoded value', () => {
  /** A codec that counts what it decodes. */
  function counting(): Codec<{ value: string }> & { decode: ReturnType<typeof vi.fn> } {
    return {
      encode: ({ value }) => value,
      decode: vi.fn((bytes: Uint8Array) => ({ value: Buffer.from(bytes).toString() })),
    };
  }

  it('is decoded once while it stays, whatever happens to others, and is frozen', async () => {
    const codec = counting();
    const primary = await Primary.start({ ...AT, codec });
    closesLater(primary);
    primary.set('key', { value: 'one' });
    const first = primary.get('key');
    for (let i = 0; i < 100; i += 1) {
      primary.set('other', { value: String(i) });
      expect(primary.get('key')).toBe(first);
    }
    expect(codec.decode).toHaveBeenCalledTimes(1);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('is never another than the store has', async () => {
    const primary = await Primary.start({ ...AT, shards: 2, codec: counting() });
    closesLater(primary);
    const nowMs = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(nowMs);
    const keys = ['a', 'b', 'c'];
    const act = fc.record({
      key: fc.constantFrom(...keys),
      what: fc.constantFrom('set', 'del', 'expire', 'wait', 'persist', 'clear'),
      value: fc.constantFrom('x', 'y', ''),
    });
    let laterMs = 0;
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        for (const key of keys) primary.del(key);
        for (const { key, what, value } of acts) {
          if (what === 'set') primary.set(key, { value }, value === '' ? { ttlMs: 5 } : {});
          else if (what === 'del') primary.del(key);
          else if (what === 'expire') primary.expire(key, nowMs + laterMs + 3);
          else if (what === 'persist') primary.expire(key, undefined);
          else if (what === 'wait') clock.mockReturnValue(nowMs + (laterMs += 2));
          else for (const one of primary.keys()) primary.del(one);
          for (const one of keys) {
            // Read as bytes, a key is read from the store.
            expect(primary.get(one)).toEqual(primary.get(Buffer.from(one)));
          }
        }
      }),
    );
    clock.mockRestore();
  });

  it('of a replica follows its primary, through snapshots too', async () => {
    const primary = await Primary.start({ ...AT, codec: 'json' });
    const other = await Primary.start({ ...AT, codec: 'json' });
    const replica = await Replica.follow(primary.bindAddress, { codec: 'json', reconnectBackoffMs: 10 });
    for (const node of [primary, other, replica]) closesLater(node);
    primary.set('key', { n: 1 });
    other.set('key', { n: 3 });
    const becomes = (n: number) =>
      eventually(
        () => (replica.get('key') as { n: number } | undefined)?.n,
        (found) => found === n,
      );
    await becomes(1);
    primary.set('key', { n: 2 });
    await becomes(2);
    replica.follow(other.bindAddress);
    await becomes(3);
  });
});

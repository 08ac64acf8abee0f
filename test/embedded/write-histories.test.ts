/** A replica that writes to its primary and waits for the write, while histories begin and end. */
import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../src/embedded/applied-waits.js';
import { type Primary, Replica } from '../../src/index.js';
import type { History } from '../../src/replication/history.js';
import { clientOf, closesLater, follow, startPrimary } from '../support/library.js';
import { freePort } from '../support/processes.js';

const APPLIED = { until: 'applied', timeoutMs: 60_000 } as const;
const ids = { first: 'a'.repeat(32), second: 'b'.repeat(32), third: 'c'.repeat(32) };

/** A replica that writes to `primary`, and takes clients and replicas itself. */
async function writer(primary: Primary) {
  const writeTo = `redis://${primary.listenAddress}`;
  const replica = await Replica.follow(primary.bindAddress, {
    writeTo,
    reconnectBackoffMs: 10,
    bind: ':0',
    listen: ':0',
  });
  closesLater(replica);
  await replica.ready({ timeoutMs: 30_000 });
  return replica;
}

async function nowhere(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

describe('a write that is waited for', () => {
  it('is lost when its replica continues the history from before it', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const replica = await writer(primary);
    replica.follow(await nowhere());
    const write = replica.write.set('key', 'value', APPLIED).then(
      () => 'applied',
      (error: unknown) => error,
    );
    await expect.poll(() => primary.get('key'), { timeout: 30_000 }).toBeDefined();
    replica.promote();
    const client = await clientOf(replica.listenAddress);
    // As many records as the write had before it, but of another history.
    for (let index = 0; index < 5; index += 1) await client.command('SET', 'other', 'value');
    expect(await write).toMatchObject({ code: 'HISTORY_DIFFERS', message: expect.stringContaining('lost') });
  });

  it('is applied by the history that continues its own', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const replica = await writer(primary);
    const second = await follow(primary.bindAddress, { bind: ':0' });
    await second.ready({ timeoutMs: 30_000 });
    replica.follow(await nowhere());
    const write = replica.write.set('key', 'value', APPLIED);
    await expect.poll(() => second.get('key'), { timeout: 30_000 }).toBeDefined();
    second.promote();
    replica.follow(second.bindAddress!);
    await write;
    expect(String(replica.get('key'))).toBe('value');
    expect(replica.history).toBe(second.history);
  });

  it('is not taken for applied by the records of another primary', async () => {
    const written = await startPrimary({ listen: ':0' });
    const followed = await startPrimary();
    for (let index = 0; index < 10; index += 1) followed.set('key', `${index}`);
    const replica = await Replica.follow(followed.bindAddress, {
      writeTo: `redis://${written.listenAddress}`,
    });
    closesLater(replica);
    await replica.ready({ timeoutMs: 30_000 });
    const write = replica.write.set('key', 'value', { until: 'applied', timeoutMs: 100 });
    await expect(write).rejects.toMatchObject({
      code: 'NOT_APPLIED',
      message: expect.stringContaining(`the write is in ${written.history}`),
    });
  });

  it('is published first, where its primary gathers batches', async () => {
    const primary = await startPrimary({ listen: ':0', sendPolicy: 'batch', batchMaxDelayUs: 60_000_000 });
    const replica = await writer(primary);
    await replica.write.set('key', 'value', APPLIED);
    expect(String(replica.get('key'))).toBe('value');
  });

  it('ends with its replica, and with its signal', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const replica = await writer(primary);
    replica.follow(await nowhere());
    const ending = new AbortController();
    const aborted = replica.write
      .set('first', 1 as never, { ...APPLIED, signal: ending.signal })
      .catch(String);
    await expect(aborted).resolves.toContain('value must be');
    const first = replica.write.set('first', 'value', { ...APPLIED, signal: ending.signal });
    const second = replica.write.set('second', 'value', APPLIED).catch((error: unknown) => error);
    // Its answer comes behind theirs.
    await replica.write.set('third', 'value');
    ending.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await replica.close();
    expect(await second).toMatchObject({ code: expect.stringMatching(/^(CLOSED|NOT_APPLIED)$/) });
  });
});

describe('what is known of a write', () => {
  const first: History = { id: ids.first, base: 0n };
  const second: History = {
    id: ids.second,
    base: 100n,
    recordsBefore: 10n,
    previous: { id: ids.first, base: 0n, watermarks: [10n] },
    past: [ids.first],
  };
  const third: History = { id: ids.third, base: 200n, recordsBefore: 20n, past: [ids.second, ids.first] };

  it.each([
    ['its history, far enough', { history: first, offset: 10n }, false, 'applied'],
    ['its history, not far enough', { history: first, offset: 9n }, false, 'waiting'],
    ['the next history, which continues it from behind', { history: second, offset: 12n }, false, 'applied'],
    [
      'the next history, and a shard still before its base',
      { history: second, offset: 9n },
      false,
      'waiting',
    ],
    ['a later history', { history: third, offset: 30n }, false, 'unknown'],
    [
      'another history that it may leave',
      { history: { ...first, id: ids.third }, offset: 99n },
      false,
      'waiting',
    ],
    [
      'another history that it has changed to',
      { history: { ...first, id: ids.third }, offset: 99n },
      true,
      'unknown',
    ],
    ['nothing', { history: undefined, offset: 0n }, false, 'waiting'],
  ] as const)('follows from %s', (_, applied, wasThere, outcome) => {
    expect(outcomeOf({ history: ids.first, offset: 10n }, applied, wasThere)).toBe(outcome);
  });

  it('is lost when the next history begins before it', () => {
    const target = { history: ids.first, offset: 11n };
    expect(outcomeOf(target, { history: second, offset: 50n }, true)).toBe('lost');
  });
});

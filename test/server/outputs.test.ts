/**
 * Dumps and changes of primaries and replicas in the library: frames that are never lost, and the errors
 * where they would be.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Change, FrameKind, Primary, Replica } from '../../src/index.js';
import { decodeStream } from '../support/decode-stream.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { contentOf } from '../support/engines.js';
import { foldBytes } from '../support/fold-bytes.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { verifyBytes } from '../support/verify-bytes.js';

/** Of its records, in order. */
async function keysIn(dump: string): Promise<string[]> {
  const keys: string[] = [];
  decodeStream([await readFile(dump)], ({ header, content }) => {
    if (header.kind !== FrameKind.MutationBatch) return;
    for (const { key } of content as { key: Uint8Array }[]) keys.push(Buffer.from(key).toString());
  });
  return keys;
}

describe('a dump', () => {
  it('of a primary that runs survives another that would have its ports', async () => {
    const record = join(directory, 'twice.fcrp');
    const primary = await startPrimary({ record });
    primary.set('a', '1');
    const bind = primary.bindAddress;
    for (const how of [{ append: true }, { force: true }]) {
      await expect(Primary.start({ bind, listen: false, record, ...how })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
      });
    }
    primary.set('b', '2');
    await primary.close();
    expect(await keysIn(record)).toEqual(['a', 'b']);
  });

  it('is left alone by a replica that does not come to listen, and replaced by one that does', async () => {
    const record = join(directory, 'precious.fcrp');
    await writeFile(record, 'precious');
    const primary = await startPrimary();
    const taken = primary.bindAddress;
    await expect(Replica.follow(taken, { bind: taken, record, force: true })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
    });
    expect(await readFile(record, 'utf8')).toBe('precious');
    const replica = await follow(taken, { record, force: true });
    await isCaughtUp({ primary, replica });
    await replica.close();
    expect(await readFile(record, 'latin1')).toMatch(/^FCRP/);
  });

  it('that is not whole is told at the end, also when only the end showed it', async () => {
    const primary = await Primary.start({ bind: ':0', listen: false, record: '/dev/full' });
    primary.set('a', '1');
    const replica = await Replica.follow(primary.bindAddress, { record: '/dev/full' });
    await isCaughtUp({ primary, replica });
    await expect(replica.close()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await expect(primary.close()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });

  it('that fails does not keep the data directory and the role from their end', async () => {
    const data = join(directory, 'beside-a-failed-dump');
    const options = { bind: ':0', listen: false, data } as const;
    const first = await Primary.start({ ...options, record: '/dev/full' });
    first.set('a', '1');
    await expect(first.close()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    const second = await startPrimary(options);
    expect([second.get('a')?.toString(), second.history]).toEqual(['1', first.history]);
  });

  it('is not the file of its state', async () => {
    const file = join(directory, 'both');
    await expect(follow('127.0.0.1:1', { record: file, state: file })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  });
});

it('changes and dump go on through a promotion, and when another primary is followed', async () => {
  const primary = await startPrimary();
  const record = join(directory, 'promoted.fcrp');
  const told: string[] = [];
  const take = (change: Change) => {
    if ('key' in change) told.push(change.key.toString());
    return undefined;
  };
  const first = await follow(primary.bindAddress, { bind: ':0', listen: ':0', record, changes: take });
  await isCaughtUp({ primary, replica: first });
  const second = await follow(first.bindAddress!, { bind: ':0', listen: ':0' });
  primary.set('k1', 'of the primary');
  await isCaughtUp({ primary, replica: second });
  const write = async ({ listenAddress }: Replica, key: string) => {
    const client = await RespClient.connect(listenAddress!);
    expect(String(await client.command('SET', key, 'value'))).toBe('+OK');
    client.close();
  };
  first.promote();
  await write(first, 'k2');
  await eventually(
    () => second.get('k2'),
    (value) => value !== undefined,
  );
  second.promote();
  await write(second, 'k3');
  first.follow(second.bindAddress!);
  await eventually(
    () => first.get('k3'),
    (value) => value !== undefined,
  );
  await write(second, 'k4');
  await eventually(
    () => told.at(-1),
    (key) => key === 'k4',
  );
  expect(told).toEqual(['k1', 'k2', 'k3', 'k4']);
  await first.close();
  expect(await keysIn(record)).toEqual(['k1', 'k2', 'k3', 'k4']);
});

it('a dump leads through a promotion of more shards than a margin can name', async () => {
  const primary = await startPrimary({ shards: 256 });
  primary.set('before', '1');
  const record = join(directory, 'many shards.fcrp');
  const node = await startPrimary({ shards: 256, record });
  node.follow(primary.bindAddress);
  await eventually(
    () => node.get('before'),
    (value) => value !== undefined,
  );
  node.promote();
  node.set('after', '1');
  await node.close();
  const dump = await readFile(record);
  expect(verifyBytes(dump).places).toEqual([]);
  expect([...contentOf(foldBytes(dump).store).keys()].sort()).toEqual(['after', 'before']);
});

describe('options', () => {
  it.each([
    { shards: '4' },
    { route: 'x' },
    { compression: 'gzip' },
    { sendPolicy: 'x' },
    { eviction: 'x' },
    { sequenceBase: 'x' },
  ])('that make no sense are refused: %o', async (options) => {
    await expect(startPrimary(options as object)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('an expiry that is no time is refused', async () => {
    const primary = await startPrimary();
    for (const expireAtMs of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      const refusal = new TypeError(`expireAtMs must be a number of milliseconds; it is ${expireAtMs}.`);
      expect(() => primary.set('a', '1', { expireAtMs })).toThrow(refusal);
      expect(() => primary.expire('a', expireAtMs)).toThrow(refusal);
    }
  });

  it('a replica that is closed follows nobody and is not promoted', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress);
    await replica.close();
    const refusal = expect.objectContaining({ code: 'CLOSED' });
    expect(() => replica.follow(primary.bindAddress)).toThrow(refusal);
    expect(() => replica.promote()).toThrow(refusal);
  });
});

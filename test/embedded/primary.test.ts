/**
 * The embedded primary: the calls of a program that imports the library, its events, and the errors that it
 * must get.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FrameKind } from '../../src/index.js';
import { decodeStream, type StreamFrame } from '../support/decode-stream.js';
import { LaggingReplica } from '../support/lagging-replica.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually, freePort, LineProcess } from '../support/processes.js';

describe('a primary', () => {
  it('stores, overwrites and deletes texts and bytes', async () => {
    const primary = await startPrimary();
    const bytes = Buffer.from([0, 255, 13, 10]);
    primary.set('text', 'grüße');
    primary.set(bytes, bytes);
    primary.set('text', 'again');
    expect(primary.get('text')?.toString()).toBe('again');
    expect(primary.get(bytes)).toEqual(bytes);
    expect(primary.get('never there')).toBeUndefined();
    expect(primary.keyCount()).toBe(2);
    expect(primary.del('text')).toBe(true);
    expect(primary.del('text')).toBe(false);
    expect(primary.get('text')).toBeUndefined();
    expect(primary.keyCount()).toBe(1);
  });

  it('hands out values that nothing changes later', async () => {
    const primary = await startPrimary();
    primary.set('key', 'before');
    const value = primary.get('key');
    primary.set('key', 'behind');
    primary.del('key');
    for (let index = 0; index < 1_000; index++) primary.set(`other:${index}`, 'xxxxxx');
    expect(value?.toString()).toBe('before');
  });

  it('refuses a key or a value that is longer than is allowed, and keeps what was there', async () => {
    const primary = await startPrimary({ maxValueBytes: 1000 });
    primary.set('k'.repeat(1000), 'v'.repeat(1000));
    primary.set('key', 'before');
    for (const [key, value] of [
      ['key', 'v'.repeat(1001)],
      ['k'.repeat(1001), 'value'],
    ] as const) {
      expect(() => primary.set(key, value)).toThrow(expect.objectContaining({ code: 'VALUE_OVER_LIMIT' }));
    }
    expect(primary.get('key')?.toString()).toBe('before');
    expect(primary.keyCount()).toBe(2);
  });

  it('expires keys, and tells its replicas that they are gone', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress);
    // However long a machine halts between them, these writes find that nothing has expired.
    const nowMs = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(nowMs);
    primary.set('short', 'value', { expireAtMs: nowMs + 30 });
    primary.set('shortened', 'value');
    primary.set('persisted', 'value', { expireAtMs: nowMs + 30 });
    primary.set('past', 'value', { expireAtMs: 1 });
    const expired = [
      primary.expire('shortened', nowMs + 30),
      primary.expire('persisted', undefined),
      primary.expire('never there', nowMs + 1_000),
    ];
    clock.mockRestore();
    expect(expired).toEqual([true, true, false]);
    expect(primary.get('past')).toBeUndefined();
    await eventually(
      () => [primary.keyCount(), replica.keyCount()],
      (counts) => counts.every((count) => count === 1),
    );
    expect(replica.get('persisted')?.toString()).toBe('value');
  });

  it('counts sequences past the base of its history, one a write', async () => {
    const primary = await startPrimary({ shards: 1 });
    expect(primary.watermarks()).toEqual([primary.base]);
    expect(primary.history).toMatch(/^[0-9a-f]{32}$/);
    primary.set('a', '1');
    primary.set('b', '2');
    primary.del('a');
    // Not before they have left the batch.
    expect(primary.watermarks()).toEqual([primary.base]);
    primary.flush();
    expect(primary.watermarks()).toEqual([primary.base + 3n]);
    const next = await startPrimary({ shards: 1 });
    expect(next.base).toBeGreaterThan(primary.base);
    expect(next.history).not.toBe(primary.history);
    expect((await startPrimary({ shards: 2, sequenceBase: 'zero' })).watermarks()).toEqual([0n, 0n]);
  });

  it.each(['none', 'zstd'] as const)(
    'counts what it emits and sends, compression %s',
    async (compression) => {
      const record = join(directory, `${compression}.fcrp`);
      const primary = await startPrimary({ shards: 1, compression, record });
      for (let index = 0; index < 1_000; index++) primary.set(`key:${index}`, 'value '.repeat(20));
      primary.flush();
      const metrics = primary.metrics();
      await primary.close();

      const frames: StreamFrame[] = [];
      const dump = await readFile(record);
      decodeStream([dump], (frame) => frames.push(frame));
      const batches = frames.filter(({ header }) => header.kind === FrameKind.MutationBatch);
      const records = batches.reduce((sum, { content }) => sum + (content as unknown[]).length, 0);
      expect(records).toBe(1_000);
      expect(metrics).toMatchObject({
        emittedMutations: 1_000,
        sentRecords: 1_000,
        sentBatches: batches.length,
        sentBytesCompressed: batches.reduce((sum, { header }) => sum + 16 + header.payloadBytes, 0),
        sentBytesUncompressed: batches.reduce((sum, { header }) => sum + header.uncompressedBytes, 0),
        drops: 0,
        backpressureEvents: 0,
      });
      expect(metrics.sentBytesCompressed < metrics.sentBytesUncompressed).toBe(compression === 'zstd');
    },
  );

  it('counts its replicas and how each came by its content', async () => {
    const primary = await startPrimary();
    primary.set('key', 'value');
    await follow(primary.bindAddress);
    const [info] = await eventually(
      () => primary.replicas(),
      (replicas) => replicas[0]?.state === 'live' && replicas[0].acknowledged !== undefined,
    );
    expect(info?.watermarks).toEqual(primary.watermarks());
    expect(primary.metrics()).toMatchObject({ catchUpSnapshotCount: 1, catchUpBacklogCount: 0 });
    const lost = new LaggingReplica(primary.bindAddress, primary.history, primary.watermarks());
    await eventually(
      () => primary.replicas(),
      (replicas) => replicas[1]?.acknowledged !== undefined,
    );
    lost.close();
    const [, gone] = await eventually(
      () => primary.replicas(),
      (replicas) => replicas[1]?.state === 'gone',
    );
    expect(gone).toMatchObject({ watermarks: primary.watermarks(), acknowledged: primary.watermarks() });
    expect(gone?.history).toBe(primary.history);
  });

  it('logs who was refused', async () => {
    const primary = await startPrimary({ token: 'a secret of 23 letters.' });
    const messages: string[] = [];
    const listener = ({ message }: { message: string }) => messages.push(message);
    primary.on('log', listener);
    const refused = await follow(primary.bindAddress, { token: 'wrong', failFast: true });
    await eventually(
      () => refused.state?.name,
      (name) => name === 'stopped',
    );
    expect(messages).toEqual([
      expect.stringMatching(/^replica 127\.0\.0\.1:\d+ is refused: invalid auth token/),
    ]);
    primary.off('log', listener);
    const again = await follow(primary.bindAddress, { failFast: true });
    await eventually(
      () => again.state?.name,
      (name) => name === 'stopped',
    );
    expect(messages).toHaveLength(1);
  });

  it('publishes what waits when it closes, whatever the send policy', async () => {
    const record = join(directory, 'closed.fcrp');
    const primary = await startPrimary({ sendPolicy: 'batch', batchMaxDelayUs: 60_000_000, record });
    for (let index = 0; index < 10; index++) primary.set(`key:${index}`, 'value');
    await primary.close();
    let records = 0;
    decodeStream([await readFile(record)], ({ header, content }) => {
      if (header.kind === FrameKind.MutationBatch) records += (content as unknown[]).length;
    });
    expect(records).toBe(10);
  });
});

describe('a primary that cannot start says why', () => {
  it('when a port is taken, and leaves nothing open', async () => {
    const first = await startPrimary({ listen: ':0' });
    const { bindAddress, listenAddress } = first;
    await expect(startPrimary({ bind: bindAddress })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      address: bindAddress,
    });
    const bind = `127.0.0.1:${await freePort()}`;
    await expect(startPrimary({ bind, listen: listenAddress! })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      address: listenAddress,
      retryable: true,
    });
    // Its other port was let go.
    expect((await startPrimary({ bind })).bindAddress).toBe(bind);
  });

  it.each([{ bind: '0.0.0.0:0' }, { listen: '192.0.2.1:6380' }, { bind: '[::]:0' }])(
    'when an address is open to other machines: %o',
    async (options) => {
      await expect(startPrimary(options)).rejects.toMatchObject({ code: 'INSECURE_ADDRESS', exitCode: 2 });
    },
  );

  it('but listens there when it is told that this is meant', async () => {
    expect((await startPrimary({ bind: '0.0.0.0:0', insecure: true })).bindAddress).toMatch(
      /^0\.0\.0\.0:\d+$/,
    );
  });

  it.each([
    { bind: 'nowhere' },
    { bind: '127.0.0.1:70000' },
    { shards: 3 },
    { shards: 2048 },
    { zstdLevel: 23 },
    { snapshotChunkBytes: 100 },
    { batchMaxRecords: 0 },
    { backlogBytes: -1 },
    { maxValueBytes: 1.5 },
  ])('when an option makes no sense: %o', async (options) => {
    await expect(startPrimary(options)).rejects.toMatchObject({ code: 'BAD_OPTION', exitCode: 2 });
  });

  it('when its dump cannot be written', async () => {
    const record = join(directory, 'no such directory', 'dump.fcrp');
    await expect(startPrimary({ record })).rejects.toMatchObject({ code: 'WRITE_FAILED', file: record });
  });
});

it('the library leaves nothing behind that keeps a program alive, once both are closed', async () => {
  const script = `
    import { Primary, Replica } from 'fastcache';
    const primary = await Primary.start({ bind: ':0', listen: ':0', record: ${JSON.stringify(join(directory, 'p.fcrp'))} });
    const replica = await Replica.follow(primary.bindAddress, { listen: ':0', record: ${JSON.stringify(join(directory, 'r.fcrp'))} });
    const value = new Promise((resolve) => {
      const look = () => (replica.get('key') ? resolve(replica.get('key').toString()) : setTimeout(look, 5));
      look();
    });
    primary.set('key', 'value', { expireAtMs: Date.now() + 60_000 });
    console.log(await value);
    await replica.close();
    await primary.close();
    console.log('closed');`;
  const program = new LineProcess(process.execPath, ['--input-type=module', '-e', script]);
  expect(await program.nextLine()).toBe('value');
  expect(await program.nextLine()).toBe('closed');
  expect(await program.exited).toEqual({ code: 0, signal: null });
});

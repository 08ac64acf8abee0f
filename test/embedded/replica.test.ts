/** The embedded replica: read in place, without a socket, whatever becomes of its primary. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FrameKind, replicaEvents } from '../../src/index.js';
import { decodeStream } from '../support/decode-stream.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { closesLater, directory, follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { Wiretap } from '../support/wiretap.js';

describe('a replica', () => {
  it('reads at once what it holds', async () => {
    const primary = await startPrimary();
    primary.set('before', 'it came');
    const replica = await follow(primary.bindAddress);
    expect(replica.get('before')).toBeUndefined();
    expect(replica.watermarks()).toEqual([]);
    await isCaughtUp({ primary, replica });
    primary.set('while', 'it follows');
    primary.set(Buffer.from([0, 255]), Buffer.from([255, 0]));
    await isCaughtUp({ primary, replica });
    const value: Uint8Array | undefined = replica.get('before');
    expect(value?.toString()).toBe('it came');
    expect(replica.get('while')?.toString()).toBe('it follows');
    expect(replica.get(Buffer.from([0, 255]))).toEqual(Buffer.from([255, 0]));
    expect(replica).toMatchObject({
      history: primary.history,
      shards: primary.shards,
      state: { name: 'live' },
    });
    expect(replica.keyCount()).toBe(3);
  });

  it('hides what has expired, even when its primary is gone', async () => {
    const primary = await startPrimary();
    const expireAtMs = Date.now() + 3_600_000;
    primary.set('short', 'value', { expireAtMs });
    const replica = await follow(primary.bindAddress);
    await isCaughtUp({ primary, replica });
    await primary.close();
    expect(replica.get('short')?.toString()).toBe('value');
    const clock = vi.spyOn(Date, 'now').mockReturnValue(expireAtMs + 1);
    const value = replica.get('short');
    clock.mockRestore();
    expect(value).toBeUndefined();
    // Deleting it is the primary's.
    expect(replica.keyCount()).toBe(1);
  });

  it('tells its way in events, each with its time', async () => {
    const primary = await startPrimary();
    primary.set('key', 'value');
    const replica = await follow(primary.bindAddress);
    const told: string[] = [];
    const startedMs = Date.now();
    for (const name of replicaEvents) {
      replica.on(name, ({ event, timeMs }) => {
        expect(event).toBe(name);
        expect(timeMs).toBeGreaterThanOrEqual(startedMs - 1);
        told.push(name);
      });
    }
    await isCaughtUp({ primary, replica });
    await eventually(
      () => told,
      (names) => names.includes('caught-up'),
    );
    await replica.close();
    expect(told.filter((name, index) => name !== told[index - 1])).toEqual([
      ...['connecting', 'snapshot', 'live', 'caught-up', 'stopped'],
    ]);
  });

  it('resumes from the backlog when the link was cut, and counts what it applies', async () => {
    const primary = await startPrimary({ shards: 2 });
    const tap = await Wiretap.start(primary.bindAddress);
    closesLater(tap);
    for (let index = 0; index < 100; index++) primary.set(`key:${index}`, 'snapshot');
    const replica = await follow(tap.address);
    await isCaughtUp({ primary, replica });
    for (let index = 0; index < 50; index++) primary.set(`key:${index}`, 'live');
    await isCaughtUp({ primary, replica });
    const lost = new Promise((resolve) => replica.on('lost', resolve));
    tap.cut();
    expect(await lost).toMatchObject({ event: 'lost', error: { code: 'CONNECTION_LOST' } });
    for (let index = 0; index < 30; index++) primary.set(`key:${index}`, 'while away');
    await isCaughtUp({ primary, replica });
    expect(replica.get('key:0')?.toString()).toBe('while away');
    expect(replica.get('key:99')?.toString()).toBe('snapshot');
    await eventually(
      () => primary.metrics(),
      ({ catchUpBacklogCount }) => catchUpBacklogCount === 1,
    );
    expect(primary.metrics().catchUpSnapshotCount).toBe(1);
    expect(replica.metrics().replicaApplied).toBe(80);
    expect(replica.metrics().replicaApplyNs).toBeGreaterThan(0);
  });

  it('keeps what it holds readable while its primary is away, and after it is closed', async () => {
    const primary = await startPrimary();
    primary.set('key', 'value');
    const replica = await follow(primary.bindAddress);
    await isCaughtUp({ primary, replica });
    await primary.close();
    await eventually(
      () => replica.state?.name,
      (name) => name === 'disconnected',
    );
    expect(replica.get('key')?.toString()).toBe('value');
    await replica.close();
    expect(replica.state).toEqual({ name: 'stopped', error: undefined });
    expect(replica.get('key')?.toString()).toBe('value');
  });

  it('waits for a primary that is not there yet', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const replica = await follow(address);
    const lost = await new Promise((resolve) => replica.on('lost', resolve));
    expect(lost).toMatchObject({ error: { code: 'PRIMARY_UNREACHABLE', address } });
    const primary = await startPrimary({ bind: address });
    primary.set('key', 'value');
    await eventually(
      () => replica.get('key')?.toString(),
      (value) => value === 'value',
    );
  });

  it('stops when the token is refused, if it is to fail fast', async () => {
    const primary = await startPrimary({ token: 's3cret' });
    const replica = await follow(primary.bindAddress, { token: 'wrong', failFast: true });
    const stopped = await new Promise((resolve) => replica.on('stopped', resolve));
    expect(stopped).toMatchObject({ error: { code: 'TOKEN_REFUSED', exitCode: 77 } });
  });

  it('records the stream from the snapshot on', async () => {
    const record = join(directory, 'stream.fcrp');
    const primary = await startPrimary({ shards: 1 });
    primary.set('before', 'it came');
    const replica = await follow(primary.bindAddress, { record });
    await isCaughtUp({ primary, replica });
    primary.set('while', 'it follows');
    await isCaughtUp({ primary, replica });
    await replica.close();
    const kinds: number[] = [];
    decodeStream([await readFile(record)], ({ header }) => kinds.push(header.kind));
    expect(kinds).toEqual([
      FrameKind.Hello,
      FrameKind.SnapshotBegin,
      FrameKind.SnapshotChunk,
      FrameKind.SnapshotChunk,
      FrameKind.SnapshotEnd,
      FrameKind.MutationBatch,
    ]);
  });
});

describe('a replica that cannot start says why', () => {
  it('when its port is taken', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const listen = primary.listenAddress!;
    await expect(follow(primary.bindAddress, { listen })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      address: listen,
    });
    expect(primary.replicas()).toEqual([]);
  });

  it('when its port would be open to other machines', async () => {
    await expect(follow('127.0.0.1:1', { listen: '0.0.0.0:0' })).rejects.toMatchObject({
      code: 'INSECURE_ADDRESS',
    });
  });

  it('when its dump cannot be written', async () => {
    const record = join(directory, 'no such directory', 'dump.fcrp');
    await expect(follow('127.0.0.1:1', { record })).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      file: record,
    });
  });

  it.each(['nowhere', 'host:port', ':70000'])('when %s is no address', async (address) => {
    await expect(follow(address)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

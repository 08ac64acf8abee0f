/** A start that is ended while it waits for something else than a file that it reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { primaryConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { clientOf, startPrimary } from '../support/library.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually, freePort } from '../support/processes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-ending-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Listens on a port where nobody ever answers; returns its address. */
async function silentAddress(): Promise<{ address: string; isAsked: () => boolean }> {
  let isAsked = false;
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    isAsked = true;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, isAsked: () => isAsked };
}

it('a client that sends SHUTDOWN ends a start that asks replicas', async () => {
  const { address, isAsked } = await silentAddress();
  const listen = `127.0.0.1:${await freePort()}`;
  const started = Node.start(primaryConfig({ bind: ':0', listen, recover: [address] }), systemNodeSeams);
  started.catch(() => {});
  await eventually(isAsked, (asked) => asked);
  const client = await clientOf(listen);
  client.command('SHUTDOWN', 'NOSAVE').catch(() => {});
  await expect(started).rejects.toMatchObject({ code: 'CLOSED' });
});

it('what onLoading throws ends a start that asks replicas', async () => {
  const { address, isAsked } = await silentAddress();
  const onLoading = () => {
    if (isAsked()) throw new FastcacheError('CLOSED', 'It was stopped.');
  };
  const config = primaryConfig({ bind: ':0', listen: false, recover: [address], onLoading });
  await expect(Node.start(config, systemNodeSeams)).rejects.toThrow('It was stopped.');
});

it('a disk that fails ends a start with --on-data-fault stop, and the lock is given back', async () => {
  const load = join(directory, 'dump');
  const source = await startPrimary({ bind: ':0', listen: false, record: load });
  source.set('key', 'value');
  await source.close();
  const disk = new LossyDisk();
  let failed = () => {};
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  disk.before = (operation, name) => {
    if (operation !== 'append' || !name.startsWith('base')) return;
    setTimeout(failed, 100);
    throw new Error('ENOSPC: no space left on device, write');
  };
  const { files } = systemNodeSeams;
  const roleFile = join(directory, 'role');
  const options = { bind: ':0', listen: false, data: 'disk', load, roleFile } as const;
  const slow = {
    ...files,
    openData: async () => disk,
    // The start is not over before the disk has failed.
    replaceState: (...given: Parameters<typeof files.replaceState>) =>
      hasFailed.then(() => files.replaceState(...given)),
  };
  const config = primaryConfig({ ...options, fsync: 'no', onDataFault: 'stop' });
  await expect(Node.start(config, { ...systemNodeSeams, files: slow })).rejects.toMatchObject({
    code: 'WRITE_FAILED',
  });
  disk.before = () => {};
  const again = await Node.start(primaryConfig(options), {
    ...systemNodeSeams,
    files: { ...files, openData: async () => disk },
  });
  onTestFinished(() => again.close());
  expect(again.engine.get('key')?.toString()).toBe('value');
});

it('a disk that does not answer keeps no start from ending, and nobody gets its directory before it answers', async () => {
  const disk = new LossyDisk();
  let answers = () => {};
  const answer = new Promise<void>((resolve) => {
    answers = resolve;
  });
  let isAsked = false;
  disk.before = () => {
    isAsked = true;
  };
  disk.delay = (run) => void answer.then(run);
  const { files } = systemNodeSeams;
  const options = {
    bind: ':0',
    listen: false,
    data: 'disk',
    roleFile: join(directory, 'role of one'),
  } as const;
  const onDisk = { ...files, openData: async () => disk };
  // Timers that hurry: each takes a hundredth of its time.
  const timers: typeof systemNodeSeams.timers = {
    after: (delayMs, run) => systemNodeSeams.timers.after(delayMs / 100, run),
    endOfTurn: (run) => systemNodeSeams.timers.endOfTurn(run),
  };
  const onLoading = () => {
    throw new FastcacheError('CLOSED', 'It was stopped.');
  };
  const start = () =>
    Node.start(primaryConfig({ ...options, onLoading }), { ...systemNodeSeams, timers, files: onDisk });
  await expect(start()).rejects.toThrow('It was stopped.');
  await expect(start()).rejects.toMatchObject({ code: 'DATA_IN_USE' });
  expect(isAsked).toBe(false);
  answers();
  disk.delay = setImmediate;
  const again = await eventually(
    () =>
      Node.start(primaryConfig(options), { ...systemNodeSeams, files: onDisk }).catch(
        (error: Error) => error,
      ),
    (started) => started instanceof Node,
  );
  await (again as Node).close();
});

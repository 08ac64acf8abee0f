/** Servers that load what they start with while their ports are open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type NodeConfig, primaryConfig, replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-loading-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Keys of 500 bytes that take some of the blocks in which files are read. */
const KEYS = 6_000;
const BLOCKS_BYTES = 2 * 1_048_576;

let count = 0;
const newPath = () => join(directory, String(count++));
const place = async () => `127.0.0.1:${await freePort()}`;

/** Fills a dump and a data directory with some content; returns their paths. */
async function content(): Promise<{ load: string; data: string }> {
  const [load, data] = [newPath(), newPath()];
  const primary = await startPrimary({ bind: ':0', record: load, data, listen: false });
  for (let at = 0; at < KEYS; at += 1) primary.set(`key ${at}`, 'x'.repeat(500));
  await primary.close();
  return { load, data };
}

/** Starts a node that stops reading in the middle of its content, until `release` is called. */
async function halfLoaded(config: NodeConfig) {
  let release = () => {};
  let reached = () => {};
  const isHalf = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const hold = async function* (blocks: AsyncIterable<Uint8Array>) {
    let isFirst = true;
    for await (const block of blocks) {
      if (!isFirst) {
        reached();
        await held;
      }
      isFirst = false;
      yield block as Buffer;
    }
  };
  const { files } = systemNodeSeams;
  const halting = {
    ...files,
    async openData(...given: Parameters<typeof files.openData>) {
      const data = await files.openData(...given);
      return { ...data, blocks: (name: string, from?: number) => hold(data.blocks(name, from)) };
    },
    async loadContent(given: Parameters<typeof files.loadContent>[0]) {
      const { openDump } = await import('../../src/dump/read/dump-reader.js');
      const { loadContent } = await import('../../src/dump/rdb/load-content.js');
      return loadContent({ ...given, open: (file) => hold(openDump(file)) });
    },
  };
  const started = Node.start(config, { ...systemNodeSeams, files: halting });
  started.catch(() => {});
  onTestFinished(async () => {
    release();
    await started.then((node) => node.close()).catch(() => {});
  });
  await Promise.race([isHalf, started]);
  return { release, started };
}

describe.each(['data', 'load'] as const)('a server that begins with --%s', (source) => {
  it('answers LOADING and what Redis answers meanwhile, then what it has', async () => {
    const path = (await content())[source];
    const [listen, metrics, bind] = [await place(), await place(), await place()];
    const { release, started } = await halfLoaded(primaryConfig({ listen, metrics, bind, [source]: path }));
    const client = await clientOf(listen);
    const loading = '-LOADING Redis is loading the dataset in memory';
    for (const command of [['PING'], ['GET', 'key 1'], ['SET', 'key', 'value'], ['EVAL', 'return 1', '0']]) {
      expect(String(await client.command(...command))).toBe(loading);
    }
    const info = String(await client.command('INFO', 'persistence'));
    expect(info).toMatch(/^loading:1\r$/m);
    expect(info).toMatch(/^async_loading:0\r$/m);
    expect(info).toMatch(/^loading_start_time:\d{10}\r$/m);
    const field = (name: string) => Number(new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1]);
    const [loaded, total] = [field('loading_loaded_bytes'), field('loading_total_bytes')];
    expect(total).toBeGreaterThan(BLOCKS_BYTES);
    expect(loaded).toBeGreaterThan(0);
    expect(loaded).toBeLessThan(total);
    expect(field('loading_loaded_perc')).toBeCloseTo((loaded / total) * 100, 1);
    expect(field('loading_eta_seconds')).toBeGreaterThanOrEqual(0);
    expect(String(await client.command('CONFIG', 'GET', 'appendonly'))).toMatch(/^appendonly,/);
    const ready = await fetch(`http://${metrics}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringMatching(/^not ready: it loads/)]);
    const replica = await follow(bind);
    release();
    const node = await started;
    expect(String(await client.command('GET', 'key 1999'))).toBe('x'.repeat(500));
    expect(String(await client.command('INFO', 'persistence'))).toMatch(/^loading:0\r$/m);
    expect((await fetch(`http://${metrics}/readyz`)).status).toBe(200);
    await eventually(
      () => [node, replica].map((end) => String(end.watermarks())),
      ([written, applied]) => applied === written,
    );
    expect(replica.keyCount()).toBe(KEYS);
  });

  it('ends its start when a client sends SHUTDOWN', async () => {
    const path = (await content())[source];
    const listen = await place();
    const { release, started } = await halfLoaded(primaryConfig({ listen, bind: ':0', [source]: path }));
    const client = await clientOf(listen);
    client.command('SHUTDOWN').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    await expect(started).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

it('a replica that loads its directory says so, and can be made to follow another primary', async () => {
  const [bind, listen, data] = [await place(), await place(), newPath()];
  const primary = await startPrimary({ bind, listen: false });
  for (let at = 0; at < 3_000; at += 1) primary.set(`key ${at}`, 'x'.repeat(1_000));
  const first = await follow(bind, { data });
  await isCaughtUp({ primary, replica: first });
  await first.close();
  const nowhere = await place();
  const { release, started } = await halfLoaded(
    replicaConfig(nowhere, { data, listen, roleFile: newPath(), reconnectBackoffMs: 10 }),
  );
  const client = await clientOf(listen);
  expect(String(await client.command('GET', 'key 1'))).toMatch(/^-LOADING/);
  expect(String(await client.command('REPLICAOF', 'NO', 'ONE'))).toMatch(/^-LOADING/);
  expect(String(await client.command('ROLE'))).toMatch(/^slave,/);
  const [host, port] = bind.split(':') as [string, string];
  expect(String(await client.command('REPLICAOF', host, port))).toBe('+OK');
  release();
  const node = await started;
  primary.set('more', 'value');
  primary.flush();
  await eventually(
    () => node.engine.get('more')?.toString(),
    (value) => value === 'value',
  );
  expect(node.metrics.catchUpSnapshotCount + primary.metrics().catchUpSnapshotCount).toBe(1);
});

/** Servers with a data directory that stop, are killed, change roles and find their disk broken. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Primary, type Replica } from '../../src/index.js';
import { primaryConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { readiness } from '../../src/status/metrics/readiness.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, follow, startPrimary } from '../support/library.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-data-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newData = () => join(directory, String(count++));
const place = async () => `127.0.0.1:${await freePort()}`;

/** Returns the keys at which the content of the two differs. */
function diffOf(primary: Primary, replica: Replica): string[] {
  const keys = Array.from({ length: 500 }, (_, at) => `key ${at}`);
  return keys.filter((key) => primary.get(key)?.toString() !== replica.get(key)?.toString());
}

describe('a primary that is stopped and started again', () => {
  it('goes on in its history, and its replicas notice a lost link only', async () => {
    const [bind, data] = [await place(), newData()];
    const first = await startPrimary({ bind, data, listen: false });
    for (let at = 0; at < 100; at += 1) first.set(`key ${at}`, 'value');
    const replica = await follow(bind);
    await isCaughtUp({ primary: first, replica });
    const { history } = first;
    await first.close();
    const second = await startPrimary({ bind, data, listen: false });
    expect([second.history, second.keyCount()]).toEqual([history, 100]);
    second.set('more', 'value');
    await isCaughtUp({ primary: second, replica });
    expect(replica.keyCount()).toBe(101);
    expect(second.metrics().catchUpSnapshotCount).toBe(0);
  });

  it('keeps what it was given by a dump, and does not load that again', async () => {
    const data = newData();
    const load = join(directory, 'dump.fcrp');
    const recorded = await startPrimary({ bind: ':0', record: load, listen: false });
    recorded.set('key', 'loaded');
    await recorded.close();
    const first = await startPrimary({ bind: ':0', data, load, listen: false });
    first.set('key', 'changed');
    await first.close();
    const second = await startPrimary({ bind: ':0', data, load, listen: false });
    expect(second.get('key')?.toString()).toBe('changed');
  });

  it('that was killed before anything was written takes writes again', async () => {
    const data = newData();
    const args = ['primary', 'start', '--data', data, '--bind', ':0', '--no-listen'];
    const server = new FastcacheProcess(args);
    await server.event('ready');
    await server.kill();
    const again = await startPrimary({ data });
    again.set('key', 'value');
    expect(again.lacksData).toBe(false);
  });

  it('shares its directory with nobody', async () => {
    const data = newData();
    await startPrimary({ bind: ':0', data, listen: false });
    await expect(Primary.start({ bind: ':0', data, listen: false })).rejects.toMatchObject({
      code: 'DATA_IN_USE',
    });
  });
});

describe('a replica that was away for longer than the backlog', () => {
  it('is sent what it lacks from the directory, also behind a restart of its primary', async () => {
    const [bind, data, own] = [await place(), newData(), newData()];
    const options = {
      bind,
      data,
      listen: false,
      backlogBytes: 100_000,
      dataSegmentBytes: 1024 ** 2,
    } as const;
    const first = await startPrimary(options);
    for (let at = 0; at < 100; at += 1) first.set(`key ${at}`, 'value');
    const replica = await follow(bind, { data: own });
    await isCaughtUp({ primary: first, replica });
    await replica.close();
    const write = (primary: Primary, tag: string) => {
      for (let at = 0; at < 3_000; at += 1) primary.set(`key ${at % 500}`, `${tag} ${at}`.padEnd(400));
    };
    write(first, 'first');
    await first.close();
    const second = await startPrimary(options);
    write(second, 'second');
    const again = await follow(bind, { data: own });
    // More is written while it catches up.
    write(second, 'third');
    await isCaughtUp({ primary: second, replica: again });
    expect(again.get('key 499')?.toString().trim()).toBe('third 2999');
    expect(second.metrics()).toMatchObject({ catchUpSnapshotCount: 0, catchUpBacklogCount: 1 });
    expect(diffOf(second, again)).toEqual([]);
  });

  it('is given a snapshot where the directory is damaged', async () => {
    const [bind, data, own] = [await place(), newData(), newData()];
    const options = { bind, data, listen: false, backlogBytes: 1_000, dataSegmentBytes: 1024 ** 2 } as const;
    const primary = await startPrimary(options);
    primary.set('key', 'value');
    const replica = await follow(bind, { data: own });
    await isCaughtUp({ primary, replica });
    const before = primary.metrics().catchUpSnapshotCount;
    await replica.close();
    for (let at = 0; at < 5_000; at += 1) {
      primary.set(`key ${at % 500}`, String(at).padEnd(400));
      if (at % 100 === 0) await new Promise(setImmediate);
    }
    await eventually(
      () => readdirSync(data),
      (names) => names.includes('segment-00000002.fcrp'),
    );
    const path = join(data, 'segment-00000001.fcrp');
    const bytes = readFileSync(path);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(path, bytes);
    const again = await follow(bind, { data: own });
    await isCaughtUp({ primary, replica: again });
    expect(primary.metrics().catchUpSnapshotCount).toBe(before + 1);
    expect(diffOf(primary, again)).toEqual([]);
  });
});

describe('a replica with a data directory', () => {
  it('resumes without a snapshot, and serves its own replicas from the start on', async () => {
    const [bind, relayBind, data] = [await place(), await place(), newData()];
    const primary = await startPrimary({ bind, listen: false });
    for (let at = 0; at < 100; at += 1) primary.set(`key ${at}`, 'value');
    const first = await follow(bind, { data, bind: relayBind });
    const leaf = await follow(relayBind);
    await isCaughtUp({ primary, replica: leaf });
    await first.close();
    primary.set('meanwhile', 'value');
    const before = primary.metrics().catchUpSnapshotCount;
    const second = await follow(bind, { data, bind: relayBind });
    expect(second.keyCount()).toBe(100);
    await isCaughtUp({ primary, replica: second });
    await isCaughtUp({ primary, replica: leaf });
    expect(primary.metrics().catchUpSnapshotCount).toBe(before);
    expect(second.metrics().catchUpSnapshotCount).toBe(0);
  });

  it('that was promoted begins as a primary again, with what it has taken since', async () => {
    const [bind, data] = [await place(), newData()];
    const primary = await startPrimary({ bind, listen: false });
    primary.set('key', 'value');
    const first = await follow(bind, { data });
    await isCaughtUp({ primary, replica: first });
    first.promote();
    const { history } = first;
    await first.close();
    const second = await follow(bind, { data });
    expect([second.primary, second.history]).toEqual([undefined, history]);
    expect(second.get('key')?.toString()).toBe('value');
  });
});

describe('a primary that is killed', () => {
  it('has all that clients were answered with fsync always, and replicas carry on', async () => {
    const [bind, listen, data] = [await place(), await place(), newData()];
    const args = [
      'primary',
      'start',
      '--data',
      data,
      '--fsync',
      'always',
      '--bind',
      bind,
      '--listen',
      listen,
    ];
    const start = async () => {
      const server = new FastcacheProcess(args);
      onTestFinished(async () => void (await server.kill()));
      await server.event('ready');
      return server;
    };
    const first = await start();
    const client = await RespClient.connect(listen);
    let answered = 0;
    for (let batch = 0; batch < 40; batch += 1) {
      const keys = Array.from({ length: 25 }, (_, at) => `key ${batch * 25 + at}`);
      const replies = client.pipeline(keys.map((key) => ['SET', key, 'value']));
      // The last one is met by the end.
      if (batch === 39) await Promise.all([first.kill(), replies.catch(() => {})]);
      else answered += (await replies).length;
    }
    client.close();
    await start();
    const again = await RespClient.connect(listen);
    for (let at = 0; at < answered; at += 1)
      expect(String(await again.command('GET', `key ${at}`))).toBe('value');
    again.close();
  });
});

it('SAVE and BGSAVE save a base, which LASTSAVE and INFO show', async () => {
  const data = newData();
  const primary = await startPrimary({ data, listen: ':0' });
  primary.set('key', 'value');
  const client = await clientOf(primary.listenAddress);
  expect(String(await client.command('SAVE'))).toBe('+OK');
  expect(await client.command('LASTSAVE')).toBeGreaterThanOrEqual(Math.floor(Date.now() / 1000) - 60);
  expect(String(await client.command('BGSAVE'))).toBe('+Background saving started');
  const bases = () => readdirSync(data).filter((name) => /^base-\d+\.fcrp$/.test(name));
  await eventually(bases, (names) => names.includes('base-00000002.fcrp'));
  const info = String(await client.command('INFO', 'persistence'));
  expect(info).toContain('aof_enabled:1\r\n');
  expect(info).toContain('rdb_last_bgsave_status:ok\r\n');
  expect(String(await client.command('CONFIG', 'GET', 'appendfsync'))).toBe('appendfsync,everysec');
  expect(String(await client.command('CONFIG', 'GET', 'appendonly', 'dir'))).toMatch(
    /^appendonly,yes,dir,\//,
  );
});

describe('a disk that fails', () => {
  it('has writes refused in the words of Redis, and taken again once it is mended', async () => {
    const disk = new LossyDisk();
    const config = primaryConfig({
      bind: ':0',
      listen: ':0',
      metrics: ':0',
      data: 'disk',
      roleFile: join(directory, 'role'),
    });
    const files = { ...systemNodeSeams.files, openData: async () => disk };
    const node = await Node.start({ ...config, fsync: 'always' }, { ...systemNodeSeams, files });
    onTestFinished(() => node.close());
    const client = await RespClient.connect(node.clientPorts!.address!);
    const faulty = async () => {
      const text = await (await fetch(`http://${node.metricsAddress}/metrics`)).text();
      return /^fastcache_data_faulty (\d)$/m.exec(text)?.[1];
    };
    expect(String(await client.command('SET', 'key', 'value'))).toBe('+OK');
    expect(await faulty()).toBe('0');
    disk.before = (operation) => {
      if (operation === 'sync') throw new Error('EIO: i/o error, fdatasync');
    };
    await expect(client.command('SET', 'key', 'lost')).rejects.toThrow();
    const other = await RespClient.connect(node.clientPorts!.address!);
    expect(String(await other.command('SET', 'key', 'refused'))).toMatch(
      /^-MISCONF Errors writing to the AOF file: EIO/,
    );
    expect(String(await other.command('GET', 'key'))).toBe('lost');
    expect(readiness(node.report(), undefined).reason).toMatch(/the data directory cannot be written \(EIO/);
    expect(await faulty()).toBe('1');
    disk.before = () => {};
    await eventually(
      async () => String(await other.command('SET', 'key', 'taken')),
      (reply) => reply === '+OK',
    );
    other.close();
  });
});

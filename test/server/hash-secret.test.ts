/** The secret of the tables, which a data directory keeps, so that a start loads it in their order. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keepHashSecret, readHashSecret } from '../../src/data/hash-secret.js';
import { clientOf, startPrimary } from '../support/library.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { plantDevice, plantPipe } from '../support/plants.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-secret-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newData = () => join(directory, String(count++));
const secretIn = (data: string) => readFileSync(join(data, 'hash-secret'), 'latin1');

/** Starts a primary with the directory, and has it keep two hundred keys where it keeps none. */
async function start(data: string) {
  const primary = await startPrimary({ data, listen: ':0', fileMode: '640' });
  for (let at = 0; at < 200 && primary.keyCount() < 200; at += 1) primary.set(`key ${at}`, 'value');
  return primary;
}

/** The keys in the order of the tables. */
async function orderIn(primary: { readonly listenAddress: string | undefined }): Promise<string> {
  const client = await clientOf(primary.listenAddress);
  return String(await client.command('SCAN', '0', 'COUNT', '1000'));
}

/** Stops a server with a new directory; returns the directory and the order of its keys. */
async function stopped(): Promise<{ data: string; order: string }> {
  const data = newData();
  const primary = await start(data);
  const order = await orderIn(primary);
  await primary.close();
  return { data, order };
}

describe('a data directory', () => {
  it('keeps the secret of its tables, which nobody else may read, over restarts and in copies', async () => {
    const { data, order } = await stopped();
    const secret = secretIn(data);
    expect(secret).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(join(data, 'hash-secret')).mode & 0o777).toBe(0o600);
    const copy = newData();
    cpSync(data, copy, { recursive: true });
    for (const each of [data, copy]) {
      expect(await orderIn(await start(each))).toBe(order);
      expect(secretIn(each)).toBe(secret);
    }
  });

  it('has a secret of its own where another one is made', async () => {
    const [one, other] = [await stopped(), await stopped()];
    expect(secretIn(one.data)).not.toBe(secretIn(other.data));
    expect(one.order).not.toBe(other.order);
  });

  const faults: Record<string, (path: string) => void> = {
    missing: (path) => rmSync(path),
    empty: (path) => writeFileSync(path, ''),
    'too short': (path) => writeFileSync(path, readFileSync(path).subarray(1)),
    'too long': (path) => writeFileSync(path, `${readFileSync(path, 'latin1')}0`),
    'no number': (path) => writeFileSync(path, `${'x'.repeat(32)}\n`),
    'a link': (path) => {
      rmSync(path);
      writeFileSync(`${path}.victim`, `${'0'.repeat(32)}\n`);
      symlinkSync(`${path}.victim`, path);
    },
    'a device': plantDevice,
    'a pipe': plantPipe,
  };

  it.each(Object.entries(faults))('gets another secret where it is %s', async (_, harm) => {
    const { data } = await stopped();
    const before = secretIn(data);
    harm(join(data, 'hash-secret'));
    writeFileSync(join(data, 'hash-secret.new'), 'of a process that died');
    const primary = await start(data);
    expect(primary.keyCount()).toBe(200);
    expect(secretIn(data)).toMatch(/^(?!0{32})[0-9a-f]{32}\n$/);
    expect(secretIn(data)).not.toBe(before);
    expect(existsSync(join(data, 'hash-secret.new'))).toBe(false);
  });

  it('is served without a kept secret where that cannot be written', async () => {
    const { data } = await stopped();
    rmSync(join(data, 'hash-secret'));
    mkdirSync(join(data, 'hash-secret', 'own'), { recursive: true });
    expect((await start(data)).keyCount()).toBe(200);
    expect(readdirSync(join(data, 'hash-secret'))).toEqual(['own']);
  });

  it('that is damaged is not given a secret', async () => {
    const { data } = await stopped();
    rmSync(join(data, 'hash-secret'));
    writeFileSync(join(data, 'manifest'), 'damaged');
    const names = readdirSync(data);
    await expect(startPrimary({ data })).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
    expect(readdirSync(data).filter((name) => !name.startsWith('lock'))).toEqual(names);
  });

  it('shows a moment of the past under its secret, and is given none by that', async () => {
    const { data, order } = await stopped();
    const until = String(Date.now());
    const look = () => startPrimary({ data, until, readOnly: true, listen: ':0' });
    expect(await orderIn(await look())).toBe(order);
    rmSync(join(data, 'hash-secret'));
    expect((await look()).keyCount()).toBe(200);
    expect(existsSync(join(data, 'hash-secret'))).toBe(false);
  });
});

it('a disk that fails at any operation keeps the old secret, the new one or none', async () => {
  for (let failing = 0; failing < 6; failing += 1) {
    const files = new LossyDisk();
    await keepHashSecret(files, 1n);
    let operations = 0;
    files.before = () => {
      if (operations++ === failing) throw new Error('the disk is full');
    };
    await keepHashSecret(files, 2n);
    files.before = () => {};
    expect([1n, 2n]).toContain(await readHashSecret(files));
    await keepHashSecret(files, 3n);
    expect(await readHashSecret(files)).toBe(3n);
  }
});

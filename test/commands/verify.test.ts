import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { fillNode, primaryNode, replicaNode } from '../support/compared.js';
import { closesLater, directory } from '../support/library.js';
import { runCommand } from '../support/run-command.js';
import { tlsFile } from '../support/tls.js';

const verify = (...args: string[]) => runCommand(['verify', ...args]);

it('verify lists what differs, repairs it, and ends with 0 only where both are equal', async () => {
  const token = 'a token that nobody guesses';
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const primary = await primaryNode({ token });
  fillNode(primary, 0, 200);
  const replica = await replicaNode(primary, { token });
  const [first, second] = [primary.bindAddress!, replica.bindAddress!];
  expect((await verify(first, second)).status).toBe(77);
  const flags = ['--token-file', tokenFile];
  expect(await verify(first, second, ...flags)).toEqual({
    status: 0,
    stdout: `${first} ↔ ${second}: equal, 200 keys\n`,
    stderr: '',
  });
  replica.engine.set('key:1', 'another');
  replica.engine.set('added \u001b[31m', 'x');
  const found = await verify(first, second, ...flags, '--json');
  expect(found.status).toBe(1);
  const json = JSON.parse(found.stdout);
  expect(json).toMatchObject({
    sides: [
      { name: first, keys: 200 },
      { name: second, keys: 201 },
    ],
    isEqual: false,
    isOneHistory: true,
    isWhole: true,
    changingKeys: 0,
    behindKeys: 0,
  });
  expect(json.differences).toEqual(
    expect.arrayContaining([
      { key: 'key:1', differs: 'value', shard: expect.any(Number) },
      { key: 'added \u001b[31m', differs: 'only-second', shard: expect.any(Number) },
    ]),
  );
  const text = await verify(first, second, ...flags);
  expect(text.status).toBe(1);
  expect(text.stdout).toContain('another value       "key:1"\n');
  expect(text.stdout).toContain('only in the second  "added \\x1b[31m"\n');
  expect(text.stdout).toContain(': 2 keys differ\n');
  const turned = await verify(second, first, ...flags, '--repair');
  expect(turned).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('REPAIR_REFUSED') });
  const repaired = await verify(first, second, ...flags, '--repair');
  expect(repaired).toMatchObject({ status: 0, stderr: '' });
  expect(repaired.stdout).toContain(': 2 keys published again; now equal, 200 keys\n');
  expect(replica.engine.get('key:1')?.toString()).toBe('value 1');
});

it('verify ends with 3 for an older server, and with the status of its fault where there is nobody', async () => {
  const primary = await primaryNode();
  // It answers as one did that knew no comparison.
  const margin = new Map([['history', 'ab'.repeat(16)]]);
  const answer = encodeHelloFrame({ role: 'replica', watermarks: [1n] }, { margin });
  const server = createServer((socket) => socket.once('data', () => socket.write(answer)).resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closesLater({ close: async () => void server.close() });
  const older = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = await verify(primary.bindAddress!, older);
  expect(found.status).toBe(3);
  expect(found.stderr).toContain('is a server of an older fastcache');
  expect(found.stderr).toContain('COMPARE_REFUSED');
  expect((await verify(primary.bindAddress!, 'nothing.fcrp')).status).toBe(66);
  expect((await verify(primary.bindAddress!, '127.0.0.1:1')).status).toBe(69);
});

it('verify names long keys by beginning, length and hash, and says which a repair leaves', async () => {
  const primary = await primaryNode();
  primary.engine.set(Buffer.alloc(40_000, 'a'), '1');
  const replica = await replicaNode(primary);
  const [first, second] = [primary.bindAddress!, replica.bindAddress!];
  replica.engine.del(Buffer.alloc(40_000, 'a'));
  replica.engine.set(Buffer.alloc(50_000, 'b'), '2');
  const found = await verify(first, second);
  expect(found.status).toBe(1);
  expect(found.stdout).toMatch(/^only in the first {3}"a{20,}…" \(40000 bytes\), hash [0-9a-f]{16}$/m);
  const repaired = await verify(first, second, '--repair', '--json');
  expect(repaired.status).toBe(1);
  const json = JSON.parse(repaired.stdout);
  expect(json).toMatchObject({ publishedKeys: 1, isRepaired: false, beyondRepair: 1 });
  expect(json.differences).toContainEqual({
    keyBeginning: 'b'.repeat(256),
    keyBytes: 50_000,
    keyHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    differs: 'only-second',
    shard: expect.any(Number),
  });
  const again = await verify(first, second, '--repair');
  expect(again.status).toBe(1);
  expect(again.stdout).toContain('0 keys published again; now 1 key differs');
  expect(again.stdout).toContain('1 key of more than 32 KiB is only in the second, and not deleted there');
});

it('verify compares and repairs over TLS, and no server of an authority that is not trusted', async () => {
  const identity = { tls: true, tlsCert: tlsFile('server.crt'), tlsKey: tlsFile('server.key') };
  const primary = await primaryNode(identity);
  fillNode(primary, 0, 200);
  const replica = await replicaNode(primary, { ...identity, tlsCa: tlsFile('ca.crt') });
  const [first, second] = [primary.bindAddress!, replica.bindAddress!];
  // The replica asks for a certificate, for it has been given an authority.
  const own = ['--tls-cert', tlsFile('client.crt'), '--tls-key', tlsFile('client.key')];
  const trusting = ['--tls', '--tls-ca', tlsFile('ca.crt'), ...own];
  expect(await verify(first, second, ...trusting)).toMatchObject({ status: 0, stderr: '' });
  replica.engine.set('key:1', 'another');
  expect((await verify(first, second, ...trusting)).status).toBe(1);
  const wrong = await verify(first, second, '--tls', '--tls-ca', tlsFile('other-ca.crt'), ...own);
  expect(wrong).toMatchObject({ status: 69, stdout: '', stderr: expect.stringContaining('--tls-ca') });
  expect((await verify(first, second)).status).toBe(69);
  const repaired = await verify(first, second, ...trusting, '--repair');
  expect(repaired).toMatchObject({ status: 0, stderr: '' });
  expect(repaired.stdout).toContain('1 key published again; now equal');
  expect(replica.engine.get('key:1')?.toString()).toBe('value 1');
});

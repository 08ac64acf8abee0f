/** The role file: a server has its last role again, and it does not hide that it has lost its content. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LogEvent, Primary, Replica, Server, type ServerOptions } from '../../src/index.js';
import { decodeRole, encodeRole, type KeptRole, RoleKeeper } from '../../src/server/role-file.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { clientOf, closesLater, directory, infoOf, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import type { RespClient } from '../support/resp-client.js';

let fileCount = 0;
function newFile(): string {
  fileCount += 1;
  return join(directory, `${fileCount}.role`);
}

async function serve(options: ServerOptions): Promise<Server> {
  const server = await Server.start({ listen: ':0', reconnectBackoffMs: 10, ...options });
  closesLater(server);
  return server;
}

function roleIn(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function say(client: RespClient, ...command: string[]): Promise<string> {
  return String(await client.command(...command));
}

function warningsOf(server: { on(name: 'log', listener: (event: LogEvent) => void): unknown }): string[] {
  const warnings: string[] = [];
  server.on('log', ({ level, message }) => {
    if (level !== 'info') warnings.push(message);
  });
  return warnings;
}

/** A role file of a primary that had data. */
async function formerPrimary(): Promise<string> {
  const roleFile = newFile();
  const server = await serve({ roleFile });
  server.set('key', 'value');
  await server.close();
  return roleFile;
}

describe('a role', () => {
  const role: KeptRole = {
    primary: { host: '10.0.0.1', port: 6_379 },
    history: 'a'.repeat(32),
    nodeId: '0123456789abcdef',
    announced: { host: '::1', port: 7_000 },
  };

  it.each<[string, Partial<KeptRole>]>([
    ['of a replica', {}],
    ['of a primary', { primary: undefined }],
    ['without a history', { history: undefined }],
    ['that announces nothing', { announced: { host: '', port: 0 } }],
    ['that announces a port', { announced: { host: '', port: 7_000 } }],
    ['that announces a host', { announced: { host: 'redis.example', port: 0 } }],
  ])('%s is read as it was written', (_, fields) => {
    expect(decodeRole(encodeRole({ ...role, ...fields }))).toEqual({ ...role, ...fields });
  });

  it.each<[string, (fields: Record<string, unknown>) => unknown]>([
    ['no JSON', () => '{'],
    ['a list', () => []],
    ['nothing', () => ''],
    ['another format', (fields) => ({ ...fields, format: 'x' })],
    ['a later version', (fields) => ({ ...fields, version: 2 })],
    ['an unknown role', (fields) => ({ ...fields, role: 'sentinel' })],
    ['a replica of nobody', (fields) => ({ ...fields, primary: null })],
    ['a primary that follows', (fields) => ({ ...fields, role: 'primary' })],
    ['an address that is none', (fields) => ({ ...fields, primary: 'a b:1' })],
    ['a history that is none', (fields) => ({ ...fields, history: 'x' })],
    ['an id that is none', (fields) => ({ ...fields, node: 7 })],
    ['an announced place that is none', (fields) => ({ ...fields, announce: 'nowhere' })],
    ['more than a role takes', (fields) => ({ ...fields, more: 'x'.repeat(5_000) })],
  ])('with %s is unusable, and the file is named', async (_, change) => {
    const roleFile = newFile();
    const changed = change(JSON.parse(encodeRole(role).toString()));
    writeFileSync(roleFile, typeof changed === 'string' ? changed : JSON.stringify(changed));
    await expect(Server.start({ listen: ':0', roleFile })).rejects.toMatchObject({
      code: 'STATE_UNUSABLE',
      file: roleFile,
      message: expect.stringContaining('move it away'),
    });
  });
});

it('a primary that was made a replica begins as that again, with its id and what it announces', async () => {
  const roleFile = newFile();
  const primary = await startPrimary();
  primary.set('key', 'value');
  const [host, port] = primary.bindAddress.split(':') as [string, string];
  const before = await serve({ roleFile, announce: ':7000' });
  const { node } = roleIn(roleFile);
  expect(roleIn(roleFile)).toMatchObject({ role: 'primary', primary: null, announce: ':7000' });
  const client = await clientOf(before.listenAddress);
  expect(await say(client, 'REPLICAOF', host, port)).toBe('+OK');
  await say(client, 'CONFIG', 'SET', 'replica-announce-port', '7001');
  expect(await say(client, 'CONFIG', 'REWRITE')).toBe('+OK');
  const kept = { role: 'replica', primary: primary.bindAddress, node, announce: ':7001' };
  expect(roleIn(roleFile)).toMatchObject(kept);
  await before.close();

  const again = await Primary.start({ listen: ':0', bind: ':0', roleFile });
  closesLater(again);
  const warnings = warningsOf(again);
  expect(again.primary).toBe(primary.bindAddress);
  await eventually(
    () => again.get('key')?.toString(),
    (value) => value === 'value',
  );
  expect(roleIn(roleFile)).toMatchObject(kept);
  expect(warnings[0]).toContain(`${roleFile} says that this server follows ${primary.bindAddress}`);
  expect(warnings[0]).toContain('REPLICAOF NO ONE promotes it');
  await eventually(
    () => primary.replicas()[0]?.announced,
    (announced) => announced === '127.0.0.1:7001',
  );
  await again.close();

  const other = await serve({ roleFile, announce: ':7002', replicaOf: primary.bindAddress });
  const others = warningsOf(other);
  await eventually(
    () => primary.replicas()[0]?.announced,
    (announced) => announced === '127.0.0.1:7002',
  );
  expect(others).toEqual([`:7002 is announced, and not :7001 of ${roleFile}`]);
});

it('a replica that was promoted leads from its next start on, and does not hide what it has lost', async () => {
  const roleFile = newFile();
  const primary = await startPrimary();
  primary.set('key', 'value');
  const before = await serve({ roleFile, replicaOf: primary.bindAddress });
  await eventually(
    () => before.keyCount(),
    (count) => count === 1,
  );
  before.promote();
  await before.close();
  expect(roleIn(roleFile)).toMatchObject({ role: 'primary', history: before.history });

  const again = await Replica.follow(primary.bindAddress, { listen: ':0', roleFile });
  closesLater(again);
  const warnings = warningsOf(again);
  expect(again).toMatchObject({ primary: undefined, lacksData: true });
  const client = await clientOf(again.listenAddress);
  expect(await say(client, 'PING')).toMatch(/^-NODATA /);
  expect(warnings.join('\n')).toContain(`it does not follow ${primary.bindAddress}`);
  expect(warnings.at(-1)).toContain('has come back without its data');
  const [host, port] = primary.bindAddress.split(':') as [string, string];
  // As Sentinel has it done.
  expect(await say(client, 'MULTI')).toBe('+OK');
  for (const command of [
    ['SLAVEOF', host, port],
    ['CONFIG', 'REWRITE'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ]) {
    expect(await say(client, ...command)).toBe('+QUEUED');
  }
  expect((await client.command('EXEC')) as unknown as Buffer[]).toMatchObject(['+OK', '+OK', 0]);
  await eventually(
    () => again.get('key')?.toString(),
    (value) => value === 'value',
  );
  expect(await say(client, 'GET', 'key')).toBe('value');
  expect(again.lacksData).toBe(false);
  await again.close();
  expect(roleIn(roleFile)).toMatchObject({ role: 'replica', primary: primary.bindAddress });
});

describe('a primary that had data and begins with none', () => {
  it('lacks it until somebody says that it begins anew', async () => {
    const roleFile = await formerPrimary();
    const lacking = await serve({ roleFile });
    expect(lacking.lacksData).toBe(true);
    await lacking.close();
    // The end of a run without data is no new beginning.
    const server = await serve({ roleFile });
    const client = await clientOf(server.listenAddress);
    expect(await say(client, 'PING')).toMatch(/^-NODATA /);
    expect(await say(client, 'REPLICAOF', 'NO', 'ONE')).toMatch(/^-NODATA /);
    expect(await say(client, 'CONFIG', 'SET', 'fresh-history', 'yes')).toBe('+OK');
    expect(await say(client, 'SET', 'key', 'new')).toBe('+OK');
    expect((await infoOf(client)).has('lacks_data')).toBe(false);
  });

  it('begins with --fresh, with a dump, and with what a replica gives back', async () => {
    const fresh = await serve({ roleFile: await formerPrimary(), freshHistory: true });
    expect(fresh.lacksData).toBe(false);
    const record = join(directory, 'recorded.fcrp');
    const recording = await serve({ record });
    recording.set('key', 'value');
    await recording.close();
    const loaded = await serve({ roleFile: await formerPrimary(), load: record });
    expect([loaded.lacksData, loaded.get('key')?.toString()]).toEqual([false, 'value']);
    const primary = await startPrimary();
    primary.set('key', 'given back');
    const holder = await serve({ replicaOf: primary.bindAddress, bind: ':0' });
    await eventually(
      () => holder.keyCount(),
      (count) => count === 1,
    );
    await primary.close();
    const recovered = await serve({ roleFile: await formerPrimary(), recover: [holder.bindAddress!] });
    expect([recovered.lacksData, recovered.get('key')?.toString()]).toEqual([false, 'given back']);
  });
});

it('a start leaves a role file that says the same as it is, and writes one that has gone', async () => {
  const roleFile = newFile();
  const data = newFile();
  const first = await serve({ data, roleFile });
  first.set('key', 'value');
  await first.close();
  const { ino } = statSync(roleFile);
  const second = await serve({ data, roleFile });
  expect(statSync(roleFile).ino).toBe(ino);
  await second.close();
  // A replaced file is another one.
  expect(statSync(roleFile).ino).not.toBe(ino);
  const kept = decodeRole(readFileSync(roleFile));
  rmSync(roleFile);
  const { files } = systemNodeSeams;
  const keeper = new RoleKeeper({ file: roleFile, files, fileMode: '600', kept, role: () => kept });
  await keeper.save();
  expect(decodeRole(readFileSync(roleFile))).toEqual(kept);
});

it('a start that has another role than the file writes it, and what follows is written however it was', async () => {
  const roleFile = newFile();
  await (await serve({ data: newFile(), roleFile })).close();
  const kept = decodeRole(readFileSync(roleFile));
  let role: KeptRole = { ...kept, primary: { host: '127.0.0.1', port: 7631 } };
  const { files } = systemNodeSeams;
  const keeper = new RoleKeeper({ file: roleFile, files, fileMode: '600', kept, role: () => role });
  await keeper.save();
  expect(decodeRole(readFileSync(roleFile))).toEqual(role);
  role = kept;
  await keeper.save();
  expect(decodeRole(readFileSync(roleFile))).toEqual(kept);
});

it('a primary that was never written to lacks nothing after an orderly end', async () => {
  const roleFile = newFile();
  await (await serve({ roleFile })).close();
  expect(roleIn(roleFile)).toMatchObject({ role: 'primary', history: null });
  expect((await serve({ roleFile })).lacksData).toBe(false);
});

it('CONFIG REWRITE says what Redis says without a file, and when the file cannot be written', async () => {
  const without = await clientOf((await serve({})).listenAddress);
  expect(await say(without, 'CONFIG', 'REWRITE')).toBe('-ERR The server is running without a config file');
  const folder = join(directory, 'folder');
  mkdirSync(folder);
  const server = await serve({ roleFile: join(folder, 'server.role') });
  const errors = warningsOf(server);
  const client = await clientOf(server.listenAddress);
  rmSync(folder, { recursive: true });
  expect(await say(client, 'CONFIG', 'REWRITE')).toMatch(/^-ERR Rewriting config file: .*ENOENT/);
  expect(await say(client, 'REPLICAOF', '127.0.0.1', '1')).toBe('+OK');
  await eventually(
    () => errors,
    (all) => all.some((message) => message.includes('the role is not kept in')),
  );
  mkdirSync(folder);
  expect(await say(client, 'CONFIG', 'REWRITE')).toBe('+OK');
  expect(roleIn(join(folder, 'server.role'))).toMatchObject({ role: 'replica', primary: '127.0.0.1:1' });
});

it('a server that cannot open its port leaves the file of the one that runs as it is', async () => {
  const roleFile = newFile();
  const listen = `127.0.0.1:${await freePort()}`;
  const running = await serve({ roleFile, listen });
  running.set('key', 'value');
  const before = readFileSync(roleFile);
  await expect(Server.start({ roleFile, listen, replicaOf: '127.0.0.1:1' })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
  });
  expect(readFileSync(roleFile)).toEqual(before);
  expect(existsSync(`${roleFile}.new`)).toBe(false);
});

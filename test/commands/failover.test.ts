import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { startWithLagging } from '../support/lagging-pair.js';
import { directory } from '../support/library.js';
import { startOddServer, stringReply } from '../support/odd-server.js';
import { closedBehind, say, start } from '../support/open-front.js';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';
import { tlsFile } from '../support/tls.js';

const PASSWORD = 'a password that nobody guesses';

it('failover has a primary hand over, says who leads, and why it does not', async () => {
  const { primary } = await start({ password: PASSWORD });
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  const failover = (address: string, ...flags: string[]) =>
    runCommand(['failover', address, '--password-file', passwordFile, ...flags]);
  const at = primary.listenAddress!;

  expect((await runCommand(['failover', at])).status).toBe(77);
  const lonely = await failover(at);
  expect(lonely.status).toBe(1);
  expect(lonely.stderr).toContain('FAILOVER requires connected replicas');
  expect((await failover(at, '--force')).status).toBe(2);

  const replica = closedBehind(
    await Replica.follow(primary.bindAddress, { listen: ':0', password: PASSWORD }),
  );
  await isCaughtUp({ primary, replica });
  primary.set('key', 'value');
  const done = await failover(at, '--to', replica.listenAddress!);
  expect(done).toMatchObject({ status: 0, stderr: '' });
  expect(done.stdout).toMatch(/^\S+ is the primary now, and \S+ follows it \(\d+ ms\)\.\n$/);
  expect(done.stdout.split(' ')[0]).toBe(replica.listenAddress);
  expect(replica.get('key')?.toString()).toBe('value');

  const asked = await failover(at);
  expect(asked.status).toBe(1);
  expect(asked.stderr).toContain(`${at} is a replica; ask its primary, ${replica.listenAddress}`);

  const back = await failover(replica.listenAddress!, '--json', '--timeout', '0');
  expect(JSON.parse(back.stdout)).toEqual({
    outcome: 'done',
    from: replica.listenAddress,
    to: at,
    reason: null,
    durationMs: expect.any(Number),
  });
  expect(primary.primary).toBeUndefined();
});

it('SIGINT calls a failover off, and the server takes writes again', async () => {
  const { primary, client } = await startWithLagging();
  const failover = new FastcacheProcess(['failover', primary.listenAddress!, '--timeout', '0']);
  await eventually(
    () => say(client, 'INFO', 'replication'),
    (info) => info.includes('master_failover_state:waiting-for-sync'),
  );
  failover.child.kill('SIGINT');
  expect(JSON.parse(await failover.nextLine())).toMatchObject({
    outcome: 'given-up',
    from: primary.listenAddress,
    to: null,
    reason: 'an operator has asked for it',
  });
  expect((await failover.exited).code).toBe(1);
  expect(await say(client, 'SET', 'key', 'written')).toBe('+OK');
});

it('failover speaks TLS to a primary that has no plain port, and to nobody else', async () => {
  const options = {
    tls: true,
    tlsCert: tlsFile('server.crt'),
    tlsKey: tlsFile('server.key'),
    tlsCa: tlsFile('ca.crt'),
    listen: false,
    listenTls: ':0',
  } as const;
  const { primary } = await start(options);
  const replica = closedBehind(await Replica.follow(primary.bindAddress, options));
  await isCaughtUp({ primary, replica });
  const from = primary.listenTlsAddress!;
  const trusting = ['--tls', '--tls-ca', tlsFile('ca.crt')];
  const identity = ['--tls-cert', tlsFile('client.crt'), '--tls-key', tlsFile('client.key')];

  expect((await runCommand(['failover', from])).status).toBe(69);
  expect((await runCommand(['failover', from, ...trusting])).status).toBe(69);
  const done = await runCommand(['failover', from, ...trusting, ...identity]);
  expect(done).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`${replica.listenTlsAddress} is the primary now, and ${from} follows it`),
  });
});

it.each([
  ['no part at all', ''],
  ['a part that is none', 'role:sentinel\r\n'],
  ['a replica of nobody', 'role:slave\r\nmaster_host:10.0.0.1\r\n'],
  ['a primary that knows of no failovers', 'role:master\r\n'],
])('failover refuses a server that answers with %s, and says what to give it', async (_, info) => {
  const server = await startOddServer((asked) => (asked.includes('INFO') ? stringReply(info) : '+OK\r\n'));
  const { status, stderr } = await runCommand(['failover', server]);
  expect([status, stderr]).toEqual([1, expect.stringContaining('give the Redis port of a primary')]);
  expect(stderr).toContain('REPLY_MALFORMED');
});

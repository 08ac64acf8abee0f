/** Redis' own tools over TLS: redis-cli, and a Sentinel that fails over between two servers of ours. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { directory, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually, freePort, LineProcess } from '../support/processes.js';
import { redisServer } from '../support/redis.js';
import { tlsFile } from '../support/tls.js';

const PASSWORD = 'a password of some length';
/** Everything is encrypted, everybody presents a certificate, and no port is plain. */
const OPTIONS = {
  tls: true,
  tlsCert: tlsFile('server.crt'),
  tlsKey: tlsFile('server.key'),
  tlsCa: tlsFile('ca.crt'),
  listen: false,
  listenTls: ':0',
  password: PASSWORD,
} as const;

const portOf = (address: string | undefined) => address!.split(':')[1]!;

async function redisCli(port: string, ...args: string[]): Promise<string> {
  const identity = ['--tls', '--cacert', OPTIONS.tlsCa, '--cert', OPTIONS.tlsCert, '--key', OPTIONS.tlsKey];
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', port, ...identity, ...args], {
    env: { ...process.env, REDISCLI_AUTH: PASSWORD },
  });
  return stdout.trim();
}

describeWith(redisServer, 'Redis over TLS', () => {
  it('redis-cli and a Sentinel speak to servers that have no plain port', async () => {
    const primary = await startPrimary({ ...OPTIONS, bind: '127.0.0.1:0' });
    const replica = await follow(primary.listenTlsAddress!, OPTIONS);
    const port = portOf(primary.listenTlsAddress);
    expect(await redisCli(port, 'SET', 'key', 'value')).toBe('OK');
    expect(await redisCli(port, 'WAIT', '1', '20000')).toBe('1');

    const sentinelPort = String(await freePort());
    const file = join(directory, 'sentinel.conf');
    writeFileSync(
      file,
      `port 0
tls-port ${sentinelPort}
tls-replication yes
tls-cert-file ${OPTIONS.tlsCert}
tls-key-file ${OPTIONS.tlsKey}
tls-ca-cert-file ${OPTIONS.tlsCa}
dir ${directory}
sentinel monitor main 127.0.0.1 ${port} 1
sentinel auth-pass main "${PASSWORD}"
sentinel down-after-milliseconds main 2000
requirepass "${PASSWORD}"
`,
    );
    const sentinel = new LineProcess('redis-server', [file, '--sentinel']);
    const view = () => redisCli(sentinelPort, 'INFO', 'sentinel').catch(String);
    await eventually(view, (text) => text.includes(`status=ok,address=127.0.0.1:${port},slaves=1`));

    const promoted = portOf(replica.listenTlsAddress);
    await eventually(
      () => redisCli(sentinelPort, 'SENTINEL', 'FAILOVER', 'main'),
      (reply) => reply === 'OK',
    );
    await eventually(view, (text) => text.includes(`status=ok,address=127.0.0.1:${promoted},slaves=1`));
    await eventually(
      () => redisCli(promoted, 'INFO', 'replication'),
      (text) => text.includes('role:master') && text.includes(`port=${port},state=online`),
    );
    expect(await redisCli(promoted, 'GET', 'key')).toBe('value');
    await sentinel.kill();
  });
});

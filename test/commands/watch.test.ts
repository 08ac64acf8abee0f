/** `watch`: the changes of keys, of a primary and of a replica. */
import { describe, expect, it } from 'vitest';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

/** Runs `watch`, and `write` once the server lists it. */
async function watching(
  server: { replicas(): readonly { name?: string | undefined }[] },
  args: string[],
  write: () => void,
) {
  const ended = runCommand(['watch', ...args]);
  await eventually(
    () => server.replicas().some(({ name }) => name === 'watch'),
    (isListed) => isListed,
  );
  write();
  return ended;
}

describe('watch', () => {
  it('shows what is done to keys that start so, from when it begins, and ends after as many as it is told', async () => {
    const primary = await startPrimary({ listen: ':0' });
    primary.set('user:0', 'before');
    const args = ['user:', '--limit', '3', '--endpoint', primary.listenAddress!];
    const { status, stdout, stderr } = await watching(primary, args, () => {
      primary.set('user:1', '{"name":"ada"}');
      primary.set('order:1', 'not shown');
      primary.set('user:\u001b2', 'x'.repeat(500));
      primary.del('user:1');
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    // Records of one shard come in their order, those of different shards in any.
    const shown = lines.map((line) => line.replace(/^\S+Z {2}/, '')).sort();
    expect(shown).toEqual([
      'del     "user:1"',
      `set     "user:1" = '{"name":"ada"}'`,
      expect.stringMatching(/^set {5}"user:\\x1b2" = "x+…" \(500 bytes\)$/),
    ]);
    await eventually(
      () => primary.replicas().length,
      (left) => left === 0,
    );
  }, 30_000);

  it('shows those of a replica as JSON', async () => {
    const primary = await startPrimary({});
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    await isCaughtUp({ primary, replica });
    const args = ['--limit', '1', '--json', '--endpoint', replica.listenAddress!];
    const { status, stdout } = await watching(replica, args, () => primary.set('key', Buffer.from([0xff])));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      op: 'set',
      key: 'key',
      valueBase64: '/w==',
      expireAtMs: null,
    });
  }, 30_000);

  it('ends where no server is, and where the password is wrong', async () => {
    const nobody = await runCommand(['watch', '--endpoint', `127.0.0.1:${await freePort()}`]);
    expect(nobody.status).toBe(69);
    const guarded = await startPrimary({ listen: ':0', password: 'sesame' });
    const refused = await runCommand(['watch', '--endpoint', guarded.listenAddress!]);
    expect(refused.status).toBe(77);
  }, 30_000);
});

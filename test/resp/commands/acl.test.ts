/** ACL of the one user. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

describeWith(redisServer, 'ACL answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each([
    ['ACL WHOAMI', 'acl whoami', 'ACL WHOAMI x', 'ACL USERS', 'ACL USERS x', 'ACL LIST', 'ACL LIST x'],
    ['ACL GETUSER default', 'ACL GETUSER nobody', 'ACL GETUSER Default', 'ACL GETUSER'],
    ['ACL CAT', 'ACL CAT foo', 'ACL CAT bitmap x', 'ACL CAT hyperloglogs', 'ACL', 'ACL FOO'],
    ['ACL GENPASS 0', 'ACL GENPASS -5', 'ACL GENPASS 4097', 'ACL GENPASS x', 'ACL GENPASS 5 x'],
    [
      'ACL DRYRUN default GET',
      'ACL DRYRUN default get a',
      'ACL DRYRUN default nosuch a',
      'ACL DRYRUN nobody get a',
    ],
    ['ACL DRYRUN default', 'ACL DRYRUN default CONFIG', 'ACL DRYRUN default client getname'],
    ['ACL LOG', 'ACL LOG RESET', 'ACL LOG 5', 'ACL LOG x', 'ACL LOG 1 2'],
    ['ACL DELUSER default', 'ACL DELUSER nobody', 'ACL DELUSER nobody default', 'ACL DELUSER'],
    ['ACL SETUSER default', 'ACL SETUSER', 'ACL HELP', 'ACL HELP x'],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });

  it('LIST and GETUSER show the password by the same digest', async () => {
    const password = 'correct horse battery staple';
    const [, list, user] = await redis.answers([
      `CONFIG SET requirepass "${password}"`,
      'ACL LIST',
      'ACL GETUSER default',
    ]);
    const host = new ServerHost({ password });
    const client = host.newClient();
    expect(host.answer('ACL LIST', client)).toBe(list);
    expect(host.answer('ACL GETUSER default', client)).toBe(user);
  });
});

describe('ACL', () => {
  const host = new ServerHost();
  const client = host.newClient();

  it('GENPASS makes as many hex digits as the bits need, others each time', () => {
    const password = (line: string) => host.answer(line, client).split('\r\n')[1]!;
    expect(password('ACL GENPASS')).toMatch(/^[0-9a-f]{64}$/);
    expect(password('ACL GENPASS')).not.toBe(password('ACL GENPASS'));
    expect(password('ACL GENPASS 5')).toMatch(/^[0-9a-f]{2}$/);
    expect(password('ACL GENPASS 4096')).toHaveLength(1024);
  });

  it('CAT lists the commands that there are', () => {
    const names = host.answer('ACL CAT string', client).split('\r\n');
    expect(names).toEqual(expect.arrayContaining(['get', 'set', 'incrby']));
    expect(names).not.toContain('del');
    expect(host.answer('ACL CAT dangerous', client)).toContain('config|set');
    expect(host.answer('ACL CAT hash', client)).toBe('*0\r\n');
  });

  it.each([
    ['ACL SETUSER worker on', 'CONFIG SET requirepass'],
    ['ACL SETUSER default off', 'CONFIG SET requirepass'],
    ['ACL LOAD', '--password-file'],
    ['ACL SAVE', '--password-file'],
  ])('%s is refused, with what there is instead', (line, instead) => {
    expect(host.answer(line, client)).toMatch(/^-ERR /);
    expect(host.answer(line, client)).toContain(instead);
  });
});

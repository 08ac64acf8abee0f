/** Scripts and replicas: a script's writes arrive as records; on a replica scripts only read. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary, Replica } from '../../../src/index.js';
import { RespClient } from '../../support/resp-client.js';

const WRITE = 'return redis.call("SET", KEYS[1], ARGV[1])';
const READ = 'return redis.call("GET", KEYS[1])';

let primary: Primary;
let replica: Replica;
let onPrimary: RespClient;
let onReplica: RespClient;

beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  replica = await Replica.follow(primary.bindAddress!, { listen: ':0' });
  onPrimary = await RespClient.connect(primary.listenAddress!);
  onReplica = await RespClient.connect(replica.listenAddress!);
});
afterAll(async () => {
  onPrimary.close();
  onReplica.close();
  await replica.close();
  await primary.close();
});

it('the effects of a script reach a replica, whose scripts read them', async () => {
  expect(await onPrimary.command('EVAL', WRITE, '1', 'k', 'v')).toBe('+OK');
  expect(await onPrimary.command('WAIT', '1', '20000')).toBe(1);
  expect(await onReplica.command('EVAL', READ, '1', 'k')).toEqual(Buffer.from('v'));
});

it('a script that writes on a replica gets READONLY', async () => {
  await onPrimary.command('WAIT', '1', '20000');
  expect(await onReplica.command('EVAL', WRITE, '1', 'k', 'w')).toMatch(
    /^-READONLY You can't write against a read only replica\. script: [0-9a-f]{40}, on @user_script:1\.$/,
  );
  expect(await onReplica.command('EVAL', `#!lua\n${READ}`, '1', 'k')).toBe(
    "-READONLY You can't write against a read only replica.",
  );
});

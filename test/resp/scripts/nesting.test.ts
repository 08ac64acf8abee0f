/** A script's result is nested as deep as the script makes it, as far as JavaScript has room. */
import { expect, it } from 'vitest';
import { connect, start } from '../../support/open-front.js';
import { respCommand } from '../../support/resp-client.js';

const ERROR = '-ERR reached lua stack limit\r\n';
const MAP = 'redis.setresp(3) local a = {map={}} local b = {map={k=a}} a.map.k = b return a';

it.each([
  [
    'a table that contains itself',
    'local a = {}; local b = {a}; a[1] = b; return a',
    '*1\r\n'.repeat(800) + ERROR,
  ],
  ['a map that contains itself', MAP, `${'*2\r\n$1\r\nk\r\n'.repeat(799)}*2\r\n${ERROR}${ERROR}`],
  [
    'a table of 700 levels',
    'local a = {} for i = 1, 700 do a = {a} end return a',
    `${'*1\r\n'.repeat(700)}*0\r\n`,
  ],
])('%s is returned as far as it may be nested', async (_, script, reply) => {
  const { primary } = await start();
  const client = await connect(primary);
  client.write(Buffer.concat([respCommand('EVAL', script, '0'), respCommand('QUIT')]));
  expect((await client.untilClosed()).toString()).toBe(`${reply}+OK\r\n`);
});

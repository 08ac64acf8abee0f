/**
 * Scripts beside redis-server: their results, their errors, and the answers of the libraries of Redis' Lua,
 * byte for byte. The scripts are the lines of scripts.txt; `\n` in a line is a line break of its script.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary } from '../../../src/index.js';
import { describeWith } from '../../support/optional-peers.js';
import { RandomSource } from '../../support/random.js';
import { RedisServer, redisServer } from '../../support/redis.js';
import { expectAlike } from '../../support/scripted-pair.js';

const scripts = readFileSync(new URL('scripts.txt', import.meta.url), 'latin1')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => Buffer.from(line.replaceAll('\\n', '\n'), 'latin1'));

const PLAIN = 'return redis.call("get", KEYS[1])';
const PLAIN_SHA = '4ca238f611c9d0ae4e9a75a5dbac22aedc1e4421';

const commands: readonly string[][] = [
  ['EVAL', 'return 1', 'x'],
  ['EVAL', 'return 1', '-1'],
  ['EVAL', 'return 1', '3', 'a'],
  ['EVAL', 'return 1'],
  ['EVALSHA', 'abc', '0'],
  ['EVALSHA', 'f'.repeat(40), '0'],
  ['EVALSHA', 'f'.repeat(40), 'x'],
  ['SCRIPT', 'LOAD', PLAIN],
  ['EVALSHA', PLAIN_SHA, '1', 'k'],
  ['EVALSHA', PLAIN_SHA.toUpperCase(), '1', 'k'],
  ['EVALSHA_RO', PLAIN_SHA, '1', 'k'],
  ['SCRIPT', 'EXISTS', PLAIN_SHA, 'x', PLAIN_SHA],
  ['SCRIPT', 'FLUSH', 'SOON'],
  ['SCRIPT', 'FLUSH', 'SYNC'],
  ['SCRIPT', 'FLUSH', 'ASYNC', 'x'],
  ['SCRIPT', 'FLUSH'],
  ['SCRIPT', 'EXISTS', PLAIN_SHA],
  ['SCRIPT', 'KILL'],
  ['SCRIPT', 'LOAD', 'return ('],
  ['SCRIPT', 'NOSUCH'],
  ['SCRIPT'],
  ['EVAL_RO', 'return redis.call("set", "k", 1)', '0'],
  ['EVAL_RO', 'return redis.call("get", "k")', '0'],
  ['EVAL', '#!lua flags=no-writes\nreturn redis.call("set", "k", 1)', '0'],
  ['EVAL', '#!lua flags=no-writes,allow-stale,allow-oom,no-cluster,allow-cross-slot-keys\nreturn 1', '0'],
  ['EVAL', '#!lua\nreturn redis.call("set", "k", 1)', '0'],
  ['EVAL_RO', '#!lua\nreturn 1', '0'],
  ['EVAL', '#!lua flags=nonsense\nreturn 1', '0'],
  ['EVAL', '#!lua name=x\nreturn 1', '0'],
  ['EVAL', '#!js\nreturn 1', '0'],
  ['EVAL', '#!lua', '0'],
  ['EVAL', '#!lua\n\nerror("line 3")', '0'],
  ['MULTI'],
  ['EVAL', 'return redis.call("incr", KEYS[1])', '1', 'n'],
  ['EVAL', 'return redis.call("incr", "x", 1)', '0'],
  ['INCR', 'n'],
  ['EXEC'],
  ['COMMAND', 'GETKEYSANDFLAGS', 'EVAL', 'x', '2', 'a', 'b', 'c'],
  ['COMMAND', 'GETKEYS', 'EVALSHA_RO', 'x', '1', 'a'],
  ['CONFIG', 'SET', 'lua-time-limit', '4000'],
  ['CONFIG', 'GET', 'busy-reply-threshold'],
  ['CONFIG', 'SET', 'busy-reply-threshold', '-1'],
  ['CONFIG', 'SET', 'busy-reply-threshold', '5000'],
];

describeWith(redisServer, 'scripts beside redis-server', () => {
  let ours: Primary;
  let redis: RedisServer;
  let addresses: { ours: string; theirs: string };

  beforeAll(async () => {
    ours = await Primary.start({ bind: ':0', listen: ':0' });
    redis = await RedisServer.start('--databases', '1');
    addresses = { ours: ours.listenAddress!, theirs: `127.0.0.1:${redis.port}` };
  });
  afterAll(async () => {
    await ours.close();
    await redis.kill();
  });

  it.each(['2', '3'] as const)('return and fail alike in RESP%s', { timeout: 120_000 }, async (protocol) => {
    expect(scripts.length).toBeGreaterThan(350);
    const evaluations = scripts.map((script) => ['EVAL', script, '2', 'k1', 'k2', 'a1', 'a2']);
    await expectAlike(addresses, evaluations, protocol);
  });

  it.each(['2', '3'] as const)('are loaded, called and refused alike in RESP%s', async (protocol) => {
    await expectAlike(addresses, commands, protocol);
  });

  it('compute alike: random expressions of numbers and texts', { timeout: 120_000 }, async () => {
    const random = new RandomSource(11);
    const expressions = Array.from({ length: 1_500 }, () => `return tostring(${expression(random, 4)})`);
    await expectAlike(
      addresses,
      expressions.map((text) => ['EVAL', text, '0']),
      '2',
    );
  });
});

const LEAVES = ['1', '0.1', '-3', '1e15', '2^53', '7', '"10"', '"0x1f"', '123456789012345', '1/3', '100'];
/** Without the power, of which C and JavaScript differ for 1 and NaN. */
const OPERATORS = ['+', '-', '*', '/', '%', '..'];
const FUNCTIONS = ['math.floor', 'math.abs', 'tostring', 'tonumber', 'string.len', '#tostring'];

/** An expression that some of its parts make fail: those errors are compared, too. */
function expression(random: RandomSource, depth: number): string {
  if (depth === 0 || random.chance(0.15)) return random.pick(LEAVES);
  if (random.chance(0.25)) return `${random.pick(FUNCTIONS)}(${expression(random, depth - 1)})`;
  const left = expression(random, depth - 1);
  return `(${left} ${random.pick(OPERATORS)} ${expression(random, depth - 1)})`;
}

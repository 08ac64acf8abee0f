/** A script that runs for long: other clients wait, then are answered BUSY, and SCRIPT KILL ends it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Primary } from '../../../src/index.js';
import { RespClient, respCommand } from '../../support/resp-client.js';

const BUSY = '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';

let primary: Primary;
let script: RespClient;
let other: RespClient;

beforeEach(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  script = await RespClient.connect(primary.listenAddress!);
  other = await RespClient.connect(primary.listenAddress!);
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '200');
});
afterEach(async () => {
  script.close();
  other.close();
  await primary.close();
});

/** Sends a script and waits until others are answered BUSY. */
async function runBusy(text: string): Promise<void> {
  script.write(respCommand('EVAL', text, '0'));
  while ((await other.command('GET', 'k')) !== BUSY);
}

it.each([
  ['a loop', 'while true do end'],
  ['a loop that catches its errors', 'while true do pcall(function() while true do end end) end'],
  ['a coroutine', 'coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()'],
  ['the order of a sort', 'table.sort({3, 1, 2}, function() while true do end end)'],
  ['a replacement', '("x"):gsub("x", function() while true do end end)'],
  ['a metamethod', 'return setmetatable({}, {__index = function() while true do end end}).x'],
])('%s is killed', { timeout: 60_000 }, async (_, text) => {
  await runBusy(text);
  expect(await other.command('SCRIPT', 'KILL')).toBe('+OK');
  expect(await script.reply()).toMatch(
    /^-ERR Script killed by user with SCRIPT KILL\. script: [0-9a-f]{40}, on @user_script:1\.$/,
  );
  expect(await other.command('PING')).toBe('+PONG');
  expect(await other.command('SCRIPT', 'KILL')).toBe('-NOTBUSY No scripts in execution right now.');
});

it('what has written is not killed, nor ended by SHUTDOWN', async () => {
  await runBusy('redis.call("SET", "k", "v") while true do end');
  expect(await other.command('SCRIPT', 'KILL')).toMatch(/^-UNKILLABLE /);
  expect(await other.command('SHUTDOWN')).toBe(BUSY);
});

it('what has written ends by itself', { timeout: 60_000 }, async () => {
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '20');
  await runBusy('redis.call("SET", "k", "v") for i = 1, 1e7 do end return redis.call("GET", "k")');
  expect(await other.command('MULTI')).toBe('+OK');
  expect(await script.reply()).toEqual(Buffer.from('v'));
  expect(await other.command('DISCARD')).toBe('+OK');
});

it('before the threshold other commands wait, and see what the script has done', async () => {
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '0');
  script.write(
    respCommand('EVAL', 'for i = 1, 1e6 do end redis.call("SET", "k", "v") for i = 1, 1e6 do end', '0'),
  );
  const got: unknown[] = [];
  while (got.at(-1) === undefined || got.at(-1) === null) got.push(await other.command('GET', 'k'));
  expect(got.at(-1)).toEqual(Buffer.from('v'));
  expect(await script.reply()).toBeNull();
});

it('a transaction with such a script is one all the same', { timeout: 60_000 }, async () => {
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '0');
  const long = 'for i = 1, 1e6 do end return redis.call("INCR", "n")';
  const commands = [['MULTI'], ['INCR', 'n'], ['EVAL', long, '0'], ['INCR', 'n'], ['EXEC']];
  script.write(Buffer.concat(commands.map((args) => respCommand(...args))));
  const seen = new Set<string>();
  while (!seen.has('3')) seen.add(String(await other.command('GET', 'n')));
  expect([...seen].filter((value) => value !== 'null')).toEqual(['3']);
  expect((await script.replies(5)).at(-1)).toEqual([1, 2, 3]);
});

it('a node is closed while a script runs', async () => {
  await runBusy('while true do end');
  await primary.close();
});

it.each([
  [
    'script that has written',
    [['EVAL', 'redis.call("SET", "a", "1") LOOP redis.call("SET", "b", "1")', '0']],
  ],
  ['transaction', [['MULTI'], ['SET', 'a', '1'], ['EVAL', 'LOOP', '0'], ['SET', 'b', '1'], ['EXEC']]],
])('a node that is closed lets a %s end', { timeout: 60_000 }, async (_, commands) => {
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '0');
  const loop = 'for i = 1, 1e7 do end';
  const sent = commands.map((args) => respCommand(...args.map((arg) => arg.replace('LOOP', loop))));
  script.write(Buffer.concat(sent));
  while (primary.get('a') === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(primary.get('b')).toBeUndefined();
  await primary.close();
  expect([primary.get('a')?.toString(), primary.get('b')?.toString()]).toEqual(['1', '1']);
  expect((await script.replies(commands.length)).at(-1)).not.toBeInstanceOf(Error);
});

it('a node that is closed waits five seconds for a script that does not end', {
  timeout: 60_000,
}, async () => {
  const logged: string[] = [];
  primary.on('log', ({ message }) => logged.push(message));
  await runBusy('redis.call("SET", "a", "1") while true do end');
  await primary.close();
  expect(logged.join()).toMatch(/script [0-9a-f]{40} does not end: the server stops with a part/);
});

it.each([
  ['strings', 'local s = "x" while true do s = s .. s end'],
  ['lists', 'local t, s = {}, ("x"):rep(65536) for i = 1, 1e9 do t[i] = s .. i end'],
  ['a repetition', 'return ("x"):rep(1e9)'],
])('a script of too many %s ends with an error', { timeout: 120_000 }, async (_, text) => {
  await other.command('CONFIG', 'SET', 'busy-reply-threshold', '0');
  script.write(respCommand('EVAL', text, '0'));
  expect(await script.reply()).toMatch(/^-ERR not enough memory script: /);
  expect(await other.command('PING')).toBe('+PONG');
});

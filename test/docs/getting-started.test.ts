/**
 * The blocks of docs/getting-started.md, in the page's order, with free ports in place of its own. Its Python
 * is run where redis-py is (test/interop/redis-py.test.ts).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { pageBlocks } from '../support/page-blocks.js';
import { eventually, freePort, LineProcess, repositoryRoot } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const run = promisify(execFile);
const blocks = pageBlocks('docs/getting-started.md');
const [startPrimary, startReplica, session, ioredis, nodeRedis, , embedded, tap, watermarks] = blocks.map(
  ({ text }) => text,
);
const ports = new Map<string, number>();

beforeAll(async () => {
  for (const port of ['6380', '6381']) ports.set(port, await freePort());
  await serve(startPrimary!, '6380', '--bind', ':0');
  const replica = await serve(startReplica!, '6381');
  await eventually(
    () => replica.stderr,
    (log) => log.includes('caught-up'),
  );
});

it('has a session of redis-cli that goes as shown', async () => {
  for (const [, port, command, reply] of session!.matchAll(/\$ redis-cli -p (\d+) (.*)\n(.*)\n/g)) {
    const client = await RespClient.connect(`127.0.0.1:${ports.get(port!)}`);
    // The replica has it soon.
    await eventually(
      async () => String(await client.command(...command!.split(' '))).replace('+', ''),
      (answer) => answer === reply,
    );
    client.close();
  }
});

it('has programs for ioredis and node-redis, and with an embedded replica', async () => {
  expect(await program(ioredis!)).toBe("1 replica has it\nada [ '1', null ]\n");
  const readOnly = "READONLY You can't write against a read only replica.";
  expect(await program(nodeRedis!)).toBe(`1 replica has it\ngrace\n${readOnly}\n`);
  expect((await program(embedded!)).split('\n').sort()).toEqual([
    '',
    'up to date',
    'user:1 ada',
    'user:2 grace',
  ]);
});

it('has a tap, and a look at the replicas', async () => {
  // Without it the tap would have the port that the replica of the page has.
  expect(tap).toContain('--no-listen');
  const changes = (await fastcache(tap!)).trimEnd().split('\n');
  const keys = changes.map((line) => JSON.parse(line)).filter(({ type }) => type === 'entry');
  expect(keys.map(({ key }) => key).sort()).toEqual(['user:1', 'user:2']);
  expect(await fastcache(watermarks!)).toContain(`127.0.0.1:${ports.get('6381')}`);
});

it('has no block that is not run', () => {
  expect(blocks.map(({ language }) => language)).toEqual('sh sh console js js python js sh sh'.split(' '));
});

/** Starts the server of a block, which listens on the port that is used in place of `port`. */
async function serve(block: string, port: string, ...flags: string[]): Promise<LineProcess> {
  const listen = `127.0.0.1:${ports.get(port)}`;
  const server = new LineProcess(process.execPath, [...wordsOf(block), '--listen', listen, ...flags]);
  await server.nextLine((line) => line.includes('ready'));
  return server;
}

async function fastcache(block: string): Promise<string> {
  return (await run(process.execPath, wordsOf(block), { cwd: repositoryRoot })).stdout;
}

async function program(block: string): Promise<string> {
  const args = ['--input-type=module', '--eval', here(block)];
  return (await run(process.execPath, args, { cwd: repositoryRoot, timeout: 20_000 })).stdout;
}

function wordsOf(block: string): string[] {
  return here(block).trim().replace('fastcache', 'bin/run.js').split(' ');
}

/** With the ports of this test. */
function here(block: string): string {
  return block.replace(/\b638[01]\b/g, (port) => String(ports.get(port)));
}

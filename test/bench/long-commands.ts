/**
 * `npm run bench:long-commands [-- --rounds N]`: single commands that take long, ours and redis-server by
 * turns, each without a replica: how long until the client behind it is answered (docs/performance.md, "Long
 * commands").
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { FastcacheProcess } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { respCommand } from '../support/resp-client.js';
import { median } from './statistics.js';

/** One less than a million: a command has at most 1,048,576 arguments, in Redis a reply as many elements. */
const KEYS = 999_998;
const CLIENTS = 9_000;
const LCS_BYTES = 4_000;
const PONG = '+PONG\r\n';

/** One of the two servers. */
interface Server {
  readonly port: number;
  kill(): Promise<unknown>;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const servers = [await startFastcache(), await RedisServer.start('--maxclients', '10000')];
const sockets = await Promise.all(servers.map(({ port }) => connected(port)));

const keys = Array.from({ length: KEYS }, (_, at) => `key:${String((at * 7_919) % KEYS).padStart(12, '0')}`);
const value = 'v'.repeat(16);
const set = (part: readonly string[]) => encoded(['MSET', ...part.flatMap((key) => [key, value])]);
const [first, second] = [keys.slice(0, KEYS / 2), keys.slice(KEYS / 2)];
// The order matters: keys that are read and deleted were set before.
const commands = new Map<string, Buffer>([
  ['MSET of 500,000 new keys', set(first)],
  ['MSET of 500,000 more', set(second)],
  ['MSET of 500,000 that are there', set(first)],
  ['EXISTS of a million', encoded(['EXISTS', ...keys])],
  ['TOUCH of a million', encoded(['TOUCH', ...keys])],
  ['MGET of a million', encoded(['MGET', ...keys])],
  ['KEYS * at a million keys', respCommand('KEYS', '*')],
  ['DEL of a million', encoded(['DEL', ...keys])],
  ['(keys again)', Buffer.concat([set(first), set(second)])],
  ['UNLINK of a million', encoded(['UNLINK', ...keys])],
]);
const letters = (step: number) =>
  Buffer.from(Array.from({ length: LCS_BYTES }, (_, at) => 97 + ((at * at * step) % 23)));
const lcs = respCommand('LCS', 'lcs:1', 'lcs:2', 'IDX');
/** At each byte of the key, the class is looked through in vain. */
const glob = respCommand('KEYS', `*[${'b'.repeat(10_000)}]z`);

const tookMs = new Map<string, [number[], number[]]>();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, bytes] of commands) await byTurns(round, name, bytes);
  const prepared = Buffer.concat([
    respCommand('MSET', 'lcs:1', letters(3), 'lcs:2', letters(5), Buffer.alloc(100_000, 'a'), ''),
  ]);
  await byTurns(round, '(values again)', prepared);
  await byTurns(round, 'LCS IDX of 4,000 bytes', lcs);
  await byTurns(round, 'KEYS, class of 10 KB on a key of 100 KB', glob);
  await byTurns(round, '(empty again)', respCommand('FLUSHALL'));
}
const crowds = await Promise.all(servers.map(({ port }) => crowd(port)));
for (let round = 0; round < Number(values.rounds); round++) {
  await byTurns(round, 'CLIENT LIST of 9,000', respCommand('CLIENT', 'LIST'));
}
for (const socket of [...crowds.flat(), ...sockets]) socket.destroy();
await Promise.all(servers.map((server) => server.kill()));

for (const [name, [ours, theirs]] of tookMs) {
  if (name.startsWith('(')) continue;
  const [own, other] = [median(ours), median(theirs)];
  const row = [own.toFixed(0).padStart(6), other.toFixed(0).padStart(6), `x${(own / other).toFixed(2)}`];
  console.log(`${name.padEnd(42)} ${row.join('  ')}  ${JSON.stringify([ours, theirs].map(whole))}`);
}

/** Encodes a command of a million arguments, which no call could be given one by one. */
function encoded(args: readonly string[]): Buffer {
  const parts = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
  return Buffer.from(`*${args.length}\r\n${parts.join('')}`);
}

async function startFastcache(): Promise<Server> {
  const primary = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0']);
  const { listen } = await primary.event('ready');
  return { port: Number(String(listen).split(':').at(-1)), kill: () => primary.kill() };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Opens clients, some at a time, for a backlog of connections is short. */
async function crowd(port: number): Promise<Socket[]> {
  const clients: Socket[] = [];
  while (clients.length < CLIENTS) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => connected(port)))));
  }
  return clients;
}

/** Times the command on both servers, the one that was second last time first. */
async function byTurns(round: number, name: string, bytes: Buffer): Promise<void> {
  const times = tookMs.get(name) ?? [[], []];
  tookMs.set(name, times);
  for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) times[at]!.push(await timeMs(sockets[at]!, bytes));
}

/** Returns the ms until a PING behind the command is answered; the replies are not parsed. */
function timeMs(socket: Socket, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    let end = '';
    const begun = performance.now();
    const onData = (chunk: Buffer) => {
      end = (end + chunk.subarray(-PONG.length).toString('latin1')).slice(-PONG.length);
      if (end !== PONG) return;
      socket.off('data', onData);
      resolve(performance.now() - begun);
    };
    socket.on('data', onData);
    socket.write(bytes);
    socket.write('PING\r\n');
  });
}

function whole(times: readonly number[]): number[] {
  return times.map((ms) => Math.round(ms));
}

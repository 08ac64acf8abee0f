/**
 * Random commands, valid and not, on the kernel and on redis-server 7: the same replies, whatever way the
 * input is cut.
 */
import '../support/debug-kernel.js';

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { STATUS_DONE, STATUS_INCOMPLETE } from '../../src/kernel/layout.js';
import { newEngine } from '../support/engines.js';
import { describeWith } from '../support/optional-peers.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { command, RespDriver } from '../support/resp-driver.js';

const PIPELINES = 1_000;
const COMMANDS = 200;
/** Both sides read their own clocks, a pipeline's round trip apart. */
const TOLERANCE_MS = 5_000;

const random = new RandomSource(71);
const keys = ['a', 'b', 'counter', 'list:of:things', 'ключ', '', 'x'.repeat(100)];
const numbers = [
  '0',
  '1',
  '-1',
  '10',
  '42',
  '100000',
  '-7',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '9223372036854775',
  '-9223372036854775',
  '4611686018427387904',
  '01',
  '+1',
  '1.5',
  ' 1',
  '1 ',
  '',
  'abc',
  '-',
  '--1',
  '-0',
  '1e3',
];
const times = ['1000', '5000', '100', '60', '1', '0', '-1', '-1000', ...numbers];
const options = [
  'NX',
  'XX',
  'GET',
  'KEEPTTL',
  'EX',
  'PX',
  'EXAT',
  'PXAT',
  'nx',
  'Xx',
  'get',
  'keepTTL',
  'ex',
  'GT',
  'LT',
  '',
  'EXX',
  'foo',
];
const farMs = Date.now() + 400_000_000;

const key = () => random.pick(keys);
const value = () => (random.chance(0.4) ? random.pick(numbers) : random.bytes(random.skewed(500)));
const time = () => (random.chance(0.3) ? String(random.between(50_000, 10_000_000)) : random.pick(times));
const timeAt = (unitMs: number) =>
  random.chance(0.5) ? String(Math.floor((farMs + random.below(1e8)) / unitMs)) : time();
/** As a client might write it. */
const cased = (name: string) => (random.chance(0.1) ? name.toLowerCase() : name);

function setOptions(): string[] {
  const chosen: string[] = [];
  while (random.chance(0.6)) {
    const option = random.pick(options);
    chosen.push(option);
    const upper = option.toUpperCase();
    if (upper === 'EXAT') chosen.push(timeAt(1000));
    else if (upper === 'PXAT') chosen.push(timeAt(1));
    else if ((upper === 'EX' || upper === 'PX') && random.chance(0.95)) chosen.push(time());
  }
  return chosen;
}

function expireOptions(): string[] {
  const chosen: string[] = [];
  while (random.chance(0.35)) chosen.push(random.pick(['NX', 'XX', 'GT', 'LT', 'nx', 'gT', 'foo', 'N', '']));
  return chosen;
}

/** With GT and LT no two times from now near each other: the difference of the two clocks would decide. */
function timeAndOptions(): string[] {
  const chosen = expireOptions();
  return [chosen.length === 0 ? time() : `${random.between(50_000, 2_000_000_000)}000`, ...chosen];
}

function several(make: () => (string | Buffer)[]): (string | Buffer)[] {
  return Array.from({ length: random.between(1, 5) }, make).flat();
}

const makers: (() => (string | Buffer)[])[] = [
  () => ['SET', key(), value(), ...setOptions()],
  () => ['SET', key(), value()],
  () => ['SET', key(), value(), 'PX', String(random.between(50_000, 1_000_000))],
  () => ['GET', key()],
  () => ['DEL', ...several(() => [key()])],
  () => ['EXISTS', ...several(() => [key()])],
  () => ['MGET', ...several(() => [key()])],
  () => ['MSET', ...several(() => [key(), value()])],
  () => ['INCR', key()],
  () => ['DECR', key()],
  () => ['INCRBY', key(), random.pick(numbers)],
  () => ['DECRBY', key(), random.pick(numbers)],
  () => ['SET', key(), random.pick(numbers)],
  () => ['APPEND', key(), value()],
  () => ['STRLEN', key()],
  () => ['EXPIRE', key(), ...timeAndOptions()],
  () => ['PEXPIRE', key(), ...timeAndOptions()],
  () => ['EXPIREAT', key(), timeAt(1000), ...expireOptions()],
  () => ['PEXPIREAT', key(), timeAt(1), ...expireOptions()],
  () => ['TTL', key()],
  () => ['PTTL', key()],
  () => ['PERSIST', key()],
];

/** A command, now and then with an argument too few or too many. */
function anyCommand(): (string | Buffer)[] {
  const args = random.pick(makers)();
  args[0] = cased(args[0] as string);
  if (random.chance(0.03)) args.length = random.between(1, args.length);
  if (random.chance(0.02)) args.push(key());
  return args;
}

function isShort(ms: bigint): boolean {
  return ms < 40_000n;
}

/**
 * Whether a command may leave a key that expires while the test runs: then the two sides' clocks would show.
 */
function leavesShortLife(args: (string | Buffer)[]): boolean {
  const words = args.map((arg) => arg.toString().toUpperCase());
  const lives = (word: string | undefined, unitMs: bigint): boolean => {
    if (word === undefined || !/^\d{1,19}$/.test(word)) return false;
    const ms = BigInt(word) * unitMs;
    return ms > 0n && isShort(ms);
  };
  if (words[0] === 'EXPIRE') return lives(words[2], 1000n);
  if (words[0] === 'PEXPIRE') return lives(words[2], 1n);
  return (
    words[0] === 'SET' &&
    words.some(
      (word, n) =>
        n > 2 &&
        ((word === 'EX' && lives(words[n + 1], 1000n)) || (word === 'PX' && lives(words[n + 1], 1n))),
    )
  );
}

/** Splits replies into one text each. */
function repliesOf(bytes: Buffer): string[] {
  const replies: string[] = [];
  let at = 0;
  const line = (): string => {
    const end = bytes.indexOf('\r\n', at);
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const one = (): string => {
    const head = line();
    if (head.startsWith('*')) {
      return `${head}[${Array.from({ length: Number(head.slice(1)) }, one).join()}]`;
    }
    if (!head.startsWith('$') || head === '$-1') return head;
    const from = at;
    at += Number(head.slice(1)) + 2;
    return `${head} ${bytes.toString('latin1', from, at - 2)}`;
  };
  while (at < bytes.length) replies.push(one());
  return replies;
}

/** The reply of an ECHO behind a pipeline tells where its replies end. */
class RedisClient {
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
  }

  async run(pipeline: Buffer): Promise<Buffer> {
    const end = `$20\r\n${random.u32().toString().padEnd(20, '#')}\r\n`;
    const parts: Buffer[] = [];
    this.#socket.write(Buffer.concat([pipeline, command('ECHO', end.slice(5, 25))]));
    for (;;) {
      const [part] = (await once(this.#socket, 'data')) as [Buffer];
      parts.push(part);
      const all = Buffer.concat(parts);
      if (all.toString('latin1', all.length - end.length) === end)
        return all.subarray(0, all.length - end.length);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

function sameReply(args: (string | Buffer)[], ours: string | undefined, theirs: string | undefined): boolean {
  if (ours === theirs) return true;
  const name = args[0]!.toString().toUpperCase();
  if ((name !== 'TTL' && name !== 'PTTL') || !ours?.startsWith(':') || !theirs?.startsWith(':')) return false;
  const apart = Math.abs(Number(ours.slice(1)) - Number(theirs.slice(1)));
  return (
    !ours.startsWith(':-') &&
    !theirs.startsWith(':-') &&
    apart <= (name === 'TTL' ? TOLERANCE_MS / 1000 : TOLERANCE_MS)
  );
}

describeWith(redisServer, 'commands in place, beside redis-server', () => {
  let server: RedisServer;
  let redis: RedisClient;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new RedisClient(server.port);
  });

  afterAll(async () => {
    redis.close();
    await server.kill();
  });

  it(`${PIPELINES * COMMANDS} random commands are answered alike`, { timeout: 120_000 }, async () => {
    const driver = new RespDriver(newEngine({ clock: systemClock }));
    const seen = new Set<string>();
    for (let round = 0; round < PIPELINES; round++) {
      const commands: (string | Buffer)[][] = [];
      while (commands.length < COMMANDS) {
        const args = anyCommand();
        if (!leavesShortLife(args)) commands.push(args);
      }
      const pipeline = Buffer.concat(commands.map((args) => command(...args)));
      const theirs = repliesOf(await redis.run(pipeline));
      const ours = repliesOf(runInPieces(driver, pipeline));
      expect(ours.length).toBe(commands.length);
      expect(theirs.length).toBe(commands.length);
      for (const [n, args] of commands.entries()) {
        if (!sameReply(args, ours[n], theirs[n])) {
          expect.fail(
            `${args.map((arg) => JSON.stringify(arg.toString('latin1'))).join(' ')}: ${ours[n]}, Redis says ${theirs[n]}`,
          );
        }
        if (ours[n]!.startsWith('-')) seen.add(ours[n]!);
      }
    }
    // Of errors there were many kinds.
    expect(seen.size).toBeGreaterThan(30);
  });
});

/** Feeds a pipeline cut at random places, as sockets do. */
function runInPieces(driver: RespDriver, pipeline: Buffer): Buffer {
  const replies: Buffer[] = [];
  let rest = Buffer.alloc(0);
  for (let at = 0; at < pipeline.length; ) {
    const end = Math.min(pipeline.length, at + 1 + random.skewed(20_000));
    rest = Buffer.concat([rest, pipeline.subarray(at, end)]);
    at = end;
    const run = driver.run(rest);
    expect([STATUS_DONE, STATUS_INCOMPLETE]).toContain(run.status);
    replies.push(run.replies);
    rest = rest.subarray(run.consumed);
    if (run.status === STATUS_INCOMPLETE) expect(run.need).toBeGreaterThan(rest.length);
  }
  expect(rest.length).toBe(0);
  return Buffer.concat(replies);
}

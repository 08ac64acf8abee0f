/** redis-cli on a primary of ours, in every mode that people use it in. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { portOf } from '../support/embedded-pair.js';
import { describeWith } from '../support/optional-peers.js';
import { LineProcess } from '../support/processes.js';
import { redisCli, redisTools } from '../support/redis.js';

let primary: Primary;
let port: number;
beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  port = portOf(primary.listenAddress);
});
afterAll(() => primary.close());

/** A redis-cli that goes on by itself. */
function runningCli(...args: string[]): LineProcess {
  // Into a pipe some modes write only when much has gathered.
  return new LineProcess('stdbuf', ['-oL', 'redis-cli', '-p', String(port), ...args]);
}

describeWith(redisTools, 'redis-cli', () => {
  const KEYS = 500;

  beforeEach(async () => {
    await redisCli(port, 'FLUSHALL');
    for (let n = 0; n < KEYS; n++) primary.set(`some:${n}`, `value ${n}`);
    primary.set('the biggest', 'x'.repeat(10_000));
  });

  it('--scan finds every key once', async () => {
    const found = (await redisCli(port, '--scan')).split('\n');
    expect(new Set(found)).toEqual(
      new Set(['the biggest', ...Array.from({ length: KEYS }, (_, n) => `some:${n}`)]),
    );
    expect(found.length).toBe(KEYS + 1);
  });

  it('--scan --pattern finds those that match', async () => {
    const found = (await redisCli(port, '--scan', '--pattern', 'some:1?')).split('\n').sort();
    expect(found).toEqual(Array.from({ length: 10 }, (_, n) => `some:1${n}`));
  });

  it('--bigkeys finds the biggest', async () => {
    const text = await redisCli(port, '--bigkeys');
    expect(text).toContain(`Sampled ${KEYS + 1} keys in the keyspace!`);
    expect(text).toMatch(/Biggest string found '"the biggest"' has 10000 bytes/);
  });

  it('--memkeys finds what takes most memory', async () => {
    const text = await redisCli(port, '--memkeys');
    expect(text).toContain(`Sampled ${KEYS + 1} keys in the keyspace!`);
    expect(text).toMatch(/Biggest string found '"the biggest"' has \d+ bytes/);
  });

  it('--latency measures', async () => {
    // Not on a terminal it measures for a second and prints least, most, mean and count.
    expect(await redisCli(port, '--latency', '-i', '1')).toMatch(/^\d+ \d+ \d+\.\d+ \d+$/m);
  });

  it('--stat shows keys, memory, clients, requests', async () => {
    const cli = runningCli('--stat', '-i', '0.1');
    const row = await cli.nextLine((line) => /^\d/.test(line));
    expect(row).toMatch(new RegExp(`^${KEYS + 1} +\\d+\\.\\d+[KMG] +\\d+ +\\d+ +\\d+ \\(\\+\\d+\\) +\\d+`));
    await cli.nextLine((line) => /^\d+ .*\(\+\d+\)/.test(line));
    await cli.kill();
  });

  it('monitor shows what others ask', async () => {
    const cli = runningCli('monitor');
    await cli.nextLine((line) => line === 'OK');
    await redisCli(port, 'SET', 'watched', 'two words');
    const line = await cli.nextLine((text) => text.includes('"SET"'));
    expect(line).toMatch(/^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "watched" "two words"$/);
    await redisCli(port, 'GET', 'watched');
    await cli.nextLine((text) => text.endsWith('"GET" "watched"'));
    await cli.kill();
  });

  it('-3 speaks RESP3', async () => {
    expect(await redisCli(port, '-3', '--no-raw', 'CONFIG', 'GET', 'maxmemory')).toMatch(
      /^1# "maxmemory" => "/,
    );
    expect(await redisCli(port, '-3', '--no-raw', 'GET', 'nosuch')).toBe('(nil)');
    expect(await redisCli(port, '-3', 'INFO', 'keyspace')).toContain(`db0:keys=${KEYS + 1}`);
  });

  it('repeats, takes commands from stdin, and pipes in bulk', async () => {
    expect(await redisCli(port, '-r', '3', 'INCR', 'repeated')).toBe('1\n2\n3');
    const cli = runningCli('--pipe');
    for (let n = 0; n < 1000; n++) cli.send(`SET piped:${n} ${n}\r`);
    cli.child.stdin.end();
    await cli.nextLine((line) => line === 'errors: 0, replies: 1000');
    expect(await redisCli(port, 'GET', 'piped:999')).toBe('999');
  });
});

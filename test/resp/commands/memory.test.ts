/** MEMORY, LATENCY and what is said of files: as redis-server where that is possible. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

const MIB = 1024 * 1024;

describeWith(redisServer, 'as redis-server answers', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each([
    ['MEMORY PURGE', 'MEMORY PURGE x', 'MEMORY STATS x', 'MEMORY DOCTOR x', 'MEMORY MALLOC-STATS x'],
    ['MEMORY HELP', 'MEMORY FOO', 'MEMORY', 'LATENCY HELP', 'LATENCY FOO', 'LATENCY'],
    ['LATENCY GRAPH command', 'LATENCY GRAPH', 'LATENCY GRAPH a b', 'LATENCY DOCTOR x', 'LATENCY HISTORY x'],
    [
      'LATENCY LATEST',
      'LATENCY RESET',
      'LATENCY RESET a b',
      'LATENCY HISTOGRAM nosuch',
      'LATENCY HISTOGRAM lpush',
    ],
    ['LASTSAVE x', 'SAVE x', 'BGSAVE foo', 'BGSAVE SCHEDULE x'],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });

  it('MEMORY STATS has its fields in its order', async () => {
    const theirs = fieldsOf((await redis.answers(['MEMORY STATS']))[0]!);
    const host = new ServerHost();
    const ours = fieldsOf(host.answer('MEMORY STATS', host.newClient()));
    expect(ours.filter((name) => !theirs.includes(name))).toEqual([]);
    expect(ours).toEqual(theirs.filter((name) => ours.includes(name)));
    expect(theirs.filter((name) => !ours.includes(name))).toEqual([
      'allocator.resident',
      'allocator-rss.ratio',
      'allocator-rss.bytes',
      'rss-overhead.ratio',
      'rss-overhead.bytes',
    ]);
  });
});

describe('MEMORY', () => {
  const ask = (host: ServerHost, line: string) => host.answer(line, host.newClient());

  it('STATS adds up', () => {
    const host = new ServerHost();
    for (let n = 0; n < 1000; n++) host.engine.set(Buffer.from(`key:${n}`), Buffer.alloc(100));
    const answer = ask(host, 'MEMORY STATS');
    const number = (name: string) => Number(new RegExp(`\r\n${name}\r\n:(\\d+)`).exec(answer)![1]);
    expect(number('keys.count')).toBe(1000);
    expect(number('dataset.bytes') + number('overhead.total')).toBe(number('total.allocated'));
    expect(number('keys.bytes-per-key')).toBeGreaterThan(110);
    expect(number('peak.allocated')).toBe(number('total.allocated'));
    expect(ask(host, 'MEMORY MALLOC-STATS')).toContain(`records: ${number('dataset.bytes')} bytes`);
  });

  it('DOCTOR names what is wrong, and what to do', () => {
    const host = new ServerHost();
    expect(ask(host, 'MEMORY DOCTOR')).toContain('too few for any advice');
    for (let n = 0; n < 6; n++) host.engine.set(Buffer.from(`key:${n}`), Buffer.alloc(MIB));
    expect(ask(host, 'MEMORY DOCTOR')).toContain('Nothing is wrong');
    host.settings.set([['maxmemory', Buffer.from('6600kb')]]);
    expect(ask(host, 'MEMORY DOCTOR')).toContain('maxmemory-policy');
    host.clientBytes = 5 * MIB;
    expect(ask(host, 'MEMORY DOCTOR')).toContain('client-output-buffer-limit');
  });
});

it('SAVE and BGSAVE say that nothing is saved, and what is there instead', () => {
  const host = new ServerHost();
  const client = host.newClient();
  for (const line of ['SAVE', 'BGSAVE', 'BGSAVE schedule']) {
    expect(host.answer(line, client)).toMatch(/^-ERR This server saves nothing to disk\..*--data DIR/);
  }
  expect(host.answer('LASTSAVE', client)).toBe(':1700000000\r\n');
  expect(host.answer('LATENCY DOCTOR', client)).toContain('SLOWLOG GET');
});

it('HELLO shows an availability zone once it is known', () => {
  const host = new ServerHost();
  const client = host.newClient();
  expect(host.answer('HELLO', client)).not.toContain('availability_zone');
  expect(host.settings.set([['availability-zone', Buffer.from('eu-1a')]])).toBeUndefined();
  expect(host.answer('HELLO', client)).toMatch(/\$17\r\navailability_zone\r\n\$5\r\neu-1a\r\n$/);
});

/** The names of a flat list of pairs, those of maps within left out. */
function fieldsOf(answer: string): string[] {
  return [...answer.matchAll(/\$\d+\r\n([a-z][\w.-]*)\r\n(?=[:$])/g)].map(([, name]) => name!);
}

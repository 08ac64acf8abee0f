/** The slow log: the commands that get in, the parts of them that are kept, and for how long. */
import { expect, it } from 'vitest';
import { ClientState } from '../../src/resp/client-state.js';
import { Slowlog } from '../../src/resp/slowlog.js';
import { StandingClock } from '../support/engines.js';
import { describeWith } from '../support/optional-peers.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

const client = new ClientState({
  id: 1,
  address: 'a:1',
  localAddress: 'b:2',
  nowMs: 0,
  isAuthenticated: true,
});

function newSlowlog(slowlogThresholdUs: number, slowlogMaxLength: number) {
  const settings = { slowlogThresholdUs, slowlogMaxLength };
  return { settings, slowlog: new Slowlog({ settings, clock: new StandingClock() }) };
}

it('takes what was slow enough, and keeps the newest', () => {
  const { slowlog, settings } = newSlowlog(100, 2);
  for (const [at, durationUs] of [100, 99, 5000, 200].entries()) {
    slowlog.record([Buffer.from(String(at))], durationUs, client);
  }
  const shown = () => slowlog.latest(10).map(({ id, args }) => `${id} ${args}`);
  expect(shown()).toEqual(['2 3', '1 2']);
  expect(slowlog.latest(1).length).toBe(1);
  expect(slowlog.latest(0)).toEqual([]);
  settings.slowlogThresholdUs = -1;
  slowlog.record([Buffer.from('x')], 1e9, client);
  expect(shown()).toEqual(['2 3', '1 2']);
  settings.slowlogThresholdUs = 1e9;
  settings.slowlogMaxLength = 1;
  slowlog.record([Buffer.from('x')], 1, client);
  expect(shown()).toEqual(['2 3']);
  slowlog.reset();
  settings.slowlogThresholdUs = 0;
  slowlog.record([Buffer.from('x')], 0, client);
  expect(shown()).toEqual(['3 x']);
});

it('has its own copy of arguments', () => {
  const { slowlog } = newSlowlog(0, 2);
  const arg = Buffer.from('abc');
  slowlog.record([arg], 1, client);
  arg.fill('x');
  expect(slowlog.latest(1)[0]!.args).toEqual([Buffer.from('abc')]);
});

describeWith(redisServer, 'as redis-server', () => {
  it.each([
    ['ECHO', 'x'.repeat(128)],
    ['ECHO', 'x'.repeat(129)],
    ['ECHO', 'x'.repeat(100_000)],
    ['MGET', ...Array.from({ length: 31 }, (_, at) => `k${at}`)],
    ['MGET', ...Array.from({ length: 32 }, (_, at) => `k${at}`)],
    ['MGET', ...Array.from({ length: 500 }, () => 'x'.repeat(200))],
  ])('it keeps of %s %.10s … as much', async (...args) => {
    const { port } = await RedisServer.start('--slowlog-log-slower-than', '0');
    const redis = await RespClient.connect(`127.0.0.1:${port}`);
    await redis.command(...args);
    const [entry] = (await redis.command('SLOWLOG', 'GET', '1')) as unknown as [unknown[]];
    redis.close();
    const { slowlog } = newSlowlog(0, 1);
    slowlog.record(
      args.map((arg) => Buffer.from(arg)),
      1,
      client,
    );
    expect(slowlog.latest(1)[0]!.args).toEqual(entry[3]);
  });
});

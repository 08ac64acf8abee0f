/** CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: their answers are redis-server's. */
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost } from '../../support/server-host.js';

const INFO = 'CLIENT TRACKINGINFO';

describeWith(redisServer, 'answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each([
    [INFO, 'CLIENT GETREDIR', 'CLIENT TRACKING on', INFO, 'CLIENT GETREDIR', 'CLIENT TRACKING OFF', INFO],
    ['CLIENT TRACKING', 'CLIENT TRACKING maybe', 'CLIENT TRACKING ON maybe', 'CLIENT TRACKING ON PREFIX'],
    ['CLIENT TRACKING ON REDIRECT', 'CLIENT TRACKING ON REDIRECT x', 'CLIENT TRACKING ON REDIRECT 0'],
    [
      'CLIENT TRACKING ON REDIRECT 999999',
      'CLIENT TRACKING ON REDIRECT -1',
      'CLIENT TRACKING off REDIRECT x',
    ],
    ['CLIENT TRACKING OFF nosuch', 'CLIENT TRACKING OFF PREFIX x', 'CLIENT TRACKING OFF BCAST OPTIN', INFO],
    [
      'CLIENT TRACKING ON PREFIX x',
      'CLIENT TRACKING ON BCAST OPTIN',
      'CLIENT TRACKING ON BCAST OPTOUT',
      INFO,
    ],
    ['CLIENT TRACKING ON OPTIN OPTOUT', 'CLIENT TRACKING ON OPTIN NOLOOP', INFO, 'CLIENT TRACKING ON OPTOUT'],
    ['CLIENT TRACKING ON OPTOUT', INFO, 'CLIENT TRACKING ON OPTIN', 'CLIENT TRACKING ON', INFO],
    [
      'CLIENT TRACKING ON BCAST',
      INFO,
      'CLIENT TRACKING ON',
      'CLIENT TRACKING ON BCAST NOLOOP PREFIX a',
      INFO,
    ],
    [
      'CLIENT TRACKING ON',
      'CLIENT TRACKING ON BCAST',
      'CLIENT TRACKING ON NOLOOP',
      INFO,
      'CLIENT TRACKING ON',
      INFO,
    ],
    [
      'CLIENT TRACKING ON BCAST PREFIX FOOBAR PREFIX FOO',
      'CLIENT TRACKING ON BCAST PREFIX FOO PREFIX FOOBAR',
      INFO,
    ],
    ['CLIENT TRACKING ON BCAST PREFIX b PREFIX a', INFO, 'CLIENT TRACKING ON BCAST PREFIX ab', INFO],
    [
      'CLIENT TRACKING ON BCAST PREFIX b',
      'CLIENT TRACKING ON BCAST PREFIX c',
      INFO,
      'CLIENT TRACKING OFF',
      INFO,
    ],
    [
      'CLIENT TRACKING ON BCAST PREFIX "a\\x00b" PREFIX a',
      'CLIENT TRACKING ON BCAST PREFIX "" PREFIX a',
      INFO,
    ],
    [
      'CLIENT CACHING',
      'CLIENT CACHING yes',
      'CLIENT CACHING maybe',
      'CLIENT TRACKING ON',
      'CLIENT CACHING yes',
    ],
    ['CLIENT TRACKING ON OPTIN', 'CLIENT CACHING no', 'CLIENT CACHING maybe', 'CLIENT CACHING yes', INFO],
    ['CLIENT TRACKING ON OPTOUT', 'CLIENT CACHING yes', 'CLIENT CACHING NO', INFO, 'CLIENT CACHING no x'],
    ['CLIENT GETREDIR x', 'CLIENT TRACKINGINFO x', 'CLIENT TRACKING ON optin noloop OPTIN', INFO],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });
});

describe('a client that tracks', () => {
  it('is shown as such, with whom it redirects to', () => {
    const host = new ServerHost();
    const [client] = [host.newClient({ id: 7 }), host.newClient({ id: 8 })];
    const shown = () => / flags=(\w+) .* redir=(-?\d+) /.exec(host.answer('CLIENT INFO', client!))!.slice(1);
    expect(shown()).toEqual(['N', '-1']);
    host.answer('CLIENT TRACKING ON', client!);
    expect(shown()).toEqual(['t', '0']);
    host.answer('CLIENT TRACKING OFF', client!);
    host.answer('CLIENT TRACKING ON BCAST REDIRECT 8', client!);
    expect(shown()).toEqual(['tB', '8']);
    expect(host.answer('CLIENT TRACKING ON BCAST REDIRECT 8 REDIRECT 7', client!)).toBe(
      '-ERR A client can only redirect to a single other client\r\n',
    );
  });
});

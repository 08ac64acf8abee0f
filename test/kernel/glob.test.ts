/**
 * Redis' glob patterns against redis-server, over random bytes and over those that mean something in a
 * pattern.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matchingKeys, newEngine } from '../support/engines.js';
import { describeWith } from '../support/optional-peers.js';
import { RandomSource } from '../support/random.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

const engine = newEngine();
const random = new RandomSource(41);

function matches(pattern: string, text: string, ignoreCase = false): boolean {
  return engine.keyspace.matches(Buffer.from(pattern, 'latin1'), Buffer.from(text, 'latin1'), ignoreCase);
}

/**
 * Few different bytes, so that much matches; those that patterns are made of, and some at the ends of what a
 * char holds.
 */
const ALPHABET = Buffer.from('aaabbABz019*?[]^-\\-\x00\x7f\x80\xc3\xfe\xff', 'latin1');
const PATTERN_PIECES = [
  ...[
    '*',
    '*',
    '*',
    '?',
    '[a-z]',
    '[^a]',
    '[ab',
    '[^',
    '[',
    ']',
    '[]',
    '[^]',
    '[]a]',
    '[a-]',
    '[-a]',
    '[z-a]',
  ],
  ...[
    '[Z-a]',
    '[\\a]',
    '[\\]]',
    '[a\\-z]',
    '\\',
    '\\*',
    '\\?',
    '\\[',
    '\\a',
    '**',
    '[\x80-\xff]',
    '[a-\xff]',
  ],
  ...['[\xff-\x01]', '[a-\xfe]', '[^\x00-\x7f]', '[A-Z]'],
].map((piece) => Buffer.from(piece, 'latin1'));

function randomText(most: number): Buffer {
  return Buffer.from(
    Array.from({ length: random.below(most + 1) }, () => ALPHABET[random.below(ALPHABET.length)]!),
  );
}

function randomPattern(): Buffer {
  const pieces: Buffer[] = [];
  for (let left = random.between(0, 6); left > 0; left--)
    pieces.push(random.chance(0.5) ? random.pick(PATTERN_PIECES) : randomText(2));
  return Buffer.concat(pieces);
}

/** Returns a pattern with which a key might be asked for: some of it kept, some of it made general. */
function patternOf(key: Buffer): Buffer {
  const bytes: Buffer[] = [];
  for (let at = 0; at < key.length; at++) {
    const kept = key.subarray(at, at + 1);
    const choice = random.below(10);
    if (choice === 0) {
      bytes.push(Buffer.from('*'));
      at += random.below(4);
    } else if (choice === 1) bytes.push(Buffer.from('?'));
    else if (choice === 2) bytes.push(Buffer.from('['), randomText(3), kept, Buffer.from(']'));
    else if (choice === 3) bytes.push(Buffer.from('\\'), kept);
    else bytes.push(kept);
  }
  return Buffer.concat(bytes);
}

const sorted = (keys: readonly Buffer[]): string[] => keys.map((key) => key.toString('latin1')).sort();

describeWith(redisServer, 'beside redis-server', () => {
  let server: RedisServer;
  let redis: RespClient;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = await RespClient.connect(`127.0.0.1:${server.port}`);
  });
  afterAll(async () => {
    redis.close();
    await server.kill();
  });

  it('KEYS finds the same keys', { timeout: 120_000 }, async () => {
    let found = 0;
    for (let round = 0; round < 20; round++) {
      const keys = Array.from({ length: 400 }, () => randomText(random.pick([3, 8, 20])));
      for (const key of keys) engine.set(key, key);
      await redis.pipeline([['FLUSHALL'], ...keys.map((key) => ['SET', key, key])]);
      const patterns = Array.from({ length: 1_000 }, () =>
        random.chance(0.5) ? randomPattern() : patternOf(random.pick(keys)),
      );
      const expected = (await redis.pipeline(patterns.map((pattern) => ['KEYS', pattern]))) as Buffer[][];
      for (const [n, pattern] of patterns.entries()) {
        const ours = sorted(matchingKeys(engine, pattern));
        found += ours.length;
        expect(ours, JSON.stringify(pattern.toString('latin1'))).toEqual(sorted(expected[n]!));
      }
      while (!engine.keyspace.deleteSome(1_000));
    }
    expect(found).toBeGreaterThan(100_000);
  });

  it('CONFIG GET finds the same names, whatever their case', async () => {
    const names = (await configNames('*')) as string[];
    expect(names.length).toBeGreaterThan(100);
    const pieces = [
      '*',
      '*',
      '?',
      '[a-m]',
      '[M-z]',
      '[^A-Q]',
      '[Z-a]',
      '[\\M]',
      '[a-\xfe]',
      '[\xff-Z]',
      '[E',
    ];
    let found = 0;
    for (let n = 0; n < 2_000; n++) {
      const name = random.pick(names);
      const from = random.below(name.length);
      const kept = name.slice(from, from + random.between(1, 6));
      const cased = random.chance(0.5) ? kept.toUpperCase() : kept;
      const pattern = `*${random.pick(pieces)}${cased}${random.pick(pieces)}${random.chance(0.7) ? '*' : ''}`;
      const ours = names.filter((one) => matches(pattern, one, true));
      found += ours.length;
      expect(ours.sort(), JSON.stringify(pattern)).toEqual((await configNames(pattern)).sort());
    }
    expect(found).toBeGreaterThan(2_000);
  });

  it.each([999, 1000, 1001, 2000])('gives up on %i stars where Redis does', async (stars) => {
    const text = 'a'.repeat(2_500);
    await redis.pipeline([['FLUSHALL'], ['SET', text, '']]);
    for (const pattern of [
      '*a'.repeat(stars),
      `${'*a'.repeat(stars - 1)}*`,
      '*'.repeat(stars),
      '**a'.repeat(stars),
    ]) {
      const expected = (await redis.command('KEYS', pattern)) as Buffer[];
      expect(matches(pattern, text)).toBe(expected.length === 1);
    }
  });

  async function configNames(pattern: string): Promise<string[]> {
    const reply = (await redis.command('CONFIG', 'GET', Buffer.from(pattern, 'latin1'))) as Buffer[];
    return reply.filter((_, n) => n % 2 === 0).map(String);
  }
});

describe('a hostile pattern', () => {
  it.each([
    ['*a'.repeat(900), 'a'.repeat(100_000)],
    [`${'*a'.repeat(900)}b`, 'a'.repeat(100_000)],
    [`${'*a'.repeat(50_000)}b`, 'a'.repeat(100_000)],
    [`${'a*'.repeat(900)}b`, 'a'.repeat(100_000)],
    [`${'*[^b]'.repeat(900)}b`, 'a'.repeat(100_000)],
    [`*${'?'.repeat(2_000)}b`, 'a'.repeat(50_000)],
    ['*'.repeat(1_000_000), 'a'.repeat(1_000_000)],
    [`[${'a'.repeat(1_000_000)}`, 'b'],
    [`*[${'a'.repeat(1_000_000)}]c`, 'a'.repeat(1_000_000)],
    [`*${`[${'ab'.repeat(2_000)}]`.repeat(60)}c`, 'a'.repeat(300_000)],
  ])('is cheap', (pattern, text) => {
    const startedAt = performance.now();
    matches(pattern, text);
    // It would take longer than the world has been there, were it tried in all ways.
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });
});

it.each(['[a-m]', '[^a-m]', '[M-z\\]9]', '[\x80-\xff]', '[]', '[^]'])(
  'a class in a long text matches what it matches in a short one: %j',
  (part) => {
    for (const ignoreCase of [false, true]) {
      for (let byte = 0; byte < 256; byte += 1) {
        const end = `${String.fromCharCode(byte)}!`;
        const isLong = matches(`*${part}!`, `${'z'.repeat(1_000)}${end}`, ignoreCase);
        expect(isLong, `${byte}`).toBe(matches(`${part}!`, end, ignoreCase));
      }
    }
  },
);

it('the empty text is matched by the empty pattern, and by a star alone only where keys are listed', () => {
  const store = newEngine();
  store.set(Buffer.alloc(0), Buffer.from('v'));
  expect(matches('', '')).toBe(true);
  expect(matches('*', '')).toBe(false);
  expect(matches('', 'a')).toBe(false);
  const listed = (pattern: string) => [
    matchingKeys(store, Buffer.from(pattern)).length,
    store.keyspace.scan(0n, 10_000, Buffer.from(pattern)).keys.count,
  ];
  expect(listed('*')).toEqual([1, 1]);
  expect(listed('')).toEqual([1, 1]);
  expect(listed('**')).toEqual([0, 0]);
});

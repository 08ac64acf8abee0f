/**
 * Random commands of the whole promise on ours and on redis-server 7, compared reply by reply, byte for byte
 * but for the rules in test/support/differential/rules.ts. FASTCACHE_DIFFERENTIAL_SEED=17 (or 100-300) runs
 * those sessions alone.
 */
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { type Addresses, Tally } from '../support/differential/connection-pair.js';
import { PROMISED_COMMANDS } from '../support/differential/server-commands.js';
import { runSession, SEED_VARIABLE } from '../support/differential/session.js';
import { describeWith } from '../support/optional-peers.js';
import { RedisServer, redisServer } from '../support/redis.js';

const SESSIONS = 100;
const COMMANDS = 2_000;
/** Reports are long: the first few tell enough. */
const MOST_REPORTS = 5;

/** Commands that answer nothing but errors, with one database and as they are asked. */
const ALWAYS_REFUSED = new Set(['move', 'save', 'bgsave', 'failover']);
/** They disturb a run, or are refused: see differential-scripts.test.ts, and of channels pubsub.test.ts. */
const SCRIPTED_COMMANDS = new Set(
  'quit monitor shutdown debug replicaof slaveof subscribe ssubscribe psubscribe'.split(' '),
);

/** With ours' limits where Redis' differ by default. */
function startOracle(): Promise<RedisServer> {
  return RedisServer.start('--databases', '1', '--proto-max-bulk-len', '67108864');
}

describeWith(redisServer, 'beside redis-server', () => {
  let ours: Primary;
  let redis: RedisServer;
  let another: RedisServer;
  let addresses: Addresses;
  /** Two redis-servers: they show what the test itself notices or overlooks. */
  let twins: Addresses;

  beforeAll(async () => {
    ours = await Primary.start({ bind: ':0', listen: ':0' });
    redis = await startOracle();
    another = await startOracle();
    addresses = { ours: ours.listenAddress!, theirs: `127.0.0.1:${redis.port}` };
    twins = { ours: `127.0.0.1:${another.port}`, theirs: `127.0.0.1:${redis.port}` };
  });
  afterAll(async () => {
    await ours.close();
    await Promise.all([redis.kill(), another.kill()]);
  });

  it(`${SESSIONS * COMMANDS} random commands are answered alike`, { timeout: 300_000 }, async () => {
    const seeds = seedsOf(process.env[SEED_VARIABLE] ?? `1-${SESSIONS}`);
    const startedAt = performance.now();
    const reports: string[] = [];
    const tally = new Tally();
    let commands = 0;
    for (const seed of seeds) {
      const result = await runSession(seed, { addresses, commands: COMMANDS, tally });
      commands += result.commands;
      if (result.report !== '') reports.push(result.report);
      if (reports.length === MOST_REPORTS) break;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    process.stderr.write(
      `differential: ${commands} commands in ${seconds.toFixed(1)} s, ${Math.round(commands / seconds)}/s\n`,
    );
    expect(reports.join('\n\n')).toBe('');
    expect(commands).toBeGreaterThanOrEqual(seeds.length * COMMANDS);
    if (seeds.length < SESSIONS) return;
    // Every command was asked for what it has, and for what it has not.
    const asked = PROMISED_COMMANDS.filter(
      (name) => !SCRIPTED_COMMANDS.has(name) && !ALWAYS_REFUSED.has(name),
    );
    expect(asked.filter((name) => !((tally.answers.get(name) ?? 0) >= 20))).toEqual([]);
    expect(tally.errors.size).toBeGreaterThan(150);
  });

  it('two redis-servers never differ', async () => {
    for (let seed = 1001; seed <= 1005; seed++) {
      expect((await runSession(seed, { addresses: twins, commands: COMMANDS })).report).toBe('');
    }
  });

  it.each([
    { what: 'one more', pattern: /^:(\d+)\r\n$/, altered: ':1$1\r\n' },
    { what: 'another error', pattern: /^-ERR syntax/, altered: '-ERR Syntax' },
    { what: 'nil of RESP2 for that of RESP3', pattern: /^_\r\n/, altered: '$-1\r\n' },
    { what: 'one letter of a value', pattern: /^(\$6\r\nfooba)r/, altered: '$1R' },
    { what: 'an expiry of another millisecond', pattern: /^:(\d{12})\d\r\n/, altered: ':$10\r\n' },
  ])('a reply that is altered is found, with what replays it: $what', async ({ pattern, altered }) => {
    let alterations = 0;
    const alter = (reply: Buffer): Buffer => {
      const text = reply.toString('latin1').replace(pattern, altered);
      const isAltered = text !== reply.toString('latin1');
      return isAltered && alterations++ === 0 ? Buffer.from(text, 'latin1') : reply;
    };
    const { report } = await runSession(2002, { addresses: twins, commands: COMMANDS, alter });
    expect(report).toMatch(/^seed 2002 \(replay: FASTCACHE_DIFFERENTIAL_SEED=2002\)/);
    expect(report).toMatch(/\nours: {3}.*\nRedis: {2}/);
  });
});

/** `17`, or `100-300`. */
function seedsOf(text: string): number[] {
  const [first, last = first] = text.split('-').map(Number);
  return Array.from({ length: last! - first! + 1 }, (_, n) => first! + n);
}

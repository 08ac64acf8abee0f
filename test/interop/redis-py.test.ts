/**
 * django-redis, and redis-py's own tests, against a primary of ours: those that ask for strings, keys,
 * transactions, connection and server (redis-py/tests.json, where the others stand with the reason why they
 * are not run).
 */
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { Primary, Replica } from '../../src/index.js';
import { portOf } from '../support/embedded-pair.js';
import { describeWith, withoutIsSkipped } from '../support/optional-peers.js';
import { pageBlocks } from '../support/page-blocks.js';
import { python, RedisPyTests, testList } from '../support/redis-py.js';

const { run, skip } = testList();

describeWith(python, 'redis-py', () => {
  let primary: Primary;
  let tests: RedisPyTests | Error;
  beforeAll(async () => {
    primary = await Primary.start({ bind: ':0', listen: ':0' });
    tests = await RedisPyTests.prepare().catch((error: Error) => error);
  }, 300_000);
  afterAll(() => primary.close());

  const here = (context: TestContext): RedisPyTests =>
    tests instanceof Error ? withoutIsSkipped(context, "redis-py's package", tests) : tests;

  for (const protocol of [2, 3] as const) {
    it(`passes ${run.length} tests in RESP${protocol}`, { timeout: 120_000 }, async (context) => {
      const report = await here(context).run(portOf(primary.listenAddress), protocol, run);
      expect(report.others).toEqual([]);
      expect(report.passed).toBe(run.length);
    });
  }

  it('keeps what it reads, and comes to read what others write', { timeout: 60_000 }, async (context) => {
    const printed = await here(context).program('cache.py', String(portOf(primary.listenAddress)));
    expect(printed).toBe('2 clients track keys\n');
  });

  it('serves django-redis: its cache and its locks', { timeout: 120_000 }, async (context) => {
    const printed = await here(context).program('django_cache.py', String(portOf(primary.listenAddress)));
    expect(printed).toBe('all of it works\n');
  });

  it('runs the program of docs/getting-started.md', async (context) => {
    const tests = here(context);
    const replica = await Replica.follow(primary.bindAddress, { listen: ':0' });
    try {
      await replica.ready();
      const { text } = pageBlocks('docs/getting-started.md').find(({ language }) => language === 'python')!;
      const [primaryPort, replicaPort] = [primary, replica].map((node) => String(portOf(node.listenAddress)));
      const program = text.replace('6380', primaryPort!).replace('6381', replicaPort!);
      expect(await tests.text(program)).toBe('1 replica has it\nbarbara\n');
    } finally {
      await replica.close();
    }
  });

  it('has no tests in these files that are on neither list', async (context) => {
    const known = [...run, ...Object.values(skip).flat()].sort();
    const files = [...new Set(known.map((name) => name.split('::')[0]!))];
    expect((await here(context).collect(portOf(primary.listenAddress), files)).sort()).toEqual(known);
  });
});

import { defineConfig } from 'vitest/config';

/**
 * Long tests that CI leaves out on its second Node: they ask the kernel alone, or redis-server, or what
 * shorter tests of the same commands and links ask there too.
 */
const longTests = [
  'test/kernel/**',
  'test/engine/**',
  'test/dump/make/mutants.test.ts',
  'test/resp/differential*.test.ts',
  'test/commands/data/{data,repair,restore}.test.ts',
  'test/commands/frames/{cut,decode,promotions,ranges,replay,replay-expiries,salvage,verify}.test.ts',
  'test/commands/replica/tap.test.ts',
  'test/commands/watermarks-live.test.ts',
  'test/replication/primary/{bootstrap,carousel}.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 180_000,
    hookTimeout: 180_000,
    disableConsoleIntercept: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/interop/**',
            'test/sim/**',
            ...(process.env.FASTCACHE_SKIP_LONG === '1' ? longTests : []),
          ],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // Each seed makes and drops a whole cluster: a third of its time went into collections that these
          // spare, as the other worker has the other core.
          name: 'sim',
          include: ['test/sim/**/*.test.ts'],
          execArgv: ['--single-threaded-gc', '--initial-old-space-size=512'],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // A Rust primary of 64 shards takes two cores by itself: beside anything else its replicas starve.
          name: 'live',
          include: ['test/interop/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

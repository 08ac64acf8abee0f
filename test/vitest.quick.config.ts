import { defineConfig } from 'vitest/config';

/** `npm run test:quick`: of each room the tests that take seconds, chosen by how long they take. */
export default defineConfig({
  test: {
    include: [
      'test/frame/{frame,golden,hello,hostile,payloads}.test.ts',
      'test/engine/{accounting,apply,routing,text-keys}.test.ts',
      'test/replication/*.test.ts',
      'test/replication/primary/{session,subscriber,window-watch}.test.ts',
      'test/replication/replica/{follower,follower-machine,foreign-history,gap-policy}.test.ts',
      'test/replication/relay/promotion.test.ts',
      'test/replication/stream/{backlog,batch-builder,publisher}.test.ts',
      'test/resp/commands/{connection,keys,replication,strings,transactions}.test.ts',
      'test/server/{relay,roles}.test.ts',
      'test/embedded/**/*.test.ts',
      'test/docs/getting-started.test.ts',
      'test/errors.test.ts',
    ],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    disableConsoleIntercept: true,
    maxWorkers: '100%',
  },
});

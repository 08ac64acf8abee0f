/** `import` of what is no Redis; test/interop/import.test.ts has real ones. */
import { expect, it } from 'vitest';
import { startPrimary } from '../support/library.js';
import { runCommand } from '../support/run-command.js';

it('says of a fastcache server as its source what follows one', async () => {
  const [source, target] = [await startPrimary({ listen: ':0' }), await startPrimary({ listen: ':0' })];
  const { status, stderr } = await runCommand([
    ...['import', `redis://${source.listenAddress}`, '--to', target.listenAddress!],
  ]);
  expect([status, stderr]).toEqual([1, expect.stringContaining('is followed by `replica follow`')]);
  expect(stderr).toContain('SERVER_REFUSED');
}, 30_000);

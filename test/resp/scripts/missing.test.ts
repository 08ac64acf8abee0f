/** The part that runs scripts cannot be loaded, because the program's files were replaced while it ran. */
import { expect, it, vi } from 'vitest';
import { connect, start } from '../../support/open-front.js';

vi.mock('../../../src/resp/scripts/script-runner.js', () => {
  throw new Error('no such file');
});

it('scripts are answered with an error, and all else goes on', async () => {
  const { primary, warnings } = await start();
  const client = await connect(primary);
  const failure = /^-ERR Scripts cannot be run: .*Restart the server/;
  expect(await client.command('EVAL', 'return 1', '0')).toMatch(failure);
  expect(await client.command('EVAL', 'return 1', '0')).toMatch(failure);
  expect(await client.command('SET', 'key', 'value')).toBe('+OK');
  expect(warnings.filter((line) => line.includes('scripts cannot be run'))).toHaveLength(1);
});

/** A password that a client sets is warned of as one that is given at the start is. */
import { expect, it } from 'vitest';
import { closesLater, startPrimary } from '../support/library.js';
import { RespClient, respCommand } from '../support/resp-client.js';

it('CONFIG SET requirepass warns of a short password, and of no other', async () => {
  const primary = await startPrimary({ listen: ':0' });
  const warnings: string[] = [];
  primary.on('log', ({ level, message }) => {
    if (level === 'warn') warnings.push(message);
  });
  const client = await RespClient.connect(primary.listenAddress!);
  closesLater({ close: async () => client.close() });
  for (const password of ['x'.repeat(16), '', 'x'.repeat(15)]) {
    expect(warnings).toEqual([]);
    client.write(respCommand('CONFIG', 'SET', 'requirepass', password));
    expect(await client.replies(1)).toEqual(['+OK']);
  }
  expect(warnings).toEqual([
    expect.stringMatching(/^the password has less than 16 bytes and might be guessed/),
  ]);
});

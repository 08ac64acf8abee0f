/** Secrets that could be guessed are warned of, wherever they come from, and never shown. */
import { expect, it } from 'vitest';
import { closesLater, startPrimary } from '../support/library.js';
import { FastcacheProcess } from '../support/processes.js';
import { RespClient, respCommand } from '../support/resp-client.js';

const WEAK = 'x'.repeat(15);
const SOUND = 'x'.repeat(16);

/** The warnings of a primary, until it has said what it has to say of its start. */
async function warningsOf(options: Parameters<typeof startPrimary>[0]) {
  const primary = await startPrimary(options);
  const warnings: string[] = [];
  primary.on('log', ({ level, message }) => {
    if (level === 'warn') warnings.push(message);
  });
  await new Promise(setImmediate);
  return { primary, warnings };
}

it.each(['token', 'password'])(
  'a short %s given to the library is warned of, and none that is longer',
  async (name) => {
    const { warnings } = await warningsOf({ listen: ':0', [name]: WEAK });
    expect(warnings).toEqual([
      `the ${name} has less than 16 bytes and might be guessed; openssl rand -hex 32 makes a good one`,
    ]);
    expect((await warningsOf({ listen: ':0', [name]: SOUND })).warnings).toEqual([]);
  },
);

it.each([
  ['primary', 'start', '--bind', ':0', '--listen', ':0'],
  ['replica', 'follow', '127.0.0.1:1', '--listen', ':0'],
])('fastcache %s %s warns of them once', async (...args) => {
  const server = new FastcacheProcess(args, { FASTCACHE_TOKEN: WEAK });
  closesLater({ close: async () => void (await server.kill()) });
  const isWarning = (line: string) => line.includes('might be guessed');
  expect(await server.nextLine(isWarning)).not.toContain(WEAK);
  await server.kill('SIGTERM');
  await expect(server.nextLine(isWarning)).rejects.toThrow('ended');
});

it('CONFIG SET requirepass warns of a short password, and of no other', async () => {
  const { primary, warnings } = await warningsOf({ listen: ':0' });
  const client = await RespClient.connect(primary.listenAddress!);
  closesLater({ close: async () => client.close() });
  for (const password of [SOUND, '', WEAK]) {
    expect(warnings).toEqual([]);
    client.write(respCommand('CONFIG', 'SET', 'requirepass', password));
    expect(await client.replies(1)).toEqual(['+OK']);
  }
  expect(warnings).toEqual([
    expect.stringMatching(/^the password has less than 16 bytes and might be guessed/),
  ]);
});

/** A server of ours and redis-server, which are asked the same and must answer alike. */
import { expect } from 'vitest';
import { RespClient, respCommand } from './resp-client.js';

/** Both answer each command alike, byte for byte, in this protocol. */
export async function expectAlike(
  addresses: { ours: string; theirs: string },
  commands: readonly (readonly (string | Buffer)[])[],
  protocol: '2' | '3',
): Promise<void> {
  const clients = await Promise.all([addresses.ours, addresses.theirs].map(RespClient.connect));
  const different: string[] = [];
  for (const args of [['HELLO', protocol], ['FLUSHALL'], ...commands]) {
    const [ours, theirs] = await Promise.all(
      clients.map((client) => {
        client.write(respCommand(...args));
        return client.rawReply();
      }),
    );
    const isAlike = args[0] === 'HELLO' || ours!.equals(theirs!);
    if (!isAlike) different.push(`${args.join(' ')}\nours:  ${ours}\nRedis: ${theirs}`);
  }
  for (const client of clients) client.close();
  expect(different.join('\n\n')).toBe('');
}

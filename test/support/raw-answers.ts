/** A server's answer to bytes, as bytes. */
import { RespClient, respCommand } from './resp-client.js';

const MARKER = 'this far and no further';

/** All that is answered to `bytes`, and whether the connection outlives it. */
export async function answersTo(address: string, bytes: Buffer): Promise<{ answer: string; stays: boolean }> {
  const client = await RespClient.connect(address);
  const marker = respCommand('ECHO', MARKER);
  client.write(Buffer.concat([bytes, marker]));
  let answer = '';
  const isThere = () => answer.endsWith(`$${MARKER.length}\r\n${MARKER}\r\n`);
  await new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (isThere()) resolve();
    });
    client.socket.on('close', () => resolve());
  });
  client.close();
  return { answer, stays: isThere() };
}

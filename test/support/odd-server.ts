/** A server whose answers no command expects. */
import { type AddressInfo, createServer } from 'node:net';
import { closesLater } from './library.js';

/** Listens, and answers all that comes with what `answer` says to it; returns its `host:port`. */
export async function startOddServer(answer: (asked: string) => string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => socket.write(answer(bytes.toString('latin1'))));
  });
  closesLater({ close: async () => void server.close() });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A text as the string of a reply. */
export function stringReply(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
